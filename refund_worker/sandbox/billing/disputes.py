"""Disputes: chargebacks, and the mere inquiries that precede some; what they let be refunded.

Source of what is refundable at which status, and of the refusal: recorded disputes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

STATUSES: Final = (
    "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost",
    "prevented",
)  # fmt: skip
_CHARGED_BACK: Final = frozenset({"needs_response", "under_review", "lost"})
_ENDS: Final = frozenset({"won", "lost", "warning_closed", "prevented"})
_DUE_AFTER_SECONDS: Final = 7 * 24 * 3600
_EVIDENCE: Final = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def refusal(world: World, charge: Record) -> str | None:
    """The code with which a refund of the charge is refused for its disputes; None where it is not."""
    closed = [found.fields for found in world.store.all("dispute", "charge", charge.id)
              if not found.fields["is_charge_refundable"]]  # fmt: skip
    if not closed:
        return None
    back = any(fields["status"] in _CHARGED_BACK for fields in closed)
    return "charge_disputed" if back else "refund_disputed_payment"


def create(world: World, charge: Record, *, status: str, refundable: bool | None, amount: int | None) -> Record:
    """Let a charge be disputed; it stays `disputed` for good.

    Args:
        refundable: Whether it can be refunded meanwhile; None as Stripe has it at this status.
        amount: Disputed, minor units; None for all of it.

    Raises:
        ValueError: For a status that disputes do not have.
    """
    fields = charge.fields
    made = world.store.insert(
        "dispute",
        {
            "id": world.ids.take("du"),
            "object": "dispute",
            "amount": fields["amount"] if amount is None else amount,
            "balance_transactions": [],
            "charge": charge.id,
            "created": world.now,
            "currency": fields["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
            "evidence_details": {
                "due_by": world.now + _DUE_AFTER_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "intended_submission_method": None,
            "is_charge_refundable": _refundable(status) if refundable is None else refundable,
            "livemode": world.settings.livemode,
            "metadata": {},
            "payment_intent": fields["payment_intent"],
            "reason": "general",
            "status": status,
        },
    )
    world.store.change(charge, disputed=True)
    world.emit("charge.dispute.created", made.fields)
    return made


def turn(world: World, dispute: Record, status: str, *, refundable: bool | None) -> Record:
    """Let a dispute go on (`under_review`, ...) or end (`won`, `lost`, `warning_closed`, `prevented`).

    Raises:
        ValueError: For a status that disputes do not have.
    """
    after: Fields = {
        "status": status, "is_charge_refundable": _refundable(status) if refundable is None else refundable,
    }  # fmt: skip
    previous = {name: dispute.fields[name] for name, value in after.items() if dispute.fields[name] != value}
    changed = world.store.change(dispute, **after)
    world.emit(f"charge.dispute.{'closed' if status in _ENDS else 'updated'}", changed.fields, previous)
    return changed


def _refundable(status: str) -> bool:
    if status not in STATUSES:
        raise ValueError(f"no status of a dispute: {status!r}; one of {', '.join(STATUSES)}")
    return status not in _CHARGED_BACK
