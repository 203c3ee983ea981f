"""The crew of one worker: claims live cases and wanted customers, never more than it has threads, and works them off.

The rows of the queue only spare work that would be done twice. What guards the money is the case's own claim, the one
live case of a customer, and the keys: a worker that was paused past its queue lease does no harm.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from refund_worker.domain.cases import Claim
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import QUEUE_LEASE_S, QueueClaim
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.place_in_run import Places
from refund_worker.usecases.work_one import work_wanted
from refund_worker.usecases.world import World

# After an error of the ledger, doubled with each that follows, so that a database that restarts is not stormed.
_PAUSE_S, _PAUSE_MAX_S = 1, 30


class CrewWatcher(Protocol):
    """Who looks at the work of a crew; called from its threads."""

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""

    def trouble(self, error: Exception) -> None:
        """The ledger could not be used, or a bug struck outside of a case; the crew goes on."""


@dataclass(slots=True, kw_only=True)
class Crew:
    """Works the queue with so many threads. `turn` is called in a loop, from one thread.

    Attributes:
        mode: With `plan` nothing is reserved, and no live case is touched.
        stopping: Whether a signal asked for the end: nothing new is begun, what is begun is finished.
    """

    world: World
    watcher: CrewWatcher
    mode: RunMode
    threads: int
    stopping: Callable[[], bool]
    _places: Places = field(init=False)
    _pool: ThreadPoolExecutor = field(init=False)
    _running: dict[Future[None], QueueClaim | Claim] = field(default_factory=dict)
    _renewed_at: int = 0
    _errors: int = 0
    _unsure: bool = False
    _rest_until: int = 0

    def __post_init__(self) -> None:
        self._places = Places(world=self.world, mode=self.mode, stopping=self.stopping)
        self._pool = ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="case")

    @property
    def running(self) -> int:
        """How many cases and customers are worked on now."""
        return len(self._running)

    def turn(self) -> int:
        """Collect what is done, renew leases, claim for the free threads and begin; returns how many were begun.

        An error of the ledger never leaves it: it is told to the watcher, and for a while nothing is claimed.
        """
        try:
            self._collect()
            self._renew()
            begun = 0 if self.stopping() or self.world.clock.now() < self._rest_until else self._begin()
        except LedgerError as error:
            self._rest(error)
            return 0
        self._errors = 0
        return begun

    def wait(self, *, timeout_s: float) -> None:
        """Wait until something that runs is done, at most so long; at once where nothing runs."""
        if self._running:
            wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)

    def close(self) -> None:
        """Wait until all that was begun is finished; nothing new is begun after it."""
        self._pool.shutdown(wait=True)
        self._collect()

    def _begin(self) -> int:
        self._let_go()
        begun = 0
        if self.mode is RunMode.RUN:
            for claim in self._claim_live():
                self._submit(claim, partial(self._finish, claim))
                begun += 1
        if self.world.halted() is None:
            for wanted in self._claim_wanted():
                self._submit(wanted, partial(self._examine, wanted))
                begun += 1
        return begun

    def _claim_live(self) -> tuple[Claim, ...]:
        free = self.threads - self.running
        if free <= 0:
            return ()
        now = self.world.clock.now()
        return self.world.queue.claim_live(worker=self.world.worker, now=now, lease_s=LEASE_S, limit=free)

    def _claim_wanted(self) -> tuple[QueueClaim, ...]:
        free = self.threads - self.running
        if free <= 0:
            return ()
        now = self.world.clock.now()
        return self.world.queue.claim_wanted(worker=self.world.worker, now=now, lease_s=QUEUE_LEASE_S, limit=free)

    def _submit(self, claim: QueueClaim | Claim, job: Callable[[], None]) -> None:
        self._running[self._pool.submit(job)] = claim

    def _finish(self, claim: Claim) -> None:
        result = finish_case(self.world, claim)
        case = self.world.ledger.case(claim.case)
        if case is not None:
            self._places.of_run(case.run).gate.finished(result, resumed=True)
            result = replace(result, run=case.run)
        if not result.ended_conversion or result.reason is not None:
            self.watcher.case_finished(result)

    def _examine(self, claim: QueueClaim) -> None:
        for result in work_wanted(self.world, self._places, claim):
            self.watcher.case_finished(result)

    def _collect(self) -> None:
        for future in [future for future in self._running if future.done()]:
            del self._running[future]
            error = future.exception()
            if isinstance(error, LedgerError):
                self._rest(error)
            elif isinstance(error, Exception):
                self.watcher.trouble(error)
            elif error is not None:
                raise error

    def _renew(self) -> None:
        """Prolong the queue leases in hand while there is time; a case's own lease is never prolonged."""
        now = self.world.clock.now()
        held = [claim for claim in self._running.values() if isinstance(claim, QueueClaim)]
        if held and now - self._renewed_at >= QUEUE_LEASE_S // 4:
            self._renewed_at = now
            self.world.queue.renew(held, now=now, lease_s=QUEUE_LEASE_S)

    def _let_go(self) -> None:
        """After an error of the ledger, free what it holds for us and we know nothing of.

        A claim may have been committed although its answer was lost, and a case that met the error is nobody's: without
        this both would wait for their lease, five minutes, while this process lives.
        """
        if not self._unsure:
            return
        claims = list(self._running.values())
        entries = [claim.wanted.customer for claim in claims if isinstance(claim, QueueClaim)]
        cases = [claim.case for claim in claims if isinstance(claim, Claim)]
        queue, worker = self.world.queue, self.world.worker
        queue.let_go_entries(worker=worker, in_hand=entries)
        queue.let_go_cases(worker=worker, in_hand=cases, customers_in_hand=entries)
        self._unsure = False

    def _rest(self, error: LedgerError) -> None:
        self._errors += 1
        self._unsure = True
        self._rest_until = self.world.clock.now() + min(_PAUSE_MAX_S, _PAUSE_S << min(self._errors - 1, 5))
        self.watcher.trouble(error)
