"""PaymentIntents, read only: invoices and builders make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def retrieve(call: Call) -> Record:
    """One PaymentIntent."""
    return call.world.existing("payment_intent", call.id)


def listed(call: Call) -> Page:
    """PaymentIntents of a customer, or all."""
    store = call.world.store
    ids = store.ids("payment_intent", "customer", call.params.get("customer"))
    return page(store, "payment_intent", ids, call.params, url="/v1/payment_intents")


ROUTES = (
    Route(
        method="GET", path="/v1/payment_intents", act=listed, answers="list:payment_intent",
        permission="payment_intent_read",
        takes={**params.PAGE, "created": params.created, "customer": params.text},
    ),
    Route(
        method="GET", path="/v1/payment_intents/{intent}", act=retrieve, answers="payment_intent",
        permission="payment_intent_read", takes={**params.EXPAND, "client_secret": params.text},
    ),
)  # fmt: skip
