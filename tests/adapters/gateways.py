"""Builds gateways for tests, with a clock that does not wait and a limiter that only listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import stripe

from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.sandbox import Sandbox, SandboxServer
from tests.adapters.in_process import InProcess

KEY = "sk_test_sandbox"


@dataclass(slots=True)
class PatientClock:
    """A clock on which waiting takes no time; notes what was waited."""

    slept: list[float] = field(default_factory=list)

    def now(self) -> int:
        """Some time in 2026."""
        return 1_795_312_800

    def sleep(self, seconds: float) -> None:
        """Note the wait."""
        self.slept.append(seconds)


@dataclass(slots=True)
class ListeningLimiter:
    """A limiter without limits that notes each call and each 429."""

    calls: list[str] = field(default_factory=list)
    throttles: list[tuple[str, str | None]] = field(default_factory=list)

    def wait(self, endpoint: str) -> None:
        """Note the call."""
        self.calls.append(endpoint)

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Note the 429."""
        self.throttles.append((endpoint, reason))


@dataclass(slots=True)
class Bench:
    """A gateway with its clock and limiter."""

    api: StripeApi
    clock: PatientClock
    limiter: ListeningLimiter


def over_http(base: str, *, key: str = KEY, read_timeout_s: float = 5.0) -> Bench:
    """A gateway that speaks HTTP to an address; close it."""
    clock, limiter = PatientClock(), ListeningLimiter()
    api = StripeApi(
        api_key=key, api_base=base, limiter=limiter, clock=clock, connect_timeout_s=2.0, read_timeout_s=read_timeout_s
    )
    return Bench(api, clock, limiter)


@contextmanager
def served(sandbox: Sandbox) -> Iterator[Bench]:
    """A gateway that speaks HTTP to a sandbox served meanwhile."""
    with SandboxServer(sandbox, port=0) as server:
        bench = over_http(server.base_url)
        try:
            yield bench
        finally:
            bench.api.close()


def in_process(sandbox: Sandbox | stripe.HTTPClient, *, key: str = KEY) -> Bench:
    """A gateway to a sandbox of this process, or to any other transport."""
    clock, limiter = PatientClock(), ListeningLimiter()
    http_client = InProcess(sandbox) if isinstance(sandbox, Sandbox) else sandbox
    return Bench(StripeApi(api_key=key, limiter=limiter, clock=clock, http_client=http_client), clock, limiter)


def freely() -> None:
    """Nothing stands against a write: the `check` of tests that are about something else."""
