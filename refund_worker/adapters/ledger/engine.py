"""The ledger's database: one writer at a time, readers beside it. What is SQLite's own stands in `sqlite`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine

from refund_worker.adapters.ledger.failures import told_clearly

# The write lock is taken at the begin, so that no transaction fails half-way for want of it. The driver begins none.
BEGIN_WRITING = "BEGIN IMMEDIATE"
BEGIN_READING = "BEGIN"


class Database:
    """An open database: one writer at a time in this process, readers beside it.

    Attributes:
        where: The path, for people.
    """

    def __init__(self, engine: Engine, *, where: str, shared_connection: bool) -> None:
        self.where = where
        self._engine = engine
        self._shared_connection = shared_connection
        # Waiting for a lock of ours is cheaper than SQLite's busy waiting, and fairer among 32 threads.
        self._lock = threading.Lock()
        self._here = threading.local()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside a transaction (invariant 4: never during a call to Stripe)."""
        return self._open() is not None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction; commits at the end of the block, rolls back on an exception. Raises LedgerError."""
        if self.in_transaction:
            raise RuntimeError("a ledger transaction is open in this thread already")
        with self._lock, told_clearly(self.where), self._engine.begin() as connection, self._as_open(connection):
            connection.exec_driver_sql(BEGIN_WRITING)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One read transaction: all its reads see the same rows. Raises LedgerError.

        Inside a write transaction of the same thread it is that one, so that a writer sees what it wrote.
        """
        connection = self._open()
        if connection is not None:
            yield connection
            return
        alone = self._lock if self._shared_connection else nullcontext()
        with alone, told_clearly(self.where), self._engine.begin() as connection, self._as_open(connection):
            connection.exec_driver_sql(BEGIN_READING)
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _open(self) -> Connection | None:
        return getattr(self._here, "connection", None)

    @contextmanager
    def _as_open(self, connection: Connection) -> Iterator[None]:
        self._here.connection = connection
        try:
            yield
        finally:
            self._here.connection = None
