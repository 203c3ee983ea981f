"""How fast: a night of many credits at Stripe's live limits, against what those limits allow."""

from dataclasses import dataclass
from typing import Final

from refund_worker.sandbox import POPULATIONS, RateLimits, Sandbox, SandboxServer
from tests.bench import watched

# docs.stripe.com/rate-limits: live mode.
GLOBAL_PER_SECOND: Final = 100.0
ENDPOINT_PER_SECOND: Final = 25.0
LATENCY_MS: Final = 200
TIMES_MAX: Final = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night's figures. A window is the time from the 10th to the 90th percentile of the closed cases.

    Attributes:
        calls: By endpoint.
        window_s: How long the window was.
        window_cases: How many cases closed in it.
    """

    credits: int
    refunded: int
    calls: dict[str, int]
    throttled: int
    window_s: float
    window_cases: int
    wall_s: float
    first_s: float
    cpu_s: float

    @property
    def calls_in_all(self) -> int:
        """Every request the sandbox got."""
        return sum(self.calls.values())

    @property
    def calls_per_case(self) -> float:
        """The sweep's share included."""
        return self.calls_in_all / self.credits

    @property
    def reads_per_refund(self) -> float:
        """GET requests per refunded case: Stripe allots 500 a transaction, over 30 days."""
        return sum(count for call, count in self.calls.items() if call.startswith("GET")) / self.refunded

    @property
    def busiest(self) -> tuple[str, float]:
        """The endpoint that is called most, and its calls a case."""
        call, count = max(self.calls.items(), key=lambda found: found[1])
        return call, count / self.credits

    @property
    def achievable(self) -> float:
        """Cases a second that the limits allow: of the account in all, and of the busiest endpoint."""
        return min(GLOBAL_PER_SECOND / self.calls_per_case, ENDPOINT_PER_SECOND / self.busiest[1])

    @property
    def per_second(self) -> float:
        """Cases a second in the window."""
        return self.window_cases / self.window_s

    @property
    def times(self) -> float:
        """How much longer than the limits allow; 1 is the best there is."""
        return self.achievable / self.per_second

    @property
    def ok(self) -> bool:
        """All was refunded, within the target, without a single 429."""
        return self.refunded == self.credits and self.throttled == 0 and self.times <= TIMES_MAX


def night(*, credits_open: int) -> Night:
    """Let the program refund so many credits, one charge each."""
    limits = RateLimits(global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND)
    sandbox = populated(credits_open, latency_ms=LATENCY_MS, limits=limits)
    with SandboxServer(sandbox) as server:
        seen = watched.run(
            base=server.base_url, global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND
        )
    first, last = len(seen.finished_s) // 10, len(seen.finished_s) * 9 // 10
    return Night(
        credits=credits_open,
        refunded=seen.answer["counts"]["refunded"],
        calls=dict(sandbox.log.per_endpoint),
        throttled=sandbox.log.per_status[429],
        window_s=seen.finished_s[last] - seen.finished_s[first],
        window_cases=last - first,
        wall_s=seen.wall_s,
        first_s=seen.finished_s[0],
        cpu_s=seen.cpu_s,
    )


def populated(credits_open: int, *, latency_ms: int = 0, limits: RateLimits | None = None) -> Sandbox:
    """A sandbox with so many customers who cancelled at half; $50 over one charge each."""
    sandbox = Sandbox(latency_ms=latency_ms, rate_limits=limits, renewals=False)
    POPULATIONS["bench"](sandbox, credits_open)
    sandbox.clock.tick()
    return sandbox
