"""The gate of a run that several workers share: its limits are booked in the ledger's database."""

from collections.abc import Callable
from dataclasses import dataclass, field

from refund_worker.domain.cases import Outcome
from refund_worker.domain.nights import Admission
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import STOPPING, Reason
from refund_worker.domain.results import CaseResult
from refund_worker.usecases.world import World


@dataclass(slots=True, kw_only=True)
class SharedGate:
    """Shared by all workers through SQL, and by the threads of one worker through this object.

    Attributes:
        run: The shared run's id.
        stopping: Whether a signal asked this process to end.
    """

    world: World
    run: str
    stopping: Callable[[], bool]
    _stopped_by: str | None = None
    _read_at: int | None = field(default=None)

    @property
    def interrupted(self) -> bool:
        """A signal asked for the end of this process."""
        return self.stopping()

    @property
    def stopped_by(self) -> str | None:
        """What stopped the run, by whichever worker; read again in each second of the clock."""
        now = self.world.clock.now()
        if self._stopped_by is None and self._read_at != now:
            self._read_at = now
            shared = self.world.queue.shared_of(self.run)
            self._stopped_by = shared.stopped_by if shared is not None else None
        return self._stopped_by

    @property
    def closed(self) -> bool:
        """No new case may begin: a signal, a halt, or a stop by any worker."""
        return self.interrupted or self.world.halted() is not None or self.stopped_by is not None

    def admit(self, plan: Plan) -> Admission:
        """Book a case's planned sum for all workers; the first case too many stops the run."""
        if self.closed:
            return Admission.STOPPED
        policy = self.world.policy
        admission = self.world.queue.admit(
            self.run,
            currency=plan.currency,
            planned_minor=plan.planned_minor,
            cases_max=policy.run_cases_max,
            sum_max=policy.run_limit(plan.currency),
        )
        if admission is Admission.CASES_REACHED:
            self._stop(f"the limit of {policy.run_cases_max} cases a run is reached", kind="limit")
        return admission

    def finished(self, result: CaseResult, *, resumed: bool = False) -> None:
        """Learn how a case ended: failures in a row, a missing permission or missing funds stop the run.

        A resumed case says nothing of this run, and no answer to a read is tried again: neither counts as a failure.
        """
        if result.reason in STOPPING:
            kind = "permission" if result.reason is Reason.PERMISSION_MISSING else "funds"
            self._stop(result.detail or f"Stripe refused: {result.reason}", kind=kind)
        if resumed or is_postponed(result):
            return
        failed = result.outcome in {Outcome.FAILED, Outcome.UNKNOWN}
        if not failed and result.outcome not in {Outcome.REFUNDED, Outcome.PARTLY_REFUNDED}:
            return  # a hold or skip says nothing of whether money can move: only a refund ends the row of failures
        length = self.world.queue.count_failures(self.run, failed=failed)
        if length >= self.world.policy.failures_max:
            self._stop(f"{length} cases in a row failed or are unknown", kind="failures")

    def refuse(self, message: str) -> None:
        """Stop because the key is wrong or lacks a permission; `message` names it."""
        self._stop(message, kind="permission")

    def stop(self, message: str) -> None:
        """Stop because Stripe gives no answer to go on with; `message` says why."""
        self._stop(message, kind="stripe")

    def _stop(self, message: str, *, kind: str) -> None:
        self.world.queue.stop_shared(self.run, message=message, kind=kind)
        self._stopped_by = self._stopped_by or message


def is_postponed(result: CaseResult) -> bool:
    """Nothing was reserved, and later it may be: no answer of Stripe's, a live case, or facts read too long ago."""
    return result.reason in {Reason.CASE_LIVE, Reason.PLAN_STALE} or (
        result.digest == "" and result.reason is Reason.STRIPE_BUSY
    )
