"""A worker for tests: its crew works on one thread and is turned by hand until nothing is due."""

from dataclasses import dataclass, field

from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.work_queue import Crew
from refund_worker.usecases.world import World
from tests.crash.scenes import DAY_S, cancel, subscribed


@dataclass(slots=True)
class Told:
    """Remembers what a crew told."""

    results: list[CaseResult] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def case_finished(self, result: CaseResult) -> None:
        """Keep it."""
        self.results.append(result)

    def trouble(self, error: Exception) -> None:
        """Keep it."""
        self.errors.append(error)

    @property
    def words(self) -> list[tuple[str, str | None]]:
        """Outcome and reason of each case, in the order in which they ended."""
        return [(str(one.outcome), None if one.reason is None else str(one.reason)) for one in self.results]


@dataclass(slots=True)
class Signal:
    """Stands for a signal that asks a process to end."""

    came: bool = False

    def __call__(self) -> bool:
        """Whether it came."""
        return self.came


def work(world: World, *, mode: RunMode = RunMode.RUN, threads: int = 1, signal: Signal | None = None) -> Told:
    """Work off all that is due now."""
    told = Told()
    crew = Crew(world=world, watcher=told, mode=mode, threads=threads, stopping=signal or Signal())
    try:
        while crew.turn() or crew.running:
            crew.wait(timeout_s=10)
    finally:
        crew.close()
    return told


def cancelled(count: int) -> tuple[Sandbox, list[str]]:
    """Customers who each have a credit of 50.00 over one charge, since just now; their ids."""
    sandbox = Sandbox(seed=7, renewals=False)
    made = [subscribed(sandbox) for _ in range(count)]
    sandbox.clock.advance(15 * DAY_S)
    for _, subscription in made:
        cancel(sandbox, subscription)
    return sandbox, [customer for customer, _ in made]


def money(sandbox: Sandbox) -> list[tuple[int, int]]:
    """Balance (Stripe's sign) and refunded sum of each customer, sorted."""
    return sorted((book.balance, book.refunded) for book in sandbox.books())
