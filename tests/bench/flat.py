"""A worker's memory over many cases, and Redis' with many customers in the queue: neither grows."""

import time
from dataclasses import dataclass
from typing import Final

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.sandbox import Sandbox
from tests.bench.cluster import FULL, due_now
from tests.bench.crew import crew
from tests.bench.memory import UNLIMITED
from tests.bench.night import ENDPOINT_PER_SECOND, GLOBAL_PER_SECOND, LATENCY_MS
from tests.bench.surroundings import lived, surrounded, wrong_books

# After a warm-up of a tenth of the cases.
GROWTH_MAX: Final = 8 * 2**20
REDIS_MAX: Final = 5 * 10**6
PARTS: Final = (0.1, 0.25, 0.5, 0.75, 1.0)
_WORKED_S: Final = 20
_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """One worker over many cases, with neither latency nor limits.

    Attributes:
        rss: Bytes after each of `PARTS` of the cases.
        wrong: What Stripe's own books show that should not be.
    """

    cases: int
    rss: tuple[int, ...]
    wall_s: float
    cpu_s: float
    wrong: tuple[str, ...]

    @property
    def growth(self) -> int:
        """Bytes from the first of `PARTS` to the highest of the others."""
        return max(self.rss[1:]) - self.rss[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Redis while many customers stand in the queue and a worker and the beat run.

    Attributes:
        left: How many still stood there at the end.
        redis_max: Bytes, the most seen.
    """

    customers: int
    left: int
    redis_max: int


def flat(*, cases: int) -> Flat:
    """Let one worker refund so many credits as fast as it can."""
    sandbox = lived("bench", cases)
    with surrounded(sandbox) as around, crew() as people:
        worker = people.start(
            "worker",
            around.environment(global_per_second=UNLIMITED, endpoint_per_second=UNLIMITED, NIGHT_CRONTAB=due_now()),
        )
        people.wait(lambda: people.refunded + len(people.others) >= cases, timeout_s=90 + cases / 3)
        worker.look()
        finished = people.refunded_s
        first, last = len(finished) // 10, len(finished) - 1
        return Flat(
            cases=cases,
            rss=tuple(next(rss for closed, rss in worker.rss if closed >= part * cases) for part in PARTS),
            wall_s=(finished[last] - finished[first]) / (last - first) * cases,
            cpu_s=worker.cpu_s,
            wrong=(*people.others, *wrong_books(sandbox, of=cases)),
        )


def queued(*, customers: int) -> Queued:
    """Put so many customers into the queue, and look at Redis while one worker works on them at live limits."""
    sandbox = Sandbox(now=int(time.time()), latency_ms=LATENCY_MS, rate_limits=FULL)
    sandbox.clock.tick()
    sandbox.build.customers(customers)
    with surrounded(sandbox) as around, crew() as people:
        ledger = SqlLedger.open(around.postgres.url)
        try:
            wanted, now = list(sandbox.world.store.ids("customer")), int(time.time())
            for begin in range(0, len(wanted), _BATCH):
                wishes = [Wanted(customer=one, cause=Cause.TASK, due_at=now) for one in wanted[begin : begin + _BATCH]]
                ledger.queue.want(wishes, now=now)
            environment = around.environment(
                global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND, NIGHT_CRONTAB="0 0 29 2 *"
            )
            for role in ("worker", "beat"):
                people.start(role, environment)
            seen: list[int] = []
            end = time.monotonic() + _WORKED_S

            def over() -> bool:
                seen.append(around.redis_bytes())
                return time.monotonic() >= end

            people.wait(over, timeout_s=2 * _WORKED_S)
            depth = ledger.queue.depth(now=int(time.time()))
        finally:
            ledger.close()
        return Queued(customers=customers, left=depth.due + depth.waiting + depth.claimed, redis_max=max(seen))
