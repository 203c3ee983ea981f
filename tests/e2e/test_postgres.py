"""The whole population through the command line, with the ledger on PostgreSQL: the same as on SQLite."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from refund_worker.sandbox import Sandbox, SandboxServer, Snapshot
from refund_worker.sandbox.population import demo
from tests.e2e.places import TEST_KEY, Ended, Place
from tests.identities import check_identities

ORDINARY = 5


@pytest.fixture(scope="module")
def population() -> Snapshot:
    """The demo's population."""
    sandbox = Sandbox(seed=21, keys={TEST_KEY: None})
    demo(sandbox, ORDINARY)
    return sandbox.snapshot()


def _night(population: Snapshot, directory: Path, *, database_url: str) -> tuple[dict[str, Any], list[Ended]]:
    """One run against a fresh sandbox, and what is read of it afterwards."""
    directory.mkdir()
    policy = directory / "policy.toml"
    policy.write_text("[unusual]\ncustomers = 1000\n")  # so many customers with credit are no reason to stop
    with SandboxServer(Sandbox.restore(population)) as server:
        environ = {
            "PATH": os.environ["PATH"],
            "STRIPE_API_KEY": TEST_KEY,
            "STRIPE_API_BASE": server.base_url,
            "STRIPE_RATE_GLOBAL": "1000",
            "STRIPE_RATE_ENDPOINT": "1000",
            "DATABASE_URL": database_url,
            "REFUND_POLICY": str(policy),
        }
        place = Place(directory=directory, sandbox=server.sandbox, environ=environ)
        ran = place.use("run", "--json")
        assert ran.code == 0, ran.err
        assert place.use("resume", "--json").code == 0
        after = [place.use("audit", "verify"), place.use("report", "latest"), place.use("db", "upgrade")]
    run: dict[str, Any] = json.loads(ran.out)
    return run, after


def _sums(run: dict[str, Any]) -> dict[str, Any]:
    """What does not hold a random id."""
    refunds = sorted(
        (one["customer"], refund["charge"], refund["amount_minor"]) for one in run["cases"] for refund in one["refunds"]
    )
    return {"counts": run["counts"], "totals": run["totals"], "refunds": refunds}


def test_the_night_is_the_same_on_postgresql(population: Snapshot, tmp_path: Path, empty_postgres_url: str) -> None:
    """Migrated by `db upgrade`, then run, verified and reported; totals and refunds as on SQLite."""
    place = Place(directory=tmp_path, sandbox=Sandbox(), environ={"DATABASE_URL": empty_postgres_url})
    refused = place.use("audit", "verify")
    assert (refused.code, refused.out) == (2, "")
    assert "run `refund-worker db upgrade`" in refused.err
    upgraded = place.use("db", "upgrade")
    assert upgraded.code == 0
    assert upgraded.out.startswith("the ledger postgresql://127.0.0.1:")

    run, (verified, report, again) = _night(population, tmp_path / "postgres", database_url=empty_postgres_url)
    other, (verified_there, _, _) = _night(population, tmp_path / "sqlite", database_url="sqlite:///ledger.sqlite")

    check_identities(run)
    assert _sums(run) == _sums(other)
    assert run["counts"]["refunded"] > 0
    assert verified.code == 0
    assert verified.out.split(";")[0] == verified_there.out.split(";")[0]
    assert report.code == 0
    assert again.code == 0
