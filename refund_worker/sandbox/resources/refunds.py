"""Refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import refunds
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def create(call: Call) -> Record:
    """Refund a charge, or the charge of a PaymentIntent; without an amount all that is left of it."""
    given = call.params
    charge = _charge(call)
    refunds.refuse(call.world, charge, given.get("amount"))
    return refunds.create(
        call.world,
        charge=charge,
        amount=given.get("amount"),
        reason=given.get("reason"),
        metadata=given.get("metadata") or {},
    )


def _charge(call: Call) -> Record:
    if "charge" in call.params:
        return call.world.existing("charge", call.params["charge"])
    if "payment_intent" not in call.params:
        raise ApiError(
            "One of the following params should be provided for this request: payment_intent or charge.", stored=False
        )
    intent = call.world.existing("payment_intent", call.params["payment_intent"])
    latest = intent.fields["latest_charge"]
    if latest is None:
        raise ApiError(f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return call.world.existing("charge", latest)


def retrieve(call: Call) -> Record:
    """One refund."""
    return call.world.existing("refund", call.id)


def update(call: Call) -> Record:
    """Change the metadata, the only thing that can be."""
    record = call.world.existing("refund", call.id)
    merged = params.merged(record.fields["metadata"], call.params.get("metadata"))
    changed = call.world.store.change(record, metadata=merged)
    if merged != record.fields["metadata"]:
        call.world.emit("refund.updated", changed.fields, {"metadata": record.fields["metadata"]})
    return changed


def cancel(call: Call) -> Record:
    """Cancel a refund that waits for the customer's bank details."""
    record = call.world.existing("refund", call.id)
    if record.fields["status"] != "requires_action":
        raise ApiError("Canceling this refund is unsupported.")
    return refunds.turn(call.world, record, "canceled")


def listed(call: Call) -> Page:
    """Refunds of a charge, of a PaymentIntent, or all; Stripe has no filter by customer or metadata."""
    wanted, store = call.params, call.world.store
    index = "charge" if "charge" in wanted else "payment_intent"
    return page(store, "refund", store.ids("refund", index, wanted.get(index)), wanted, url="/v1/refunds")


_ONE = "/v1/refunds/{refund}"

ROUTES = (
    Route(
        method="POST", path="/v1/refunds", act=create, answers="refund", permission="charge_write",
        takes={
            **params.EXPAND, "charge": params.text, "payment_intent": params.text, "amount": params.positive,
            "metadata": params.metadata, "refund_application_fee": params.boolean,
            "reverse_transfer": params.boolean, "instructions_email": params.text,
            "reason": params.one_of("duplicate", "fraudulent", "requested_by_customer"),
        },
    ),
    Route(
        method="GET", path="/v1/refunds", act=listed, answers="list:refund", permission="charge_read",
        takes={
            **params.PAGE, "created": params.created, "charge": params.text, "payment_intent": params.text,
        },
    ),
    Route(method="GET", path=_ONE, act=retrieve, answers="refund", permission="charge_read", takes=params.EXPAND),
    Route(
        method="POST", path=_ONE, act=update, answers="refund", permission="charge_write",
        takes={**params.EXPAND, "metadata": params.metadata},
    ),
    Route(
        method="POST", path=_ONE + "/cancel", act=cancel, answers="refund", permission="charge_write",
        takes=params.EXPAND,
    ),
)  # fmt: skip
