"""Opens SQLite databases: a file that lasts, or one in memory for tests."""

import atexit
import functools
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, StaticPool, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.failures import told_clearly
from refund_worker.adapters.ledger.schema import check_schema, migrate
from refund_worker.domain.errors import LedgerError

BUSY_TIMEOUT_S = 10.0  # longer than any transaction of ours takes, shorter than a person's patience
_MODE = 0o600  # customer ids and sums: nobody else's business
_RETRY_S = 0.05
# The write lock is taken at the begin, so that no transaction fails half-way for want of it. The driver begins none.
_BEGIN_WRITING = "BEGIN IMMEDIATE"
_BEGIN_READING = "BEGIN"


def open_file(path: Path, *, busy_timeout_s: float, create: bool) -> Database:
    """Open the ledger in a file; create and migrate it where allowed.

    Raises:
        LedgerError: If it cannot be used; the line names the path and what to do.
    """
    where = str(path)
    _check_place(path, create=create)
    engine = create_engine(
        f"sqlite:///{path}",
        # The driver begins no transactions by itself: `Database` does.
        connect_args={"timeout": busy_timeout_s, "isolation_level": None, "check_same_thread": False},
        max_overflow=-1,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_pragmas)
    database = _database(engine, where=where, one_connection=False)
    try:
        with database.reading() as connection:
            current = check_schema(connection, where=where)
        with told_clearly(where):
            _use_write_ahead_log(engine, deadline=time.monotonic() + busy_timeout_s)
        if not current:
            with database.writing() as connection:
                migrate(connection, where=where)
    except BaseException:
        database.close()
        raise
    return database


def open_memory() -> Database:
    """Open a new ledger in memory: a copy of one migrated template, for a schema takes longer to make than to copy."""
    dialect = _memory_dialect()
    engine = Engine(
        StaticPool(_copy_of_template, dialect=dialect),
        dialect,
        create_engine("sqlite://").url,
        hide_parameters=True,
        execution_options={"compiled_cache": _compiled_for_memory},
    )
    return _database(engine, where="in memory", one_connection=True)


def _database(engine: Engine, *, where: str, one_connection: bool) -> Database:
    return Database(
        engine,
        where=where,
        begin_writing=_BEGIN_WRITING,
        begin_reading=_BEGIN_READING,
        # Waiting for a lock of ours is cheaper than SQLite's busy waiting, and fairer among 32 threads.
        one_writer=True,
        one_connection=one_connection,
    )


def _check_place(path: Path, *, create: bool) -> None:
    try:
        if path.is_dir():
            raise LedgerError(f"the ledger {path} is a directory: name a file in DATABASE_URL")
        if not path.parent.is_dir():
            raise LedgerError(
                f"the directory {path.parent} of the ledger does not exist: create it, or correct DATABASE_URL"
            )
        if path.exists():
            return
        if not create:
            raise LedgerError(f"there is no ledger at {path}: check DATABASE_URL and the working directory")
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _MODE))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise LedgerError(
            f"the ledger {path} cannot be created ({why}): "
            "give this user write permission on its directory, or correct DATABASE_URL"
        ) from error


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # FULL: a committed intent survives a loss of power (in WAL mode NORMAL would not promise that).
    connection.execute("PRAGMA synchronous = FULL")


def _use_write_ahead_log(engine: Engine, *, deadline: float) -> None:
    """Switch to WAL, which lasts. SQLite does not wait for this lock by itself: another opener is waited for here."""
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return
        finally:
            connection.close()


# One dialect and one cache for all ledgers in memory: a statement is compiled once, not in each of thousands of worlds.
_compiled_for_memory: dict[Any, Any] = {}


@functools.cache
def _memory_dialect() -> Dialect:
    engine = create_engine("sqlite://")
    with engine.connect():
        pass
    engine.dispose()
    return engine.dialect


@functools.cache
def _template() -> sqlite3.Connection:
    template = _memory_connection()
    atexit.register(template.close)
    engine = create_engine("sqlite://", creator=lambda: template, poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(_BEGIN_WRITING)
        migrate(connection, where="in memory")
    return template


def _copy_of_template() -> DBAPIConnection:
    connection = _memory_connection()
    _template().backup(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    return cast("DBAPIConnection", connection)


def _memory_connection() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
