"""What the parts of the queue have in common: the ledger's database."""

from refund_worker.adapters.ledger.engine import Database


class OnDatabase:
    """Rows of the ledger's database; threads may share it, and so may processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
