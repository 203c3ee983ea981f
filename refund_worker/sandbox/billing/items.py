"""Invoice items: amounts that wait for an invoice, prorations among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.billing import lines
from refund_worker.sandbox.billing.lines import pricing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

_FROZEN: Final = ("pricing", "quantity", "discounts")  # what nobody may change of a proration; source: recorded items


def add(
    world: World,
    *,
    customer: str,
    currency: str,
    amount: int,
    description: str | None,
    subscription: str | None = None,
    subscription_item: str | None = None,
    price: Mapping[str, Any] | None = None,
    quantity: int = 1,
    period: Fields | None = None,
    proration: Fields | None = None,
    plain: bool = False,
    metadata: Mapping[str, str] | None = None,
    invoice: str | None = None,
    tax_rates: Sequence[Fields] = (),
    hidden: Mapping[str, Any] | None = None,
) -> Record:
    """Add a pending item; `amount` in minor units, negative for credit.

    Args:
        tax_rates: Those of its own, as objects; the subscription's are not shown on it.
        proration: The proration details; an item with them is a proration.
        plain: It names neither its subscription nor what it credits.
        hidden: `taxes` and `discounts` that its line will carry, and `billed`, whom it bills.
    """
    details: Fields = {"subscription": subscription}
    if subscription_item is not None:
        details["subscription_item"] = subscription_item
    fields: Fields = {
        "id": world.ids.take("ii"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": world.now,
        "description": description,
        "discountable": proration is None,
        "discounts": [],
        "frozen_fields": list(_FROZEN) if proration is not None else [],
        "invoice": invoice,
        "invoicing_rules": [],
        "livemode": world.settings.livemode,
        "metadata": dict(metadata or {}),
        "parent": {"subscription_details": details, "type": "subscription_details"}
        if subscription and not plain
        else None,
        "period": period or {"end": world.now, "start": world.now},
        "pricing": pricing(price, proration=proration is not None),
        "proration": proration is not None,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": list(tax_rates),
        "test_clock": None,
    }
    if proration is not None:
        fields["net_amount"] = amount
        if not plain:
            fields["proration_details"] = proration
    record = world.store.insert("invoiceitem", fields, hidden or {})
    world.emit("invoiceitem.created", record.fields)
    return record


def pending(world: World, customer: str) -> list[Record]:
    """Items that wait for an invoice, oldest first."""
    return [item for item in world.store.all("invoiceitem", "customer", customer) if item.fields["invoice"] is None]


def sweep(world: World, *, invoice: Record, subscription: str | None, fresh: frozenset[str] = frozenset()) -> None:
    """Put the customer's pending items on a draft: those of this subscription and those of none.

    Args:
        fresh: Prorations made by the very change that is invoiced; their lines name the subscription item.
    """
    for item in pending(world, invoice.fields["customer"]):
        parent = item.fields["parent"]
        of = parent["subscription_details"]["subscription"] if parent else None
        if item.fields["invoicing_rules"]:  # deferred: no invoice takes it yet
            continue
        if item.fields["currency"] == invoice.fields["currency"] and (of is None or of == subscription):
            attach(world, item=item, invoice=invoice, fresh=item.id in fresh)


def attach(world: World, *, item: Record, invoice: Record, fresh: bool = False) -> Record:
    """Make a line of one item."""
    fields, hidden = item.fields, item.hidden
    details = (fields["parent"] or {}).get("subscription_details") or {}
    shown: Fields = {
        "invoice_item": item.id,
        "proration": fields["proration"],
        "proration_details": {"credited_items": _flat(fields)},
        "subscription": details.get("subscription"),
    }
    word = "subscription_item_details" if fresh else "invoice_item_details"
    if fresh:
        shown["subscription_item"] = details["subscription_item"]
    line = lines.add(
        world,
        invoice=invoice,
        amount=fields["amount"],
        description=fields["description"],
        parent={"invoice_item_details": None, "subscription_item_details": None, word: shown, "type": word},
        period=fields["period"],
        price=hidden.get("price"),
        quantity=fields["quantity"],
        taxes=hidden.get("taxes", ()),
        discounts=hidden.get("discounts", ()),
        metadata=fields["metadata"],
    )
    world.store.change(item, {"line": line.id}, invoice=invoice.id)
    _remember_billed(world, item=item, line=line)
    return line


def _flat(fields: Fields) -> Fields | None:
    """Lines say which lines they credit without the type an item has; source: recorded downgrade."""
    credited = (fields.get("proration_details") or {}).get("credited_items")
    if credited is None or credited["type"] != "invoice_line_items":
        return None
    flat: Fields = credited["invoice_line_item_details"]
    return flat


def _remember_billed(world: World, *, item: Record, line: Record) -> None:
    """Once an item that billed time is invoiced, a later credit names its line."""
    billed = item.hidden.get("billed")
    if billed is None:
        return
    subscription = world.store["subscription", billed[0]]
    entries = dict(subscription.hidden["billed"])
    entry = entries.get(billed[1])
    if entry is not None and entry["item"] == item.id:
        entries[billed[1]] = {**entry, "invoice": line.fields["invoice"], "line": line.id}
        world.store.change(subscription, {"billed": entries})
