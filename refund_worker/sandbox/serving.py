"""A populated sandbox on a port: what the `sandbox` command starts."""

from __future__ import annotations

import contextlib
import gc
import time
from typing import TYPE_CHECKING

from refund_worker.sandbox.population import LIVED_S
from refund_worker.sandbox.populations import POPULATIONS
from refund_worker.sandbox.sandbox import Sandbox
from refund_worker.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refund_worker.sandbox.limits import RateLimits


def serve(
    *,
    port: int = 0,
    scenario: str = "empty",
    customers: int = 0,
    seed: int = 1,
    latency_ms: int = 0,
    rate_limits: RateLimits | None = None,
) -> SandboxServer:
    """A server, started, with the population of `scenario`; stop it, or use it as a context manager.

    The population has lived until now: its history lies in the past of the machine's clock, which ticks on.

    Raises:
        ValueError: If there is no such scenario.
        OSError: If the port is taken.
    """
    builder = POPULATIONS.get(scenario)
    if builder is None:
        raise ValueError(f"unknown scenario {scenario!r}: one of {', '.join(sorted(POPULATIONS))}")
    now = int(time.time())
    sandbox = Sandbox(seed=seed, now=now - LIVED_S, latency_ms=latency_ms, rate_limits=rate_limits)
    with _uncollected():
        builder(sandbox, customers)
        sandbox.clock.advance(max(0, now - sandbox.clock.now))
    sandbox.clock.tick()
    return SandboxServer(sandbox, port=port).start()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: a population makes none, and searching it takes half of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
