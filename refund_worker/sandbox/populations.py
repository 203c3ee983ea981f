"""Populations by name: what `serve` and the demo fill a sandbox with. Each builder takes the sandbox and a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from refund_worker.sandbox.population import bench, cluster, demo
from refund_worker.sandbox.sandbox import Sandbox

Population = Callable[[Sandbox, int], object]


def empty(_sandbox: Sandbox, _customers: int) -> None:
    """Nobody."""


def idle(sandbox: Sandbox, customers: int) -> None:
    """Customers without a history: what a sweep mostly reads."""
    sandbox.build.customers(customers)


POPULATIONS: Final[dict[str, Population]] = {
    "bench": bench,
    "cluster": cluster,
    "demo": demo,
    "empty": empty,
    "idle": idle,
    "sweep": idle,
}
