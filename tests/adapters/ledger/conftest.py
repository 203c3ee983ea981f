"""The ledgers that keep the contract: SQLite in memory and in a file, and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger


@pytest.fixture
def memory_url() -> str:
    """The address of a SQLite ledger that nobody else sees."""
    return "sqlite://"


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """The address of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture(params=["file_url", "postgres_url"], ids=["file", "postgres"])
def lasting_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty ledger that outlives its process, of each kind."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(params=["memory_url", "file_url", "postgres_url"], ids=["memory", "file", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Iterator[SqlLedger]:
    """An empty ledger of each kind."""
    opened = SqlLedger.open(request.getfixturevalue(request.param))
    yield opened
    opened.close()
