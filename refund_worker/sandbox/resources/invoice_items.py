"""Invoice items: pending ones wait for the customer's next invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import invoices, items
from refund_worker.sandbox.errors import ApiError, parameter_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record


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
    item = items.add(
        world, customer=customer.id, description=given.get("description"), quantity=count,
        amount=given["amount"] if price is None else price["unit_amount"] * count, price=price,
        currency=given.get("currency") or (price or customer.fields)["currency"] or "usd",
        subscription=given.get("subscription"), period=given.get("period"), metadata=given.get("metadata"),
        hidden={"price": price, "taxes": [world.existing("tax_rate", rate).hidden["rule"]
                                          for rate in given.get("tax_rates", ())]},
    )  # fmt: skip
    if invoice is not None:
        items.attach(world, item=item, invoice=invoice)
        invoices.recount(world, world.store["invoice", invoice.id])
    return world.store["invoiceitem", item.id]


def retrieve(call: Call) -> Record:
    """One item."""
    return call.world.existing("invoiceitem", call.id)


def delete(call: Call) -> Fields:
    """Delete an item that is pending or on a draft."""
    world = call.world
    item = world.existing("invoiceitem", call.id)
    if item.fields["invoice"] is not None:
        invoice = world.store["invoice", item.fields["invoice"]]
        if invoice.fields["status"] != "draft":
            raise ApiError(
                "You can't delete an invoice item that is attached to an invoice that is no longer editable."
            )
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

ROUTES = (
    Route(
        method="POST", path="/v1/invoiceitems", act=create, answers="invoiceitem", permission="invoice_write",
        takes={
            **params.EXPAND, "customer": params.text, "amount": params.integer, "currency": params.currency,
            "description": params.text, "invoice": params.text, "subscription": params.text,
            "quantity": params.quantity, "metadata": params.metadata, "discountable": params.boolean,
            "tax_rates": params.array(params.text),
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
    Route(method="DELETE", path=_ONE, act=delete, answers="invoiceitem", permission="invoice_write"),
)  # fmt: skip
