"""Invoice items: pending ones wait for the customer's next invoice.

Source of the refusals' words, and of what becomes of an item whose draft was deleted: recorded requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import invoices, items
from refund_worker.sandbox.errors import ApiError, parameter_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World


def create(call: Call) -> Record:
    """A new item, pending, or on a draft that is named; a negative amount is credit."""
    world, given = call.world, call.params
    customer = world.named("customer", given, "customer")
    invoice = world.named("invoice", given, "invoice") if "invoice" in given else None
    if invoice is not None and invoice.fields["status"] != "draft":
        raise ApiError("This invoice is no longer editable.", code="invoice_not_editable", param="invoice")
    if "subscription" in given:
        world.named("subscription", given, "subscription")
    price, count = None, given.get("quantity", 1)
    if "pricing" in given:
        price = world.existing("price", given["pricing"]["price"], param="pricing[price]", status=400).fields
    if price is None and "amount" not in given:
        raise parameter_missing("amount")
    rates = _rates(world, given)
    item = items.add(
        world, customer=customer.id, description=given.get("description"), quantity=count,
        amount=given["amount"] if price is None else price["unit_amount"] * count, price=price,
        currency=given.get("currency") or (price or customer.fields)["currency"] or "usd",
        subscription=given.get("subscription"), period=given.get("period"), metadata=given.get("metadata"),
        tax_rates=[rate.fields for rate in rates],
        hidden={"price": price, "taxes": [rate.hidden["rule"] for rate in rates]},
    )  # fmt: skip
    if invoice is not None:
        items.attach(world, item=item, invoice=invoice)
        invoices.recount(world, world.store["invoice", invoice.id])
    return world.store["invoiceitem", item.id]


def _rates(world: World, given: dict[str, Any]) -> list[Record]:
    return [world.existing("tax_rate", rate, param="tax_rates", status=400) for rate in given.get("tax_rates", ())]


def _found(call: Call) -> Record:
    record = call.world.store.get("invoiceitem", call.id)
    if record is None:
        mode = "true" if call.world.settings.livemode else "false"
        raise ApiError(
            f"No such Invoice Item: '{call.id}'(livemode={mode})", status=404, code="resource_missing", param="id"
        )
    return record


def retrieve(call: Call) -> Record:
    """One item."""
    return _found(call)


def update(call: Call) -> Record:
    """Change an item that is pending or on a draft; empty `invoicing_rules` let the next invoice take it."""
    world, given, item = call.world, call.params, _found(call)
    on, invoice = item.fields["invoice"], world.store.get("invoice", item.fields["invoice"] or "")
    if on is not None and invoice is None:
        raise ApiError("This invoice item has been deleted.")
    if invoice is not None and invoice.fields["status"] != "draft":
        raise ApiError("This invoice item is already attached to an invoice that is no longer editable.")
    changes: Fields = {name: given[name] for name in ("amount", "description") if name in given}
    if item.fields["proration"] and "amount" in changes:
        changes["net_amount"] = changes["amount"]
    if "invoicing_rules" in given:
        changes["invoicing_rules"] = []
    if "tax_rates" in given:
        rates = _rates(world, given)
        changes["tax_rates"] = [rate.fields for rate in rates]
        item = world.store.change(item, {"taxes": [rate.hidden["rule"] for rate in rates]})
    merged = params.merged(item.fields["metadata"], given.get("metadata"))
    changed = world.store.change(item, metadata=merged, **changes)
    if invoice is not None:
        world.store.remove(world.store["line_item", changed.hidden["line"]])
        items.attach(world, item=changed, invoice=invoice)
        invoices.recount(world, invoice)
    return world.store["invoiceitem", item.id]


def delete(call: Call) -> Fields:
    """Delete an item that is pending or on a draft."""
    world, item = call.world, _found(call)
    if item.fields["invoice"] is not None:
        invoice = world.store.get("invoice", item.fields["invoice"])
        if invoice is None or invoice.fields["status"] != "draft":
            raise ApiError("Can't delete an invoice item that is attached to an invoice that is no longer editable")
        world.store.remove(world.store["line_item", item.hidden["line"]])
        invoices.recount(world, invoice)
    world.store.remove(item)
    world.emit("invoiceitem.deleted", item.fields)
    return {"id": item.id, "object": "invoiceitem", "deleted": True}


def listed(call: Call) -> Page:
    """Items of a customer or invoice; `pending=true` for those that wait."""
    store, wanted = call.world.store, call.params
    ids = store.ids("invoiceitem", "customer", wanted.get("customer"))
    invoice, pending = wanted.get("invoice"), wanted.get("pending")

    def fits(item: Fields) -> bool:
        if invoice is not None and item["invoice"] != invoice:
            return False
        return pending is None or (item["invoice"] is None) == pending

    where = fits if invoice is not None or pending is not None else None
    return page(store, "invoiceitem", ids, wanted, url="/v1/invoiceitems", where=where)


_ONE = "/v1/invoiceitems/{invoiceitem}"
_CHANGED: params.Spec = {
    **params.EXPAND,
    "amount": params.integer,
    "description": params.text,
    "metadata": params.metadata,
    "tax_rates": params.array(params.text),
}


def _no_rules(raw: Any, name: str) -> list[Any]:
    """Rules can be taken away, never set."""
    if raw != "":
        raise ApiError("Setting invoicing rules is not supported.", param=name, stored=False)
    return []


ROUTES = (
    Route(
        method="POST", path="/v1/invoiceitems", act=create, answers="invoiceitem", permission="invoice_write",
        takes={
            **_CHANGED, "customer": params.text, "currency": params.currency, "invoice": params.text,
            "subscription": params.text, "quantity": params.quantity, "discountable": params.boolean,
            "pricing": params.group({"price": params.text}, required=("price",)),
            "period": params.group({"start": params.timestamp, "end": params.timestamp}, required=("start", "end")),
        },
        required=("customer",),
    ),
    Route(
        method="GET", path="/v1/invoiceitems", act=listed, answers="list:invoiceitem", permission="invoice_read",
        takes={
            **params.PAGE, "created": params.created, "customer": params.text, "invoice": params.text,
            "pending": params.boolean,
        },
    ),
    Route(
        method="GET", path=_ONE, act=retrieve, answers="invoiceitem", permission="invoice_read", takes=params.EXPAND
    ),
    Route(
        method="POST", path=_ONE, act=update, answers="invoiceitem", permission="invoice_write",
        takes={**_CHANGED, "invoicing_rules": _no_rules},
    ),
    Route(method="DELETE", path=_ONE, act=delete, answers="invoiceitem", permission="invoice_write"),
)  # fmt: skip
