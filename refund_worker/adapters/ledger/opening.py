"""From a database address to an open database. No line here shows a password: only SQLite paths are repeated."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.sqlite import BUSY_TIMEOUT_S, open_file, open_memory
from refund_worker.domain.errors import LedgerError

_EXAMPLE = "sqlite:///refund-worker.sqlite"


def open_database(url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, create: bool = True) -> Database:
    """Open the database of an address; a SQLite file is created (where `create`) and migrated.

    Args:
        url: `sqlite:///relative/path`, `sqlite:////absolute/path`, or `sqlite://` for one in memory.
        busy_timeout_s: How long to wait for another program's transaction, seconds.

    Raises:
        LedgerError: If it cannot be used.
    """
    path = _path_of(_parsed(url))
    return open_memory() if path is None else open_file(path, busy_timeout_s=busy_timeout_s, create=create)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(f"DATABASE_URL is no database address; write for example {_EXAMPLE}") from None
    kind = parsed.get_backend_name()
    if kind in {"postgres", "postgresql"}:
        raise LedgerError(f"PostgreSQL is not supported by this version: set DATABASE_URL to {_EXAMPLE}")
    if kind != "sqlite":
        raise LedgerError(f"a database of the kind {kind!r} is not supported: set DATABASE_URL to {_EXAMPLE}")
    if parsed.host or parsed.username or parsed.password or parsed.query:
        raise LedgerError(f"a SQLite address has three slashes and a path, nothing else; write for example {_EXAMPLE}")
    return parsed


def _path_of(url: URL) -> Path | None:
    return None if url.database in {None, "", ":memory:"} else Path(str(url.database))
