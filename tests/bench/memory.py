"""How large: the peak memory of a sweep must not grow with the customers it reads."""

from dataclasses import dataclass
from typing import Final

from refund_worker.sandbox import SandboxServer
from tests.bench import watched
from tests.bench.night import populated

CREDITS: Final = 20
TIMES_MAX: Final = 1.1
UNLIMITED: Final = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The peak of a run over so many customers, of whom a few have credit."""

    customers: int
    rss_max: int
    wall_s: float
    cpu_s: float

    @property
    def mib(self) -> float:
        """In MiB."""
        return self.rss_max / 2**20


def peak(*, customers: int) -> Peak:
    """Sweep so many customers, with neither latency nor limits: only the memory counts here."""
    sandbox = populated(CREDITS)
    sandbox.build.customers(customers - CREDITS)
    with SandboxServer(sandbox) as server:
        seen = watched.run(base=server.base_url, global_per_second=UNLIMITED, endpoint_per_second=UNLIMITED)
    read = seen.answer["customers_read"]
    if (read, seen.answer["counts"]["refunded"]) != (customers, CREDITS):
        raise RuntimeError(f"{read} customers read, not {customers}; {seen.answer['counts']}")
    return Peak(customers=customers, rss_max=seen.rss_max, wall_s=seen.wall_s, cpu_s=seen.cpu_s)
