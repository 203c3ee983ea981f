"""A sandbox with credit to refund, and an environment in which the commands of the cluster find it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from refund_worker.sandbox import Sandbox, SandboxServer
from refund_worker.sandbox.population import SCENARIOS
from tests.cluster.roles import Roles
from tests.e2e.places import TEST_KEY, Place

READING: Final = [
    "account", "balance", "charge", "customer", "dispute", "event", "invoice", "payment_intent", "subscription"
]  # fmt: skip
KEYS: Final[dict[str, dict[str, list[str]] | None]] = {
    TEST_KEY: None,
    f"{TEST_KEY}_other": None,
    "rk_test_reading": {"permissions": [f"{name}_read" for name in READING]},
}
CUSTOMERS: Final = 4


def build(*, customers: int) -> Sandbox:
    """A sandbox in which so many customers have credit that a run would refund."""
    made = Sandbox(seed=3, keys=KEYS)
    story = next(scenario for scenario in SCENARIOS if scenario.expected.outcome == "refunded")
    for _ in range(customers):
        story.build(made)
    return made


def environment(server: SandboxServer) -> dict[str, str]:
    """What the platform sets, but for the servers."""
    return {
        "PATH": os.environ["PATH"],
        "STRIPE_API_KEY": TEST_KEY,
        "STRIPE_API_BASE": server.base_url,
        "STRIPE_RATE_GLOBAL": "1000",
        "STRIPE_RATE_ENDPOINT": "1000",
        "SETTLING_SECONDS": "0",
        "NIGHT_CRONTAB": "0 0 29 2 *",  # so that no night begins in a test by itself
    }


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A directory with a SQLite ledger, and an environment without Redis."""
    made = build(customers=1)
    with SandboxServer(made) as server:
        yield Place(directory=tmp_path, sandbox=made, environ=environment(server))


@pytest.fixture
def roles(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[Roles]:
    """Workers on PostgreSQL and Redis, before a sandbox whose answers take a moment."""
    made = build(customers=CUSTOMERS)
    made.latency_ms = 50
    with SandboxServer(made) as server:
        environ = environment(server) | {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
        with Roles(place=Place(directory=tmp_path, sandbox=made, environ=environ)) as started:
            yield started
