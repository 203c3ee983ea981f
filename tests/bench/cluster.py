"""How fast several workers are together, at limits they share; and when the limit is halved for a third of the time."""

import time
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from refund_worker.sandbox import RateLimits
from tests.bench.crew import Crew, crew
from tests.bench.night import ENDPOINT_PER_SECOND, GLOBAL_PER_SECOND, LATENCY_MS
from tests.bench.surroundings import Surroundings, lived, surrounded, wrong_books

FULL: Final = RateLimits(global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND)
HALF: Final = RateLimits(global_per_second=GLOBAL_PER_SECOND / 2, endpoint_per_second=ENDPOINT_PER_SECOND / 2)
_START_S: Final = 90
# Of all cases: so many before the limit is halved, and so many at half the limit: a third of the time.
_BEFORE, _HALVED = 0.4, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNight:
    """A night's figures. The window is from the 10th to the 90th percentile of the closed cases.

    Attributes:
        finished_s: When each case ended, seconds after the workers were started, in order.
        limits: Times, seconds after that, from which on a share of the full limits was in force.
        calls: By endpoint.
        wrong: What Stripe's own books show that should not be.
        worker_cpu_s: Of each worker, its start included.
        sandbox_cpu_s: Of the process that measures, which serves the sandbox.
    """

    credits: int
    finished_s: tuple[float, ...]
    limits: tuple[tuple[float, float], ...]
    calls: dict[str, int]
    throttled: int
    wrong: tuple[str, ...]
    worker_cpu_s: tuple[float, ...]
    worker_rss: tuple[int, ...]
    worker_cases: tuple[int, ...]
    sandbox_cpu_s: float
    postgres_cpu_s: float
    transactions: int
    redis_bytes: int

    @property
    def calls_in_all(self) -> int:
        """Every request."""
        return sum(self.calls.values())

    @property
    def calls_per_case(self) -> float:
        """Discovery, start and polls included."""
        return self.calls_in_all / self.credits

    @property
    def busiest(self) -> tuple[str, float]:
        """The endpoint that is called most, and its calls a case."""
        call, count = max(self.calls.items(), key=lambda found: found[1])
        return call, count / self.credits

    @property
    def achievable(self) -> float:
        """Cases a second that the full limits allow."""
        return min(GLOBAL_PER_SECOND / self.calls_per_case, ENDPOINT_PER_SECOND / self.busiest[1])

    @property
    def window(self) -> tuple[float, float, int]:
        """Begin and end of the window, seconds after the start, and how many cases closed in it."""
        first, last = len(self.finished_s) // 10, len(self.finished_s) * 9 // 10
        return self.finished_s[first], self.finished_s[last], last - first

    @property
    def per_second(self) -> float:
        """Cases a second in the window."""
        begin, end, cases = self.window
        return cases / (end - begin)

    @property
    def allowed(self) -> float:
        """How many cases the limits in force allowed in the window."""
        begin, end, _ = self.window
        times = [*self.limits, (float("inf"), 0.0)]
        spans = ((share, max(at, begin), min(until, end)) for (at, share), (until, _) in pairwise(times))
        return self.achievable * sum(share * max(0.0, until - at) for share, at, until in spans)

    @property
    def times(self) -> float:
        """How much longer than the limits allow; 1 is the best there is."""
        return self.allowed / self.window[2]

    @property
    def throttled_part(self) -> float:
        """The part of all calls that was refused with 429."""
        return self.throttled / self.calls_in_all


def cluster_night(*, credits_open: int, workers: int, halved: bool = False) -> ClusterNight:
    """Let so many workers refund so many credits, one charge each, in the night that begins when they start."""
    sandbox = lived("bench", credits_open, latency_ms=LATENCY_MS, limits=FULL)
    with surrounded(sandbox) as around, crew() as people:
        environment = around.environment(
            global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND, NIGHT_CRONTAB=due_now()
        )
        transactions, postgres_s, own_s = around.transactions(), around.postgres_cpu_s(), time.process_time()
        begun = time.monotonic()
        for _ in range(workers):
            people.start("worker", environment)
        limits = [(0.0, 1.0)]
        if halved:
            limits += _halve(people, around, credits_open, begun=begun)
        people.wait(lambda: people.refunded + len(people.others) >= credits_open, timeout_s=_patience_s(credits_open))
        own_s = time.process_time() - own_s
        return ClusterNight(
            credits=credits_open,
            finished_s=tuple(at - begun for at in people.refunded_s),
            limits=tuple(limits),
            calls=dict(sandbox.log.per_endpoint),
            throttled=sandbox.log.per_status[429],
            wrong=(*people.others, *wrong_books(sandbox, of=credits_open)),
            worker_cpu_s=tuple(member.cpu_s for member in people.workers),
            worker_rss=tuple(member.rss_max for member in people.workers),
            worker_cases=tuple(len(member.refunded_s) for member in people.workers),
            sandbox_cpu_s=own_s,
            postgres_cpu_s=around.postgres_cpu_s() - postgres_s,
            transactions=around.transactions() - transactions,
            redis_bytes=around.redis_bytes(),
        )


def _halve(people: Crew, around: Surroundings, credits_open: int, *, begun: float) -> list[tuple[float, float]]:
    """Halve Stripe's limits for a third of the time; the workers are not told. Returns what was in force from when."""
    patience_s = _patience_s(credits_open)
    people.wait(lambda: people.refunded >= _BEFORE * credits_open, timeout_s=patience_s)
    around.sandbox.limit(HALF)
    halved_at = time.monotonic()
    # Five calls a case: what the full limits allow, all but exactly.
    span_s = _HALVED * credits_open / (GLOBAL_PER_SECOND / 5 / 2)
    people.wait(lambda: time.monotonic() >= halved_at + span_s, timeout_s=patience_s)
    around.sandbox.limit(FULL)
    return [(halved_at - begun, 0.5), (time.monotonic() - begun, 1.0)]


def _patience_s(credits_open: int) -> float:
    return _START_S + credits_open / 5


def due_now(tz: str = "UTC") -> str:
    """A crontab by which a night begins at once: its time has just come in that zone."""
    now = datetime.now(ZoneInfo(tz))
    return f"{now.minute} {now.hour} * * *"
