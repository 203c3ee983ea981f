"""What the database complains of, as one clear line that names the ledger and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from refund_worker.adapters.ledger.tables import ONE_LIVE_CASE
from refund_worker.domain.errors import LedgerError

_PRIMARY_CODE = 0xFF  # the low byte of an extended code (sqlite.org/rescode.html)
_LINES = {
    sqlite3.SQLITE_BUSY: "is locked by another program: wait until that has ended, or end it, then try again",
    sqlite3.SQLITE_LOCKED: "is locked by another program: wait until that has ended, or end it, then try again",
    sqlite3.SQLITE_READONLY: "cannot be written: give this user write permission on the file and its directory",
    sqlite3.SQLITE_PERM: "cannot be written: give this user write permission on the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that the path is right and this user may read and write it",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: free some space, then run `refund-worker resume`",
    sqlite3.SQLITE_IOERR: "cannot be read or written, the disk reports an error: check the disk and its space",
    sqlite3.SQLITE_NOTADB: "is not a ledger: it is no SQLite database; correct DATABASE_URL",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup, then run `refund-worker recover --full`",
}
_UNKNOWN = "cannot be used: check DATABASE_URL, or restore the ledger from a backup"


@contextmanager
def told_clearly(where: str) -> Iterator[None]:
    """Turn what the database complains of into a LedgerError; a broken constraint passes, for it is a bug.

    Args:
        where: Names the ledger in the line; holds no password.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise LedgerError(line_of(where, error.orig)) from error
    except sqlite3.Error as error:
        raise LedgerError(line_of(where, error)) from error


def line_of(where: str, error: BaseException | None) -> str:
    """The line for one complaint of the database driver."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return f"the ledger {where} {_UNKNOWN}"
    line = _LINES.get(code & _PRIMARY_CODE)
    return f"the ledger {where} {line}" if line else f"the ledger {where} {_UNKNOWN} ({error})"


def is_one_live_case(error: IntegrityError) -> bool:
    """Whether the partial unique index of invariant 3 refused: SQLite names its columns, PostgreSQL the index."""
    said = str(error.orig)
    return ONE_LIVE_CASE in said or "cases.account, cases.livemode, cases.customer, cases.currency" in said
