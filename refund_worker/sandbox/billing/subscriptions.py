"""Subscriptions: the first invoice, changes with proration to the second, renewal, cancellation.

Proration credits the unused part of what was billed and bills the rest of the period anew; source:
docs.stripe.com/billing/subscriptions/prorations. In billing mode `flexible` the credit comes from the amount that was
billed, net of its discount; in `classic` from the current price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.billing import invoices, items, lines, periods
from refund_worker.sandbox.money import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

# What prorations of a subscription say of themselves, and whether the invoice of its cancellation is a draft first
HABITS: Final[Mapping[str, bool]] = {"credited": True, "named": False, "draft": False}


def items_of(subscription: Record) -> list[Fields]:
    """The subscription items as the object shows them."""
    shown: list[Fields] = subscription.fields["items"]["data"]
    return shown


def with_items(subscription: str, rows: Sequence[Fields]) -> Fields:
    """The `items` list of a subscription."""
    return {
        "object": "list",
        "data": list(rows),
        "has_more": False,
        "url": f"/v1/subscription_items?subscription={subscription}",
    }


def rates(world: World, subscription: Record) -> list[Fields]:
    """The tax rates its lines carry, as `lines.add` takes them."""
    return [world.store["tax_rate", rate].hidden["rule"] for rate in subscription.hidden["tax_rates"]]


def bill(world: World, subscription: Record, *, reason: str, auto_advance: bool = False) -> Record:
    """A draft for the current period with the pending items on it."""
    fields = subscription.fields
    invoice = invoices.draft(
        world, customer=fields["customer"], currency=fields["currency"], reason=reason, subscription=subscription.id,
        auto_advance=auto_advance, automatic_tax=fields["automatic_tax"]["enabled"],
        collection_method=fields["collection_method"], period=_billed_before(subscription),
    )  # fmt: skip
    items.sweep(world, invoice=invoice, subscription=subscription.id)
    for row in items_of(subscription):
        subscription = bill_period(world, world.store["subscription", subscription.id], invoice, row)
    world.store.change(world.store["subscription", subscription.id], latest_invoice=invoice.id)
    return invoices.announce(world, invoice)


def _billed_before(subscription: Record) -> tuple[int, int] | None:
    """The period whose usage an invoice would bill: the one that has just ended; None for the first invoice."""
    billed = subscription.hidden["billed"].values()
    if not billed:
        return None
    return min(entry["start"] for entry in billed), max(entry["end"] for entry in billed)


def bill_period(world: World, subscription: Record, invoice: Record, row: Fields) -> Record:
    """A line for a whole period of one item."""
    price = row["price"]
    amount = price["unit_amount"] * row["quantity"]
    start, end = row["current_period_start"], row["current_period_end"]
    parent = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription.id,
            "subscription_item": row["id"],
        },
        "type": "subscription_item_details",
    }
    line = lines.add(
        world, invoice=invoice, amount=amount, parent=parent, period={"end": end, "start": start}, price=price,
        description=f"{row['quantity']} × {_name(world, price)}", quantity=row["quantity"],
        taxes=rates(world, subscription), discounts=subscription.hidden["discounts"],
    )  # fmt: skip
    off = sum(entry["amount"] for entry in line.fields["discount_amounts"])
    return _remember(
        world, subscription, row["id"], gross=amount, net=amount - off, start=start, end=end, line=line, item=None
    )


def _remember(
    world: World,
    subscription: Record,
    row: str,
    *,
    gross: int,
    net: int,
    start: int,
    end: int,
    line: Record | None,
    item: str | None,
) -> Record:
    """Keep what was billed last for an item: the next credit is of this."""
    entry = {
        "gross": gross, "net": net, "start": start, "end": end, "item": item,
        "invoice": line.fields["invoice"] if line else None, "line": line.id if line else None,
    }  # fmt: skip
    return world.store.change(subscription, {"billed": {**subscription.hidden["billed"], row: entry}})


def _name(world: World, price: Fields) -> str:
    return str(world.store["product", price["product"]].fields["name"])


def credit_unused(world: World, subscription: Record, row: Fields, *, at: int, plain: bool = False) -> Record | None:
    """A pending item that credits what is left of the item's period; None if nothing was billed for it.

    Args:
        plain: The item names neither the subscription nor what it credits.
    """
    billed = subscription.hidden["billed"].get(row["id"])
    if billed is None or at >= billed["end"]:
        return None
    mode = subscription.fields["billing_mode"]
    if mode["type"] == "classic":
        whole = row["price"]["unit_amount"] * row["quantity"]
        start = row["current_period_start"]
    else:
        itemized = (mode["flexible"] or {}).get("proration_discounts") == "itemized"
        whole, start = billed["gross" if itemized else "net"], billed["start"]
    amount = -share(whole, billed["end"] - at, billed["end"] - start)
    credited: Fields | None
    if not _habits(subscription)["credited"]:
        credited = None
    elif billed["line"] is None:
        credited = {"invoice_item": billed["item"], "type": "invoice_item"}
    else:
        named = {"invoice": billed["invoice"], "invoice_line_items": [billed["line"]]}
        credited = {"invoice_line_item_details": named, "type": "invoice_line_items"}
    return items.add(
        world, customer=subscription.fields["customer"], currency=subscription.fields["currency"], amount=amount,
        description=f"Unused time on {_name(world, row['price'])} after {periods.day(at)}",
        subscription=subscription.id, subscription_item=row["id"], price=row["price"], quantity=row["quantity"],
        period={"end": billed["end"], "start": at},
        proration={"credited_items": credited, "discount_amounts": []}, plain=plain,
        hidden={"taxes": rates(world, subscription), "discounts": _proration_discounts(subscription),
                "price": row["price"]},
    )  # fmt: skip


def _habits(subscription: Record) -> Mapping[str, bool]:
    """How Stripe words and invoices this subscription's prorations (`Builders.prorations`)."""
    return {**HABITS, **subscription.hidden.get("prorations", {})}


def _proration_discounts(subscription: Record) -> list[Any]:
    """Only itemized prorations carry their discount; otherwise it is in the amount, and classic ones show the last."""
    mode = subscription.fields["billing_mode"]
    itemized = mode["type"] == "classic" or (mode["flexible"] or {}).get("proration_discounts") == "itemized"
    return list(subscription.hidden["discounts"]) if itemized else []


def bill_remaining(world: World, subscription: Record, row: Fields, *, at: int) -> Record:
    """A pending item that bills the rest of the item's period at its price."""
    start, end = row["current_period_start"], row["current_period_end"]
    gross = share(row["price"]["unit_amount"] * row["quantity"], end - at, end - start)
    discounts = _proration_discounts(subscription)
    net = gross - sum(share(gross, rule["percent"], 1_000_000) for rule in subscription.hidden["discounts"]
                      if rule.get("percent"))  # fmt: skip
    item = items.add(
        world, customer=subscription.fields["customer"], currency=subscription.fields["currency"],
        amount=gross if discounts else net,
        description=f"Remaining time on {_name(world, row['price'])} after {periods.day(at)}",
        subscription=subscription.id, subscription_item=row["id"], price=row["price"], quantity=row["quantity"],
        period={"end": end, "start": at}, proration={"credited_items": None, "discount_amounts": []},
        hidden={"taxes": rates(world, subscription), "discounts": discounts, "price": row["price"],
                "billed": (subscription.id, row["id"])},
    )  # fmt: skip
    _remember(world, world.store["subscription", subscription.id], row["id"], gross=gross, net=net, start=at, end=end,
              line=None, item=item.id)  # fmt: skip
    return item


def invoice_prorations(
    world: World, subscription: Record, *, fresh: Sequence[Record], reason: str, draft: bool = False
) -> Record | None:
    """Invoice the pending items at once, as `always_invoice` does; None if there are none.

    Args:
        draft: The invoice finalises itself in an hour.
    """
    fields = subscription.fields
    if not items.pending(world, fields["customer"]):
        return None
    invoice = invoices.draft(
        world, customer=fields["customer"], currency=fields["currency"], reason=reason, subscription=subscription.id,
        automatic_tax=fields["automatic_tax"]["enabled"], collection_method=fields["collection_method"],
        auto_advance=draft, period=(min(row["current_period_start"] for row in items_of(subscription)), world.now),
    )  # fmt: skip
    made = frozenset(item.id for item in fresh)
    items.sweep(world, invoice=invoice, subscription=subscription.id, fresh=made)
    world.store.change(world.store["subscription", subscription.id], latest_invoice=invoice.id)
    announced = invoices.announce(world, invoice)
    return announced if draft else invoices.finalize(world, announced)


def cancel(world: World, subscription: Record, *, prorate: bool, invoice_now: bool) -> Record:
    """End a subscription now; with `prorate` the unused time is credited, with `invoice_now` it is invoiced."""
    fresh = []
    habits = _habits(subscription)
    at = world.now  # read once: the credited time begins in the second of the end, also where the clock ticks meanwhile
    if prorate:
        for row in items_of(subscription):
            current = world.store["subscription", subscription.id]
            plain = not invoice_now and not habits["named"]
            credited = credit_unused(world, current, row, at=at, plain=plain)
            if credited is not None:
                fresh.append(credited)
    elif not invoice_now:
        _drop_pending(world, subscription)
    _stop_advancing(world, subscription)
    subscription = world.store.change(
        world.store["subscription", subscription.id],
        status="canceled", canceled_at=subscription.fields["canceled_at"] or at, ended_at=at,
        cancellation_details={**subscription.fields["cancellation_details"], "reason": "cancellation_requested"},
    )  # fmt: skip
    if invoice_now:
        reason = "subscription_cycle" if habits["draft"] else "subscription_update"
        invoice_prorations(world, subscription, fresh=fresh, reason=reason, draft=habits["draft"])
        subscription = world.store["subscription", subscription.id]
    world.emit("customer.subscription.deleted", subscription.fields)
    return subscription


def _drop_pending(world: World, subscription: Record) -> None:
    """Cancelling with neither option removes the subscription's pending prorations."""
    for item in items.pending(world, subscription.fields["customer"]):
        parent = item.fields["parent"]
        of = parent["subscription_details"]["subscription"] if parent else None
        if item.fields["proration"] and of == subscription.id:
            world.store.remove(item)
            world.emit("invoiceitem.deleted", item.fields)


def _stop_advancing(world: World, subscription: Record) -> None:
    """Open and draft invoices of a cancelled subscription no longer collect themselves."""
    for invoice in list(world.store.all("invoice", "subscription", subscription.id)):
        if invoice.fields["status"] in {"draft", "open"} and invoice.fields["auto_advance"]:
            world.store.change(invoice, auto_advance=False, automatically_finalizes_at=None)


def renew(world: World, subscription: Record) -> None:
    """Begin the next period: a draft that finalises in an hour, or the end if it was to be cancelled."""
    if subscription.fields["cancel_at_period_end"]:
        ended = world.store.change(subscription, status="canceled", ended_at=world.now)
        world.emit("customer.subscription.deleted", ended.fields)
        return
    rows = [_next_period(subscription, row) for row in items_of(subscription)]
    before = subscription.fields
    subscription = world.store.change(subscription, items=with_items(subscription.id, rows))
    world.emit("customer.subscription.updated", subscription.fields, {"items": before["items"]})
    bill(world, subscription, reason="subscription_cycle", auto_advance=True)
    schedule_renewal(world, subscription)


def _next_period(subscription: Record, row: Fields) -> Fields:
    recurring = row["price"]["recurring"]
    start = row["current_period_end"]
    end = periods.next_end(
        subscription.fields["billing_cycle_anchor"], start,
        interval=recurring["interval"], count=recurring["interval_count"],
    )  # fmt: skip
    return {**row, "current_period_start": start, "current_period_end": end}


def schedule_renewal(world: World, subscription: Record) -> None:
    """Let the clock renew the subscription when its period ends."""
    end = min(row["current_period_end"] for row in items_of(subscription))
    world.clock.schedule(end, "renew", subscription.id, end)
