"""The queues that keep the contract: SQLite in memory and in a file, and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import started


@pytest.fixture(params=["file", "postgres"])
def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger that processes can share."""
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["memory", "file", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    """An empty ledger of each kind."""
    addresses = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path / 'ledger.sqlite'}"}
    opened = SqlLedger.open(addresses.get(request.param) or request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


@pytest.fixture
def queue(ledger: SqlLedger) -> WorkQueue:
    """An empty queue beside a ledger that is bound and has `run_1`."""
    return started(ledger).queue
