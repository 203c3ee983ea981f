"""Disputes, read only: test controls make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def retrieve(call: Call) -> Record:
    """One dispute."""
    return call.world.existing("dispute", call.id)


def listed(call: Call) -> Page:
    """Disputes of a charge, of a PaymentIntent, or all."""
    store, wanted = call.world.store, call.params
    index = "charge" if "charge" in wanted else "payment_intent"
    return page(store, "dispute", store.ids("dispute", index, wanted.get(index)), wanted, url="/v1/disputes")


ROUTES = (
    Route(
        method="GET", path="/v1/disputes", act=listed, answers="list:dispute", permission="dispute_read",
        takes={**params.PAGE, "created": params.created, "charge": params.text, "payment_intent": params.text},
    ),
    Route(
        method="GET", path="/v1/disputes/{dispute}", act=retrieve, answers="dispute", permission="dispute_read",
        takes=params.EXPAND,
    ),
)  # fmt: skip
