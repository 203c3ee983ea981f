"""Places to use the program in: a sandbox behind HTTP, a directory, an environment."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from refund_worker.sandbox import Sandbox, SandboxServer
from refund_worker.sandbox.population import SCENARIOS
from tests.e2e.places import SECRET, TEST_KEY, Place

READING = ["account", "balance", "charge", "customer", "dispute", "event", "invoice", "payment_intent", "subscription"]
KEYS: Final[dict[str, dict[str, list[str]] | None]] = {
    TEST_KEY: None,
    f"rk_test_nothing{SECRET}": {"permissions": []},
    f"rk_test_reading{SECRET}": {"permissions": [f"{name}_read" for name in READING]},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """A sandbox in which one customer has credit that a run would refund."""
    made = Sandbox(seed=3, keys=KEYS)
    story = next(scenario for scenario in SCENARIOS if scenario.expected.outcome == "refunded")
    story.build(made)
    with SandboxServer(made) as server:
        yield server


@pytest.fixture
def place(sandbox: SandboxServer, tmp_path: Path) -> Place:
    """An empty directory, and an environment in which `run` would move money."""
    environ = {
        "PATH": os.environ["PATH"],
        "STRIPE_API_KEY": TEST_KEY,
        "STRIPE_API_BASE": sandbox.base_url,
        "STRIPE_RATE_GLOBAL": "1000",
        "STRIPE_RATE_ENDPOINT": "1000",
    }
    return Place(directory=tmp_path, sandbox=sandbox.sandbox, environ=environ)


@pytest.fixture
def used(place: Place) -> Place:
    """A place in which a plan was made before: its ledger knows one run."""
    assert place.use("plan", "--json").code == 0
    return place


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Place]:
    """A place with a ledger and a sandbox of its own, in which money may move."""
    made = Sandbox(seed=3, keys=KEYS)
    next(scenario for scenario in SCENARIOS if scenario.expected.outcome == "refunded").build(made)
    with SandboxServer(made) as server:
        environ = {"PATH": os.environ["PATH"], "STRIPE_API_KEY": TEST_KEY, "STRIPE_API_BASE": server.base_url}
        own = Place(directory=tmp_path, sandbox=made, environ=environ)
        assert own.use("plan", "--json").code == 0
        yield own
