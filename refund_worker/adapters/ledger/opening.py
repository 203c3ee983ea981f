"""From a database address to an open database. No line here shows a user or a password."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.postgres import open_server
from refund_worker.adapters.ledger.sqlite import BUSY_TIMEOUT_S, open_file, open_memory
from refund_worker.domain.errors import LedgerError

_EXAMPLE = "sqlite:///refund-worker.sqlite or postgresql://user:password@host/name"
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}  # the first is Heroku's


def open_database(
    url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, create: bool = True, migrate: bool = False
) -> Database:
    """Open the database of an address.

    Args:
        url: `sqlite:///relative/path`, `sqlite:////absolute/path`, `sqlite://` for one in memory, or
            `postgresql://user:password@host:port/name?sslmode=...`.
        busy_timeout_s: How long to wait for another program's transaction on a SQLite file, seconds.
        create: A SQLite file is created where there is none; it is always migrated.
        migrate: Tables in PostgreSQL are created and migrated; else they must be of the newest version.

    Raises:
        LedgerError: If it cannot be used.
    """
    parsed = _parsed(url)
    if parsed.drivername in _POSTGRES:
        return open_server(parsed, migrate_it=migrate)
    path = _path_of(parsed)
    return open_memory() if path is None else open_file(path, busy_timeout_s=busy_timeout_s, create=create)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(f"DATABASE_URL is no database address; write for example {_EXAMPLE}") from None
    if parsed.drivername in _POSTGRES:
        if not parsed.database:
            raise LedgerError(f"DATABASE_URL names no database; write for example {_EXAMPLE}")
        return parsed
    if parsed.get_backend_name() != "sqlite":
        raise LedgerError(
            f"a database of the kind {parsed.drivername!r} is not supported: set DATABASE_URL to {_EXAMPLE}"
        )
    if parsed.host or parsed.username or parsed.password or parsed.query:
        raise LedgerError(f"a SQLite address has three slashes and a path, nothing else; write for example {_EXAMPLE}")
    return parsed


def _path_of(url: URL) -> Path | None:
    return None if url.database in {None, "", ":memory:"} else Path(str(url.database))
