"""Charges, newest first. `refunds` is there only when expanded, its newest ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def retrieve(call: Call) -> Record:
    """One charge."""
    return call.world.existing("charge", call.id)


def update(call: Call) -> Record:
    """Change description or metadata."""
    record = call.world.existing("charge", call.id)
    merged = params.merged(record.fields["metadata"], call.params.get("metadata"))
    description = call.params.get("description", record.fields["description"])
    return call.world.store.change(record, metadata=merged, description=description)


def listed(call: Call) -> Page:
    """Charges of a customer, of a PaymentIntent, or all."""
    store, wanted = call.world.store, call.params
    if "payment_intent" in wanted:
        ids = store.ids("charge", "payment_intent", wanted["payment_intent"])
    else:
        if "customer" in wanted and store.get("customer", wanted["customer"]) is None:
            call.world.named("customer", wanted, "customer")
        ids = store.ids("charge", "customer", wanted.get("customer"))
    return page(store, "charge", ids, wanted, url="/v1/charges")


def refunds(call: Call) -> Page:
    """The refunds of one charge."""
    charge = call.world.existing("charge", call.id)
    ids = call.world.store.ids("refund", "charge", charge.id)
    return page(call.world.store, "refund", ids, call.params, url=f"/v1/charges/{charge.id}/refunds")


_ONE = "/v1/charges/{charge}"

ROUTES = (
    Route(
        method="GET", path="/v1/charges", act=listed, answers="list:charge", permission="charge_read",
        takes={
            **params.PAGE, "created": params.created, "customer": params.text, "payment_intent": params.text,
            "transfer_group": params.text,
        },
    ),
    Route(method="GET", path=_ONE, act=retrieve, answers="charge", permission="charge_read", takes=params.EXPAND),
    Route(
        method="POST", path=_ONE, act=update, answers="charge", permission="charge_write",
        takes={**params.EXPAND, "metadata": params.metadata, "description": params.text_or_unset},
    ),
    Route(
        method="GET", path=_ONE + "/refunds", act=refunds, answers="list:refund", permission="charge_read",
        takes=params.PAGE,
    ),
)  # fmt: skip
