"""Invoice payments: which payment paid which invoice, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record


def retrieve(call: Call) -> Record:
    """One invoice payment."""
    return call.world.existing("invoice_payment", call.id)


def listed(call: Call) -> Page:
    """Payments of an invoice, of a payment, or all."""
    store, wanted = call.world.store, call.params
    payment = wanted.get("payment")
    if "invoice" in wanted:
        ids = store.ids("invoice_payment", "invoice", wanted["invoice"])
    else:
        ids = store.ids("invoice_payment", "payment", payment.get(payment["type"]) if payment else None)

    def fits(found: Fields) -> bool:
        if payment and found["payment"].get(payment["type"]) != payment.get(payment["type"]):
            return False
        return bool(found["status"] == wanted.get("status", found["status"]))

    where = fits if payment or "status" in wanted else None
    return page(store, "invoice_payment", ids, wanted, url="/v1/invoice_payments", where=where)


ROUTES = (
    Route(
        method="GET", path="/v1/invoice_payments", act=listed, answers="list:invoice_payment",
        permission="invoice_read",
        takes={
            **params.PAGE, "created": params.created, "invoice": params.text,
            "status": params.one_of("canceled", "open", "paid"),
            "payment": params.group(
                {
                    "type": params.one_of("payment_intent", "payment_record"), "payment_intent": params.text,
                    "payment_record": params.text,
                },
                required=("type",),
            ),
        },
    ),
    Route(
        method="GET", path="/v1/invoice_payments/{invoice_payment}", act=retrieve, answers="invoice_payment",
        permission="invoice_read", takes=params.EXPAND,
    ),
)  # fmt: skip
