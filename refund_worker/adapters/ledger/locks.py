"""What PostgreSQL needs where many write at once, and SQLite, with its one writer, does not.

One order, so that no two transactions wait for each other: the numbered lock, the case, the standing, and last the head
of the trail. A row that decides is read with `FOR UPDATE`, which SQLite leaves out.
"""

from contextlib import AbstractContextManager, nullcontext

from sqlalchemy import Connection, text

# Advisory locks of this program, by arbitrary numbers that nobody else is likely to have chosen.
MIGRATION = 7_203_918_455_001
RUN_START = 7_203_918_455_002

_LOCK = text("SELECT pg_advisory_xact_lock(:number)")


def lock_by_number(connection: Connection, number: int) -> None:
    """Wait until this transaction alone holds the lock; it ends with the transaction."""
    if _many_writers(connection):
        connection.execute(_LOCK, {"number": number})


def savepoint(connection: Connection) -> AbstractContextManager[object]:
    """A block that may fail by a constraint without ending the transaction, as PostgreSQL else does."""
    return connection.begin_nested() if _many_writers(connection) else nullcontext()


def unhurried(connection: Connection) -> None:
    """Let this transaction's statements take as long as they take: it reads all of the ledger, or rebuilds it."""
    if _many_writers(connection):
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")


def _many_writers(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
