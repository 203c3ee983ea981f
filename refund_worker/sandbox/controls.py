"""What the outside world does to the account, as tests order it: banks, card networks, other people at Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.billing import refunds
from refund_worker.sandbox.world import RefundOutcome

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from refund_worker.sandbox.store import Fields
    from refund_worker.sandbox.world import World

_EVIDENCE: Final = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_DUE_AFTER_SECONDS: Final = 7 * 24 * 3600
_DISPUTE_ENDS: Final = frozenset({"won", "lost", "warning_closed", "prevented"})


class Control:
    """Test controls; none of them is an endpoint of Stripe."""

    def __init__(self, world: World, lock: threading.RLock) -> None:
        self._world = world
        self._lock = lock

    def next_refund(
        self,
        charge: str | None = None,
        *,
        status: str = "succeeded",
        reason: str | None = None,
        then: tuple[str, int] | None = None,
    ) -> None:
        """Say how the next refund turns out, of this charge or of any.

        Args:
            status: pending, requires_action, succeeded, failed or canceled: the status it is created with.
            reason: The failure reason, where it fails.
            then: What becomes of it after so many seconds of the sandbox's clock.
        """
        with self._lock:
            self._world.controls.refunds.append(
                RefundOutcome(
                    charge=charge, status=status, reason=reason, then=(then[0], int(then[1])) if then else None
                )
            )

    def turn_refund(self, refund: str, status: str, *, reason: str | None = None) -> Fields:
        """Let a refund become succeeded, failed, canceled, pending or requires_action now.

        Args:
            reason: `failure_reason` where it fails.
        """
        with self._lock:
            record = self._world.store["refund", refund]
            return refunds.turn(self._world, record, status, reason=reason).fields

    def dispute(self, charge: str, *, status: str = "needs_response", refundable: bool = False) -> Fields:
        """Let the cardholder dispute a charge; it stays `disputed` for good.

        Args:
            refundable: Whether refunds are still accepted, as for inquiries.
        """
        with self._lock:
            world, record = self._world, self._world.store["charge", charge]
            fields = record.fields
            made = world.store.insert(
                "dispute",
                {
                    "id": world.ids.take("dp"),
                    "object": "dispute",
                    "amount": fields["amount"],
                    "balance_transactions": [],
                    "charge": charge,
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
                    "is_charge_refundable": refundable,
                    "livemode": world.settings.livemode,
                    "metadata": {},
                    "payment_intent": fields["payment_intent"],
                    "reason": "general",
                    "status": status,
                },
            )
            world.store.change(record, {"dispute_refundable": refundable}, disputed=True)
            world.emit("charge.dispute.created", made.fields)
            return made.fields

    def turn_dispute(self, dispute: str, status: str) -> Fields:
        """Let a dispute go on (`under_review`, ...) or end (`won`, `lost`, `warning_closed`, `prevented`)."""
        with self._lock:
            world, record = self._world, self._world.store["dispute", dispute]
            before = record.fields["status"]
            changed = world.store.change(record, status=status)
            word = "closed" if status in _DISPUTE_ENDS else "updated"
            world.emit(f"charge.dispute.{word}", changed.fields, {"status": before})
            return changed.fields

    def call(self, name: str, arguments: dict[str, Any]) -> Fields | None:
        """A control by its name, for those who come over HTTP.

        Raises:
            KeyError: If there is no such control.
        """
        known: dict[str, Callable[..., Fields | None]] = {
            "next_refund": self.next_refund,
            "turn_refund": self.turn_refund,
            "dispute": self.dispute,
            "turn_dispute": self.turn_dispute,
        }
        return known[name](**arguments)
