"""Refunds: what a charge still has to give, and how a refund turns out, at once or days later.

Source: recorded refunds; docs.stripe.com/refunds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.billing import disputes, funds, payments
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.money import printed
from refund_worker.sandbox.world import RefundOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

STATUSES: Final = ("pending", "requires_action", "succeeded", "failed", "canceled")
_MONEY_LEFT: Final = frozenset({"pending", "succeeded"})
_AT_ONCE: Final = RefundOutcome(charge=None, status="succeeded")
_CUSTOMER_ANSWERS_WITHIN_S: Final = 30 * 86_400
_NO_FUNDS: Final = "insufficient_funds"
_FUNDS_COME_WITHIN_S: Final = 30 * 86_400  # Stripe names no number
# With too little money refunds to cards wait for it, others fail; source: docs.stripe.com/refunds
_WAITS: Final = RefundOutcome(
    charge=None, status="pending", reason=_NO_FUNDS, then=("failed", _FUNDS_COME_WITHIN_S)
)  # fmt: skip
_UNPAID: Final = RefundOutcome(charge=None, status="failed", reason=_NO_FUNDS)


def refuse(world: World, charge: Record, amount: int | None) -> None:
    """Check that a charge can give `amount` (minor units, None for all that is left).

    Raises:
        ApiError: With Stripe's codes; more than what is left has a param and no code.
    """
    fields = charge.fields
    left = fields["amount_captured"] - fields["amount_refunded"]
    if fields["disputed"]:
        _refuse_disputed(world, charge)
    if fields["status"] != "succeeded" or not fields["captured"] or charge.hidden.get("not_refundable"):
        raise ApiError(f"Charge {charge.id} is not refundable.", code="charge_not_refundable")
    if left <= 0:
        raise ApiError(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if amount is not None and amount > left:
        asked, rest = printed(amount, fields["currency"]), printed(left, fields["currency"])
        raise ApiError(f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})", param="amount")


def _refuse_disputed(world: World, charge: Record) -> None:
    code = disputes.refusal(world, charge)
    if code == "charge_disputed":
        raise ApiError(f"Charge {charge.id} has been charged back; cannot issue a refund.", code=code)
    if code is not None:
        raise ApiError("You cannot refund a disputed payment.", code=code)


def create(
    world: World, *, charge: Record, amount: int | None, reason: str | None, metadata: Mapping[str, str]
) -> Record:
    """Refund a charge that can be refunded; pending refunds count on the charge as well."""
    fields = charge.fields
    value = fields["amount_captured"] - fields["amount_refunded"] if amount is None else amount
    card = fields["payment_method_details"]["type"] == "card"
    outcome = _outcome(world, charge)
    paid = funds.suffice(world, currency=fields["currency"], amount=value)
    if not paid and outcome.status in _MONEY_LEFT:
        outcome = _WAITS if card else _UNPAID
    identifier = world.ids.take("re" if card else "pyr")
    movement = None
    if paid and outcome.status != "requires_action":
        movement = _book(world, identifier, amount=value, currency=fields["currency"])
    refund = world.store.insert(
        "refund",
        {
            "id": identifier,
            "object": "refund",
            "amount": value,
            "balance_transaction": movement,
            "charge": charge.id,
            "created": world.now,
            "currency": fields["currency"],
            "customer": fields["customer"],
            "customer_account": None,
            "destination_details": _destination(fields["payment_method_details"]["type"]),
            "metadata": dict(metadata),
            "payment_intent": fields["payment_intent"],
            "payment_method": fields["payment_method"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": outcome.status,
            "transfer_reversal": None,
            **_why(world, outcome),
        },
        {"waits": outcome is _WAITS},
    )
    changed = _count(world, charge.id, value)
    world.emit("refund.created", refund.fields)
    world.emit("charge.refunded", changed.fields, {"amount_refunded": fields["amount_refunded"]})
    if outcome.status == "failed":  # failed at once: it was created, and gave nothing
        world.emit("refund.failed", _give_up(world, refund).fields)
    if outcome.then is not None:
        world.clock.schedule(world.now + outcome.then[1], "turn_refund", refund.id, outcome.then[0], outcome.reason)
    return world.store["refund", refund.id]


def _outcome(world: World, charge: Record) -> RefundOutcome:
    """As a test has ordered it, else as the test card turns out, else at once."""
    ordered = world.controls.refunds
    for position, outcome in enumerate(ordered):
        if outcome.charge in {None, charge.id}:
            return ordered.pop(position)
    method = world.store.get("payment_method", charge.fields["payment_method"] or "")
    return (method.hidden.get("refunds") if method is not None else None) or _AT_ONCE


def _why(world: World, outcome: RefundOutcome) -> Fields:
    """What a refund says of its status besides the word."""
    if outcome.status == "requires_action":
        asked = {"email_sent_at": world.now, "email_sent_to": "customer@example.com"}
        shown = {"email_sent": asked, "expires_at": world.now + _CUSTOMER_ANSWERS_WITHIN_S}
        return {"next_action": {"display_details": shown, "type": "display_details"}}
    if outcome.status == "pending":
        return {"pending_reason": outcome.reason or "processing"}
    if outcome.status == "failed":
        return {"failure_reason": outcome.reason or "expired_or_canceled_card"}
    return {}


def _destination(method: str) -> Fields:
    if method != "card":
        return {"type": method}
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": card, "type": "card"}


def _count(world: World, charge: str, amount: int) -> Record:
    """Add to what the charge shows as refunded; negative when a refund failed."""
    record = world.store["charge", charge]
    refunded = record.fields["amount_refunded"] + amount
    return world.store.change(record, amount_refunded=refunded, refunded=refunded == record.fields["amount_captured"])


def turn(world: World, refund: Record, status: str, *, reason: str | None = None) -> Record:
    """Let a refund become `succeeded`, `failed` or `canceled` (the last two give the charge its amount back).

    Or `pending` or `requires_action` again: a bank transfer that came back waits for the customer once more. A refund
    that failed or was cancelled stays so; one that succeeded may still fail.
    """
    if status not in STATUSES:
        raise ValueError(f"no status of a refund: {status!r}; one of {', '.join(STATUSES)}")
    fields = refund.fields
    if fields["status"] == status or fields["status"] in {"failed", "canceled"}:
        return refund
    kept = {name: value for name, value in fields.items() if name not in {"pending_reason", "next_action"}}
    outcome = RefundOutcome(charge=None, status=status, reason=reason)
    changed = world.store.replace(refund, {**kept, "status": status, **_why(world, outcome)})
    if status in {"failed", "canceled"}:
        changed = _give_up(world, changed)
    elif status in _MONEY_LEFT and changed.fields["balance_transaction"] is None:
        movement = _book(world, refund.id, amount=fields["amount"], currency=fields["currency"])
        changed = world.store.change(changed, balance_transaction=movement)
    world.emit("refund.updated", changed.fields, {"status": fields["status"]})
    if status == "failed":
        world.emit("refund.failed", changed.fields)
    return changed


def pay_waiting(world: World, currency: str) -> None:
    """Pay the refunds that wait for money, oldest first, as far as it goes."""
    for refund in list(world.store.all("refund")):
        fields = refund.fields
        if not refund.hidden.get("waits") or fields["status"] != "pending" or fields["currency"] != currency:
            continue
        if not funds.suffice(world, currency=currency, amount=fields["amount"]):
            return
        turn(world, refund, "succeeded")


def _give_up(world: World, refund: Record) -> Record:
    """Return a failed or cancelled refund's money to the account and to the charge."""
    fields = refund.fields
    _count(world, fields["charge"], -fields["amount"])
    if fields["balance_transaction"] is not None:
        movement = payments.book(
            world, kind="refund_failure", amount=fields["amount"], currency=fields["currency"], source=refund.id
        )
        refund = world.store.change(refund, failure_balance_transaction=movement.id)
    return refund


def _book(world: World, refund: str, *, amount: int, currency: str) -> str:
    """Take a refund's money from the account; returns the movement's id."""
    kind = "refund" if refund.startswith("re_") else "payment_refund"
    return payments.book(world, kind=kind, amount=-amount, currency=currency, source=refund).id
