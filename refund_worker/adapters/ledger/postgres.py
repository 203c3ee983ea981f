"""Opens a PostgreSQL ledger through psycopg.

Writers run in READ COMMITTED and lock the row that decides before they read on (`SELECT ... FOR UPDATE`): the case, the
standing, and the head of the trail last. Readers run in REPEATABLE READ, READ ONLY: all reads of one transaction see
the same rows, as on SQLite.
"""

from typing import Any

from psycopg import Connection as PsycopgConnection
from sqlalchemy import URL, Engine, create_engine, event

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
    database = Database(engine, where=where, reader=reader, turns=turns)
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
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: PsycopgConnection[Any], _record: Any) -> None:
    connection.execute(_SETTINGS)
    connection.commit()


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
