"""The gate of a run that several workers share: its limits are booked in the ledger's database."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import StripeError
from refund_worker.domain.funds import FUNDS_READ_EVERY_S
from refund_worker.domain.nights import UNUSUAL, Admission, Limits
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult
from refund_worker.domain.unusual import Usual, line_of, why_it_waits
from refund_worker.usecases.weigh import read_funds, usual_now
from refund_worker.usecases.weigh_night import unusual_notice
from refund_worker.usecases.world import World

# A night may end meanwhile, which changes what is usual; asked for each case it would be a read too many.
_USUAL_FOR_S = 600


@dataclass(slots=True, kw_only=True)
class SharedGate:
    """Shared by all workers through SQL, and by the threads of one worker through this object.

    Attributes:
        run: The shared run's id.
        stopping: Whether a signal asked this process to end.
        weighs: The run goes on all day: what it admits is held against what is usual, and its funds are read anew.
    """

    world: World
    run: str
    stopping: Callable[[], bool]
    weighs: bool = False
    _stopped_by: str | None = None
    _read_at: int | None = field(default=None)
    _usual: tuple[int, Usual] | None = None
    _funds: threading.Lock = field(default_factory=threading.Lock)

    @property
    def interrupted(self) -> bool:
        """A signal asked for the end of this process."""
        return self.stopping()

    @property
    def stopped_by(self) -> str | None:
        """What stopped the run, by whichever worker; read again in each second of the clock: a stop may be ended."""
        now = self.world.clock.now()
        if self._read_at != now:
            self._read_at = now
            shared = self.world.queue.shared_of(self.run)
            self._stopped_by = shared.stopped_by if shared is not None else None
        return self._stopped_by

    @property
    def closed(self) -> bool:
        """No new case may begin: a signal, a halt, or a stop by any worker."""
        return self.interrupted or self.world.halted() is not None or self.stopped_by is not None

    def admit(self, plan: Plan) -> Admission:
        """Book a case's planned sum for all workers; the first case too many stops the run.

        One that the funds do not suffice for stops it in that currency only.
        """
        if self.closed:
            return Admission.STOPPED
        if self.weighs:
            self._read_funds()
        admission = self.world.queue.admit(
            self.run, currency=plan.currency, planned_minor=plan.planned_minor, limits=self._limits(plan.currency)
        )
        match admission:
            case Admission.CASES_REACHED:
                self._stop(f"the limit of {self.world.policy.run_cases_max} cases a run is reached", kind="limit")
            case Admission.UNUSUAL:
                self._wait(plan)
            case Admission.FUNDS_SHORT:
                self._tell_shortage(plan.currency)
        return admission

    def finished(self, result: CaseResult, *, resumed: bool = False) -> None:
        """Learn how a case ended: failures in a row, or a write without permission or funds, stop the run.

        A resumed case says nothing of this run, and no answer to a read is tried again: neither counts as a failure.
        """
        if result.stops_the_run:
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

    def _limits(self, currency: str) -> Limits:
        policy = self.world.policy
        usual = self._usual_now() if self.weighs else None
        return Limits(
            cases_max=policy.run_cases_max,
            sum_max=policy.run_limit(currency),
            usual_cases=None if usual is None else usual.customers_limit(),
            usual_sum=None if usual is None else usual.credit_limit(currency),
        )

    def _usual_now(self) -> Usual:
        now, known = self.world.clock.now(), self._usual
        if known is None or not 0 <= now - known[0] < _USUAL_FOR_S:
            known = self._usual = (now, usual_now(self.world))
        return known[1]

    def _wait(self, plan: Plan) -> None:
        """Stop as unusual, with the run's one notice, until a person lets it through."""
        world, usual = self.world, self._usual_now()
        booked = world.queue.booked(self.run, currency=plan.currency)
        excesses = usual.excesses_with(booked, currency=plan.currency, planned_minor=plan.planned_minor)
        lines = tuple(
            line_of(excess, nights=len(usual.past), customers="cases today", credit="planned today")
            for excess in excesses
        )
        shared = world.queue.shared_of(self.run)
        name = self.run if shared is None else shared.name
        title = f"The events run of {name.partition(' ')[2]} waits: it is unlike the past nights"
        # The notice first: whoever is killed in between stops it the next time, and its key is told of once.
        world.queue.notify(unusual_notice(run=self.run, title=title, lines=lines), now=world.clock.now())
        self._stop(why_it_waits(lines), kind=UNUSUAL)

    def _read_funds(self) -> None:
        """Read anew what is available, every so often; where Stripe does not tell, what stands is gone by."""
        world = self.world
        with self._funds:
            now, read_at = world.clock.now(), world.queue.funds_read_at(self.run)
            if read_at is not None and 0 <= now - read_at < FUNDS_READ_EVERY_S:
                return
            try:
                available = read_funds(world)
            except StripeError:
                available = None
            world.queue.keep_funds(self.run, available_minor=available, now=now)

    def _tell_shortage(self, currency: str) -> None:
        """Put one notice of the run and currency."""
        for shortage in self.world.queue.shortages(self.run):
            if shortage.currency == currency:
                notice = Notice(
                    key=f"funds {self.run} {currency}",
                    kind=NoticeKind.FUNDS_SHORT,
                    title=f"The Stripe balance does not suffice for refunds in {currency.upper()}",
                    body=f"run {self.run}\n{shortage.line()}\nIts cases in {currency.upper()} wait for the next night.",
                )
                self.world.queue.notify(notice, now=self.world.clock.now())


def is_postponed(result: CaseResult) -> bool:
    """Nothing was reserved, and later it may be: no answer of Stripe's, a live case, or facts read too long ago."""
    return result.reason in {Reason.CASE_LIVE, Reason.PLAN_STALE} or (
        result.digest == "" and result.reason is Reason.STRIPE_BUSY
    )
