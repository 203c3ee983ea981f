"""The ledgers that keep the contract: in memory and in a file; another database joins by a line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    """An empty ledger of each kind."""
    address = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path / 'ledger.sqlite'}"}[request.param]
    opened = SqlLedger.open(address)
    yield opened
    opened.close()
