"""A subscription's update: which items change, what of it is prorated, and when that is invoiced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import invoices, subscriptions
from refund_worker.sandbox.billing.subscription_fields import fresh_item, plan
from refund_worker.sandbox.errors import ApiError, resource_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World


def discount(world: World, coupon: str) -> Fields:
    """A discount by a coupon, as lines apply it."""
    rule = world.existing("coupon", coupon, param="discounts", status=400).hidden["rule"]
    return {**rule, "discount": world.ids.take("di"), "coupon": coupon}


def apply(world: World, subscription: Record, given: Mapping[str, Any]) -> Record:
    """Apply an update's parameters.

    Raises:
        ApiError: If an item or price does not exist, or the proration date is outside the period.
    """
    before = subscription.fields
    changes = _plain_changes(world, before, given)
    rows = subscriptions.items_of(subscription)
    after = _rows_after(world, subscription, given.get("items", ()))
    at = _proration_date(world, rows, given)
    behavior = given.get("proration_behavior", "create_prorations")
    restarted = any(_restarts(rows, row) for row in after)
    if restarted:
        after, at = [_restart(world, row) for row in after], world.now
        changes["billing_cycle_anchor"] = world.now
    gone = [row for row in rows if row not in after]
    come = [row for row in after if row not in rows]
    fresh = _credits(world, subscription.id, gone, at=at) if behavior != "none" else []
    shown = subscriptions.with_items(subscription.id, after)
    current = world.store.change(world.store["subscription", subscription.id], items=shown, **changes)
    _announce(world, before, current)
    if behavior != "none":
        at_once = restarted or behavior == "always_invoice"
        _bill_changes(world, subscription.id, come, fresh=fresh, at=at, at_once=at_once)
    elif restarted:
        invoices.finalize(world, subscriptions.bill(world, current, reason="subscription_update"))
    if restarted:
        subscriptions.schedule_renewal(world, world.store["subscription", subscription.id])
    return world.store["subscription", subscription.id]


def _credits(world: World, subscription: str, gone: list[Fields], *, at: int) -> list[Record]:
    """Credit the unused time of the items as they were."""
    made = []
    for row in gone:
        credited = subscriptions.credit_unused(world, world.store["subscription", subscription], row, at=at)
        made += [credited] if credited else []
    return made


def _bill_changes(
    world: World, subscription: str, come: list[Fields], *, fresh: list[Record], at: int, at_once: bool
) -> None:
    """Bill the rest of the period for the items as they are now, `at_once` or with the next invoice."""
    store = world.store
    billed = [subscriptions.bill_remaining(world, store["subscription", subscription], row, at=at) for row in come]
    if at_once and (fresh or billed):
        current = store["subscription", subscription]
        subscriptions.invoice_prorations(world, current, fresh=[*fresh, *billed], reason="subscription_update")


def _announce(world: World, before: Fields, current: Record) -> None:
    previous = {name: value for name, value in before.items() if current.fields[name] != value}
    if previous:
        world.emit("customer.subscription.updated", current.fields, previous)


def _plain_changes(world: World, before: Fields, given: Mapping[str, Any]) -> Fields:
    changes: Fields = {name: given[name] for name in ("description", "collection_method") if name in given}
    changes["metadata"] = params.merged(before["metadata"], given.get("metadata"))
    if "cancellation_details" in given:
        changes["cancellation_details"] = {**before["cancellation_details"], **given["cancellation_details"]}
    if "cancel_at_period_end" in given:
        wanted = given["cancel_at_period_end"]
        end = min(row["current_period_end"] for row in before["items"]["data"])
        changes["cancel_at_period_end"] = wanted
        changes["canceled_at"] = world.now if wanted else None
        changes["cancel_at"] = end if wanted else None
    return changes


def _rows_after(world: World, subscription: Record, wanted: list[Fields] | tuple[()]) -> list[Fields]:
    rows = {row["id"]: row for row in subscriptions.items_of(subscription)}
    for index, change in enumerate(wanted):
        price = None
        if "price" in change:
            price = world.existing("price", change["price"], param=f"items[{index}][price]", status=400).fields
        identifier = change.get("id")
        if identifier is None:
            added = _added(world, subscription, change, price)
            rows[added["id"]] = added
            continue
        if identifier not in rows:
            raise resource_missing("subscription_item", identifier, param=f"items[{index}][id]", status=400)
        if change.get("deleted"):
            del rows[identifier]
            continue
        row = rows[identifier]
        price = price or row["price"]
        rows[identifier] = {
            **row, "price": price, "plan": plan(price), "quantity": change.get("quantity", row["quantity"]),
        }  # fmt: skip
    if not rows:
        raise ApiError("A subscription must have at least one active plan.", param="items")
    return list(rows.values())


def _added(world: World, subscription: Record, change: Fields, price: Fields | None) -> Fields:
    if price is None:
        raise ApiError("You must pass a price for a new item.", param="items")
    row = fresh_item(
        world, subscription=subscription.id, price=price, quantity=change.get("quantity", 1),
        anchor=subscription.fields["billing_cycle_anchor"],
    )  # fmt: skip
    first = subscriptions.items_of(subscription)[0]
    return {
        **row,
        "current_period_start": first["current_period_start"],
        "current_period_end": first["current_period_end"],
    }


def _proration_date(world: World, rows: list[Fields], given: Mapping[str, Any]) -> int:
    at = int(given.get("proration_date", world.now))
    start = min(row["current_period_start"] for row in rows)
    end = max(row["current_period_end"] for row in rows)
    if not start <= at <= end:
        raise ApiError(
            "Cannot specify `proration_date` outside of current subscription period.", param="proration_date"
        )
    return at


def _restarts(rows: list[Fields], row: Fields) -> bool:
    """Another billing interval restarts the billing cycle now."""
    old = next((found for found in rows if found["id"] == row["id"]), None)
    return old is not None and _interval(old) != _interval(row)


def _interval(row: Fields) -> tuple[str, int]:
    recurring = row["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _restart(world: World, row: Fields) -> Fields:
    fresh = fresh_item(world, subscription=row["subscription"], price=row["price"], quantity=row["quantity"])
    return {**fresh, "id": row["id"], "created": row["created"], "metadata": row["metadata"]}
