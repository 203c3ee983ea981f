"""Opens a PostgreSQL ledger through psycopg.

Writers run in READ COMMITTED and lock the row that decides before they read on (`SELECT ... FOR UPDATE`): the case, the
standing, and the head of the trail last. Readers run in REPEATABLE READ, READ ONLY: all reads of one transaction see
the same rows, as on SQLite.
"""

import select
import time
from typing import Any

from psycopg import Connection as PsycopgConnection
from psycopg import Error as PsycopgError
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.failures import told_clearly
from refund_worker.adapters.ledger.locks import MIGRATION, lock_by_number, unhurried
from refund_worker.adapters.ledger.schema import check_schema, migrate
from refund_worker.adapters.ledger.turns import Turns
from refund_worker.domain.errors import LedgerError

_DRIVER = "postgresql+psycopg"
_PORT = 5432
# A worker has 32 threads, and most of them wait for Stripe: transactions are short, a few connections carry them all.
_POOL_SIZE = 5
_POOL_OVERFLOW = 5
_POOL_WAIT_S = 30.0
# A connection that was idle for longer is asked whether it lives, and one whose server has said something unasked: that
# it ends. Asked at each use, as SQLAlchemy's own option does, half of the server's transactions were these questions.
_TRUSTED_S = 1.0
_CONNECTING: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "refund-worker",
    # A server that vanished without a word is noticed within about a minute, not after TCP's two hours.
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    # A statement that the server keeps prepared is lost when pgbouncer changes the server's connection.
    "prepare_threshold": None,
}
# Not as `options` of the connection, which pgbouncer refuses. ON: a committed intent survives a loss of power, whatever
# the server's or the role's default is.
_SETTINGS = """
    SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';
    SET synchronous_commit = on
"""


def open_server(url: URL, *, migrate_it: bool) -> Database:
    """Open the ledger in a PostgreSQL database.

    Args:
        migrate_it: Create or migrate the tables; else they must be of the newest version.

    Raises:
        LedgerError: If it cannot be used; the line names host and database, neither user nor password.
    """
    where = _where(url)
    with told_clearly(where):
        engine = _engine(url)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    turns = Turns(_POOL_SIZE + _POOL_OVERFLOW, patience_s=_POOL_WAIT_S)
    glancer = engine.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True)
    database = Database(engine, where=where, reader=reader, glancer=glancer, turns=turns)
    try:
        if migrate_it:
            _migrate(database)
        _check(database)
    except BaseException:
        database.close()
        raise
    return database


def _engine(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername=_DRIVER),
        # What the address itself asks for goes first.
        connect_args={name: value for name, value in _CONNECTING.items() if name not in url.query},
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_OVERFLOW,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_in_doubt)
    return engine


def _set_up(connection: PsycopgConnection[Any], _record: Any) -> None:
    connection.execute(_SETTINGS)
    connection.commit()


def _note_use(_connection: PsycopgConnection[Any] | None, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _ask_in_doubt(connection: PsycopgConnection[Any], record: Any, _proxy: Any) -> None:
    """Ask a connection whether it lives, where that is in doubt; if not, all are made anew. A new one is trusted."""
    used_at = record.info.get("used_at")
    if used_at is None:
        return
    try:
        if time.monotonic() - used_at < _TRUSTED_S and not _has_said_something(connection):
            return
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except PsycopgError as gone:
        raise InvalidatePoolError from gone


def _has_said_something(connection: PsycopgConnection[Any]) -> bool:
    """Whether the server has sent something since the last answer. Raises psycopg.Error where it is closed."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _check(database: Database) -> None:
    with database.reading() as connection:
        if not check_schema(connection, where=database.where):
            raise LedgerError(
                f"the ledger {database.where} lacks the tables of this version: run `refund-worker db upgrade`"
            )


def _migrate(database: Database) -> None:
    with database.writing() as connection:
        unhurried(connection)  # another migration is waited for
        lock_by_number(connection, MIGRATION)
        migrate(connection, where=database.where)


def _where(url: URL) -> str:
    host = url.host or url.query.get("host") or "localhost"
    hosts = host if isinstance(host, str) else ",".join(host)
    return f"postgresql://{hosts}:{url.port or _PORT}/{url.database}"
