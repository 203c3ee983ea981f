"""A run: resume what was interrupted, discover and weigh, examine each customer in parallel, finish."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import LedgerError, StripeError, Unauthorized
from refund_worker.domain.funds import Shortage
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.results import CaseResult, unplanned_json
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.domain.summary import counts_of, totals_of
from refund_worker.domain.told_together import ToldTogether
from refund_worker.domain.unusual import lines_of
from refund_worker.usecases.discover_credits import Found, discover_credits
from refund_worker.usecases.discover_run import discover_run, settle_weighing
from refund_worker.usecases.examine_customer import examine_customer
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.weigh import FUNDS_UNKNOWN, beyond_funds, read_funds
from refund_worker.usecases.without_plan import fail_customer
from refund_worker.usecases.world import World

Job = Callable[[], Sequence[CaseResult]]


class Watcher(Protocol):
    """Who looks at a run while it goes on; called from one thread at a time."""

    def started(self, run: str) -> None:
        """The run is in the ledger."""

    def customers_read(self, count: int) -> None:
        """So many customers were read so far."""

    def warned(self, line: str) -> None:
        """Something that a person should know while the run goes on."""

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""


@dataclass(slots=True, kw_only=True)
class RunResult:
    """What a run did.

    Attributes:
        over_limit: Per currency, the run's limit in minor units that some case would have exceeded.
        shortages: The currencies in which the money at Stripe does not suffice; of plans, in which it would not.
        unusual: What a sweep found unlike the past nights, one line a figure; a sweep that only plans goes on.
    """

    run: str
    mode: RunMode
    status: RunStatus = RunStatus.RUNNING
    stopped_by: str | None = None
    permission: str | None = None
    failed: bool = False
    over_limit: dict[str, int] = field(default_factory=dict)
    shortages: tuple[Shortage, ...] = ()
    unusual: tuple[str, ...] = ()
    customers_read: int = 0
    cases: list[CaseResult] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The `--json` object (README, Contracts) without its cases."""
        return {
            "run": self.run,
            "mode": str(self.mode),
            "status": str(self.status),
            "customers_read": self.customers_read,
            "counts": counts_of(self.cases),
            "totals": totals_of(self.cases),
        }


def run_night(
    world: World,
    gate: RunGate,
    watcher: Watcher,
    *,
    mode: RunMode,
    command: str,
    customers: Sequence[str] = (),
    discover: bool = True,
    let_through_by: str | None = None,
    threads: int = 32,
) -> RunResult:
    """Make one pass.

    Args:
        mode: With `plan`, nothing is reserved and nothing is resumed.
        command: run, plan or resume; recorded with the run.
        customers: Ids of the named customers; empty = a sweep over all.
        discover: False for `resume`: only interrupted cases.
        let_through_by: Who lets the run through, should it be unlike the past ones; None = then it begins no case.
        threads: Calls in flight; at 200 ms a call and 100 calls a second 20 are needed, 32 leave room.

    Raises:
        NotFound: If a named customer does not exist; nothing was examined.
        LedgerError: If the ledger cannot be written.
    """
    now = world.clock.now()
    run = Run(
        id=world.new_id("run"),
        account=world.account.id,
        livemode=world.account.livemode,
        command=command,
        mode=mode,
        sweep=discover and not customers,
        policy_digest=world.policy.digest(),
        started_at=now,
    )
    found = discover_credits(world.stripe, customers=customers) if discover else iter(())
    if customers:
        found = iter(list(found))
    with world.ledger.writing() as writer:
        writer.start_run(run, policy=world.policy)
    watcher.started(run.id)
    result = RunResult(run=run.id, mode=mode)
    crew = _Crew(world=world, gate=gate, watcher=watcher, result=result, threads=threads)
    try:
        if mode is RunMode.RUN:
            crew.work(_resumes(world, run=run.id), resumed=True)
        if discover:
            to_examine = _discover(world, gate, watcher, result, run=run, found=found, let_through_by=let_through_by)
            crew.work(_examinations(world, gate, run=run, found=to_examine))
    except StripeError as error:
        gate.refuse(str(error)) if isinstance(error, Unauthorized) else gate.stop(str(error))
    crew.tell_the_rest()
    return _finish(world, gate, run, result)


@dataclass(slots=True, kw_only=True)
class _Crew:
    """Works jobs off on threads, never holding more of them than there are threads: the sweep waits for the cases."""

    world: World
    gate: RunGate
    watcher: Watcher
    result: RunResult
    threads: int
    together: ToldTogether = field(default_factory=ToldTogether)

    def work(self, jobs: Iterator[Job], *, resumed: bool = False) -> None:
        """Work all jobs off; on an error of the iterator the begun ones are finished first."""
        with ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="case") as pool:
            running: set[Future[Sequence[CaseResult]]] = set()
            for job in jobs:
                running.add(pool.submit(job))
                if len(running) >= self.threads:
                    running = self._collect(running, resumed=resumed)
            while running:
                running = self._collect(running, resumed=resumed)

    def _collect(
        self, running: set[Future[Sequence[CaseResult]]], *, resumed: bool
    ) -> set[Future[Sequence[CaseResult]]]:
        done, left = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            for result in future.result():
                self.gate.finished(result, resumed=resumed)
                told = self.together.add(result)
                if told is not None:
                    self._tell(told)
        return left

    def tell_the_rest(self) -> None:
        """Tell of conversions that no other case of their customer followed."""
        for result in self.together.left():
            self._tell(result)

    def _tell(self, result: CaseResult) -> None:
        self.watcher.case_finished(result)
        # Without its plan: a night of 100,000 holds must fit in memory.
        self.result.cases.append(replace(result, plan=None))


def _resumes(world: World, *, run: str) -> Iterator[Job]:
    for case in world.ledger.live_cases():
        yield partial(_resume, world, case, run=run)


def _resume(world: World, case: str, *, run: str) -> Sequence[CaseResult]:
    world.ledger.end_lease(case, gone=world.is_gone)
    claim = world.ledger.claim(case, worker=world.worker, now=world.clock.now(), lease_s=LEASE_S, run=run)
    if claim is None:
        return ()  # another worker has it, and tells of it
    return (finish_case(world, claim),)


def _discover(
    world: World,
    gate: RunGate,
    watcher: Watcher,
    result: RunResult,
    *,
    run: Run,
    found: Iterator[Found],
    let_through_by: str | None,
) -> deque[Found]:
    """Read everybody, weigh a sweep, and read the money that the refunds draw on."""

    def read() -> None:
        result.customers_read += 1
        watcher.customers_read(result.customers_read)

    discovery = discover_run(world, gate, found, run=run, read=read)
    if not gate.closed:
        gate.available_minor = read_funds(world)
        if gate.available_minor is None:
            watcher.warned(FUNDS_UNKNOWN)
    if discovery.weighing is not None:
        result.unusual = lines_of(discovery.weighing)
        short = beyond_funds(discovery.weighing.weight, gate.available_minor)
        if short is not None:
            watcher.warned(short)
        settle_weighing(world, gate, discovery.weighing, run=run, let_through_by=let_through_by)
    return discovery.to_examine


def _examinations(world: World, gate: RunGate, *, run: Run, found: deque[Found]) -> Iterator[Job]:
    while found and not gate.closed:
        yield partial(_examine, world, gate, run, found.popleft())


def _examine(world: World, gate: RunGate, run: Run, one: Found) -> Sequence[CaseResult]:
    """Turn a bug into a failed case with its traceback: one bad case never ends the run, and is never swallowed."""
    try:
        examined = examine_customer(
            world, gate, run=run.id, mode=run.mode, customer=one.customer, pending_items=one.pending_items
        )
    except LedgerError:
        raise
    except Exception as bug:  # noqa: BLE001  whatever a bug raises is this case's failure, told with its traceback
        return fail_customer(world, bug, one.customer)
    return examined.results


def _finish(world: World, gate: RunGate, run: Run, result: RunResult) -> RunResult:
    if gate.interrupted:
        result.status = RunStatus.INTERRUPTED
    else:
        stopped = gate.stopped_by is not None or gate.over_limit or gate.shortages
        result.status = RunStatus.STOPPED if stopped else RunStatus.FINISHED
    result.stopped_by, result.permission, result.failed = gate.stopped_by, gate.permission, gate.failed
    result.over_limit = dict(gate.over_limit)
    result.shortages = tuple(gate.shortages.values()) or _would_be_short(gate, result)
    ended: list[Plan] = []
    complete = run.sweep and result.status is RunStatus.FINISHED and not gate.limited
    if complete:
        seen = {(one.customer, one.currency) for one in result.cases}
        standing = (one.plan for one in world.ledger.standings())
        ended = [plan for plan in standing if (plan.customer, plan.currency) not in seen]
    now = world.clock.now()
    summary = result.summary()
    # Cases without a row in the ledger: they could not be planned, or are live elsewhere. The report needs them too.
    summary["unplanned"] = [unplanned_json(one) for one in result.cases if one.digest == ""]
    if not complete:
        # A complete sweep leaves standing just what it saw; any other pass says which holds and skips were its own.
        summary["standings"] = [one.case for one in result.cases if one.outcome in {Outcome.HELD, Outcome.SKIPPED}]
    with world.ledger.writing() as writer:
        for plan in ended:
            writer.end_standing(customer=plan.customer, currency=plan.currency, now=now, run=run.id)
        writer.finish_run(run=run.id, status=result.status, summary=summary, now=now)
    return result


def _would_be_short(gate: RunGate, result: RunResult) -> tuple[Shortage, ...]:
    """Of plans: the currencies in which their sum is more than the money at Stripe."""
    if result.mode is not RunMode.PLAN or gate.available_minor is None:
        return ()
    return tuple(
        Shortage(currency=currency, available=available, booked=0, needed=sums["planned_minor"])
        for currency, sums in totals_of(result.cases).items()
        if (available := gate.available_minor.get(currency)) is not None and sums["planned_minor"] > available
    )
