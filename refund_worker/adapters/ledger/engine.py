"""The ledger's database: write transactions and read transactions. What is one database's own stands in its module."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from refund_worker.adapters.ledger.failures import told_clearly


class Database:
    """An open database; readers beside the writers.

    Attributes:
        where: The path or the address without user and password, for people.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        where: str,
        reader: Engine | None = None,
        glancer: Engine | None = None,
        begin_writing: str | None = None,
        begin_reading: str | None = None,
        one_writer: bool = False,
        one_connection: bool = False,
        turns: AbstractContextManager[object] | None = None,
    ) -> None:
        """Take an engine.

        Args:
            reader: The same engine with what read transactions need; None = the same.
            glancer: The same engine where a single statement needs no transaction; None = as a read transaction.
            begin_writing: The statement that begins a write transaction; None = the driver begins it.
            begin_reading: The same of a read transaction.
            one_writer: Only one thread of this process writes at a time.
            one_connection: All threads share one connection, so readers wait too.
            turns: Entered for each transaction: whose turn it is to take a connection; None = there are enough.
        """
        self.where = where
        self._engine = engine
        self._reader = reader or engine
        self._glancer = glancer
        self._begin_writing, self._begin_reading = begin_writing, begin_reading
        lock = threading.Lock()
        self._writing_alone: AbstractContextManager[object] = lock if one_writer else nullcontext()
        self._reading_alone: AbstractContextManager[object] = lock if one_connection else nullcontext()
        self._turns = turns or nullcontext()
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
        with (
            self._writing_alone,
            told_clearly(self.where),
            self._turns,
            self._engine.begin() as connection,
            self._as_open(connection),
        ):
            if self._begin_writing is not None:
                connection.exec_driver_sql(self._begin_writing)
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
        with (
            self._reading_alone,
            told_clearly(self.where),
            self._turns,
            self._reader.begin() as connection,
            self._as_open(connection),
        ):
            if self._begin_reading is not None:
                connection.exec_driver_sql(self._begin_reading)
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        """For one SELECT alone, which sees one state by itself: spares a server the transaction's begin and end."""
        if self._glancer is None or self.in_transaction:
            with self.reading() as connection:
                yield connection
            return
        with told_clearly(self.where), self._turns, self._glancer.connect() as connection, self._as_open(connection):
            yield connection

    def close(self) -> None:
        """Close every connection; one that a thread still uses as soon as it gives it back."""
        event.listen(self._engine, "checkin", _close)
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


def _close(_connection: object, record: ConnectionPoolEntry) -> None:
    record.close()
