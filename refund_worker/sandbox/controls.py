"""What the outside world does to the account, as tests order it: banks, card networks, other people at Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox.billing import disputes, refunds
from refund_worker.sandbox.world import RefundOutcome

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from refund_worker.sandbox.store import Fields
    from refund_worker.sandbox.world import World


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

    def dispute(
        self,
        charge: str,
        *,
        status: str = "needs_response",
        refundable: bool | None = None,
        amount: int | None = None,
    ) -> Fields:
        """Let the cardholder dispute a charge, or the bank inquire; it stays `disputed` for good.

        Args:
            refundable: Whether refunds are accepted meanwhile; None as Stripe has it: not during a chargeback, nor
                after a lost one.
            amount: Disputed, minor units; None for all of it.
        """
        with self._lock:
            record = self._world.store["charge", charge]
            return disputes.create(
                self._world, record, status=status, refundable=refundable, amount=amount
            ).fields  # fmt: skip

    def turn_dispute(self, dispute: str, status: str, *, refundable: bool | None = None) -> Fields:
        """Let a dispute go on (`under_review`, ...) or end (`won`, `lost`, `warning_closed`, `prevented`)."""
        with self._lock:
            record = self._world.store["dispute", dispute]
            return disputes.turn(self._world, record, status, refundable=refundable).fields

    def funds(self, currency: str, *, available: int | None, prefunding: int = 0) -> None:
        """Limit the account's own money in a currency to so much, from now on; None for no limit.

        Refunds that waited for money are paid, oldest first, as far as it goes.

        Args:
            available: Minor units; what charges bring later does not count, as at Stripe for days.
            prefunding: What is set aside for refunds and disputes besides.
        """
        with self._lock:
            if available is None:
                self._world.controls.funds.pop(currency, None)
            else:
                self._world.controls.funds[currency] = (available, prefunding)
            refunds.pay_waiting(self._world, currency)

    def defer(self, item: str) -> Fields:
        """Let an invoice item wait (`defer_until_credited_items_resolved`): no invoice takes it."""
        with self._lock:
            record = self._world.store["invoiceitem", item]
            rule = {"type": "defer_until_credited_items_resolved"}
            return self._world.store.change(record, invoicing_rules=[rule]).fields

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
            "funds": self.funds,
            "defer": self.defer,
        }
        return known[name](**arguments)
