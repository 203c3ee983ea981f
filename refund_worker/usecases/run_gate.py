"""Decides, for all threads of a run, whether another case may reserve: limits of the run, failures in a row, a stop."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from refund_worker.domain.cases import Outcome
from refund_worker.domain.funds import Shortage, fits
from refund_worker.domain.nights import Admission
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult


@dataclass(slots=True, kw_only=True)
class RunGate:
    """Shared by the threads of one run.

    Attributes:
        permission: What Stripe said of a key that is wrong or lacks a permission; None where it does not.
        cases_max: Cases that may reserve in this run by `--limit`; None = only the policy's number.
        stopped_by: One line that says what stopped the run; None while it runs.
        interrupted: A signal asked for the end.
        failed: Stripe gave no answer that the run could go on with: no limit stopped it.
        over_limit: Per currency, the run's limit in minor units that some case would have exceeded.
        limited: `--limit` is reached: nothing more is begun, and the run is finished.
        available_minor: Our money at Stripe per currency; of a currency that is not in it, or None, nothing is known.
        shortages: Per currency the first case that did not fit into it: no other is admitted there.
    """

    policy: Policy
    cases_max: int | None = None
    stopped_by: str | None = None
    interrupted: bool = False
    limited: bool = False
    available_minor: Mapping[str, int] | None = None
    shortages: dict[str, Shortage] = field(default_factory=dict)
    failed: bool = False
    cases: int = 0
    planned_minor: dict[str, int] = field(default_factory=dict)
    over_limit: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    permission: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def closed(self) -> bool:
        """No new case may begin."""
        return self.interrupted or self.limited or self.stopped_by is not None

    def admit(self, plan: Plan) -> Admission:
        """Book a case's planned sum; anything but `ADMITTED` where it would exceed a limit, or the run is stopping."""
        with self._lock:
            if self.interrupted or self.limited:
                return Admission.STOPPED
            if self.stopped_by is not None or self.cases >= self.policy.run_cases_max:
                self.stopped_by = self.stopped_by or f"the limit of {self.policy.run_cases_max} cases a run is reached"
                return Admission.CASES_REACHED
            booked = self.planned_minor.get(plan.currency, 0) + plan.planned_minor
            limit = self.policy.run_limit(plan.currency)
            if booked > limit:
                # Smaller ones behind it may still fit; the run says at its end that some did not.
                self.over_limit.setdefault(plan.currency, limit)
                return Admission.SUM_EXCEEDED
            if self._is_short(plan):
                return Admission.FUNDS_SHORT
            self.cases += 1
            self.planned_minor[plan.currency] = booked
            self.limited = self.cases_max is not None and self.cases >= self.cases_max
            return Admission.ADMITTED

    def finished(self, result: CaseResult, *, resumed: bool = False) -> None:
        """Learn how a case ended: failures in a row, or a write without permission or funds, stop the run.

        A resumed case says nothing of tonight: ten that wait for their keys to be pruned must not stop every night.
        """
        with self._lock:
            if resumed and not result.stops_the_run:
                return
            if result.outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
                self.failures += 1
            elif result.outcome in {Outcome.REFUNDED, Outcome.PARTLY_REFUNDED}:
                # A hold or skip says nothing of whether money can move: only a refund ends the row of failures.
                self.failures = 0
            if self.failures >= self.policy.failures_max and self.stopped_by is None:
                self.stopped_by = f"{self.failures} cases in a row failed or are unknown"
            if result.reason is Reason.PERMISSION_MISSING:
                self.permission = self.permission or result.detail
            if result.stops_the_run and self.stopped_by is None:
                self.stopped_by = result.detail or f"Stripe refused: {result.reason}"

    def refuse(self, message: str) -> None:
        """Stop because the key is wrong or lacks a permission; `message` names it."""
        with self._lock:
            self.permission = self.permission or message
            self.stopped_by = self.stopped_by or message

    def wait(self, message: str) -> None:
        """Stop before the first case, because the run is unusual; `message` says what is, and how to let it through."""
        with self._lock:
            self.stopped_by = self.stopped_by or message

    def stop(self, message: str) -> None:
        """Stop because Stripe gives no answer to go on with; `message` says why."""
        with self._lock:
            self.stopped_by = self.stopped_by or message
            self.failed = True

    def _is_short(self, plan: Plan) -> bool:
        """Whether the money at Stripe does not suffice; smaller cases behind it wait too, so that the order is kept."""
        available = (self.available_minor or {}).get(plan.currency)
        if available is None:
            return False
        booked = self.planned_minor.get(plan.currency, 0)
        if plan.currency not in self.shortages and not fits(
            available_minor=available, booked_minor=booked, needed_minor=plan.planned_minor
        ):
            self.shortages[plan.currency] = Shortage(
                currency=plan.currency, available=available, booked=booked, needed=plan.planned_minor
            )
        return plan.currency in self.shortages

    def interrupt(self) -> None:
        """Stop because of a signal: reserved cases are finished, no new one begins. Takes no lock."""
        self.interrupted = True
