"""A populated sandbox on a port: what the `sandbox` command starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.populations import POPULATIONS
from refund_worker.sandbox.sandbox import Sandbox
from refund_worker.sandbox.server import SandboxServer

if TYPE_CHECKING:
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

    Its clock ticks, after what the population lived through.

    Raises:
        ValueError: If there is no such scenario.
        OSError: If the port is taken.
    """
    builder = POPULATIONS.get(scenario)
    if builder is None:
        raise ValueError(f"unknown scenario {scenario!r}: one of {', '.join(sorted(POPULATIONS))}")
    sandbox = Sandbox(seed=seed, latency_ms=latency_ms, rate_limits=rate_limits)
    builder(sandbox, customers)
    sandbox.clock.tick()
    return SandboxServer(sandbox, port=port).start()
