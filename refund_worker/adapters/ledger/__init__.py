"""The ledger in SQL, on SQLite or PostgreSQL: intents, outcomes and the audit trail."""

from refund_worker.adapters.ledger.ledger import SqlLedger
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.transaction import LedgerMisused
from refund_worker.adapters.ledger.verify import Verification


def upgrade(url: str) -> str:
    """Create or migrate the ledger; returns a line for people. Raises LedgerError."""
    database = open_database(url, migrate=True)
    database.close()
    return f"the ledger {database.where} is up to date"


def verify(url: str, noted_head: tuple[int, str] | None = None) -> Verification:
    """Verify the trail of the ledger at an address, and its tables against the trail; creates nothing.

    Args:
        noted_head: Sequence and hash that an earlier verification printed; a trail cut before it is told.

    Raises:
        LedgerError: If there is no ledger, or it cannot be read.
    """
    ledger = SqlLedger.open(url, create=False)
    try:
        return ledger.verify(noted_head=noted_head)
    finally:
        ledger.close()


__all__ = ["LedgerMisused", "SqlLedger", "Verification", "upgrade", "verify"]
