"""SQLite's result codes in words."""

import sqlite3

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


def said_by_sqlite(error: BaseException | None) -> str | None:
    """What is wrong with the ledger and what to do; None where the error has no code."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return None
    return _LINES.get(code & _PRIMARY_CODE) or f"{_UNKNOWN} ({error})"
