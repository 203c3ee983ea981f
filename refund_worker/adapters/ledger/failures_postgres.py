"""PostgreSQL's SQLSTATE codes in words (postgresql.org/docs/current/errcodes-appendix.html).

A connection that fails has no code, only the words of libpq, which name the user: they are recognised, never repeated.
"""

import re
from typing import Final

import psycopg

_RESUME: Final = "then run `refund-worker resume`"
_LOST = f"lost its connection: see that the server runs, {_RESUME}"
_LOCKED = "is locked by another session: wait until that has ended, or end it, then try again"
_LINES = {
    "55P03": _LOCKED,
    "40P01": _LOCKED,
    "40001": _LOCKED,
    "57014": "did not answer a statement within its time: look for what blocks or slows it, then try again",
    "25P03": f"waited too long for this program, which the machine had paused: {_RESUME.removeprefix('then ')}",
    "25006": "cannot be written, it is read-only: name the primary server in DATABASE_URL, not a standby",
    "42501": "refuses this role: grant it what the page on operations lists",
    "42P01": "lacks a table: run `refund-worker db upgrade`",
    "42703": "lacks a column: run `refund-worker db upgrade`",
    "53100": f"cannot grow, the disk is full: free some space, {_RESUME}",
    "53200": f"is out of memory: give the server more, {_RESUME}",
    "53300": "has no connection left: each process takes up to ten; raise max_connections or run fewer",
    "XX001": "is damaged: restore it from a backup, then run `refund-worker recover --full`",
    "XX002": "is damaged: restore it from a backup, then run `refund-worker recover --full`",
}
_CLASSES = {"08": _LOST, "57": _LOST, "28": "refuses the user or password in DATABASE_URL: correct it"}

_CONNECTING: tuple[tuple[str, str], ...] = (
    (r"password authentication failed|no password supplied|role .* does not exist", _CLASSES["28"]),
    (r"no pg_hba.conf entry", "does not let this user in from this machine: add it to the server's pg_hba.conf"),
    (r"database .* does not exist", "does not exist: create the database, or correct DATABASE_URL"),
    (r"too many (clients|connections)|remaining connection slots", _LINES["53300"]),
    (r"starting up|shutting down|recovery mode", "is starting or stopping: try again in a moment"),
    (r"refused|No such file", "cannot be reached, nothing listens there: start the server, or correct DATABASE_URL"),
    (r"resolve host|could not translate host", "cannot be reached, its host is not known: correct DATABASE_URL"),
    (r"SSL|certificate", "cannot be reached over TLS as asked: correct sslmode or the certificates"),
    (r"time-?out|timed out", "cannot be reached in time: check the network and the server"),
    (r"invalid|missing", "cannot be reached, its address has a part that libpq does not know: correct DATABASE_URL"),
)


def said_by_postgres(error: psycopg.Error) -> str | None:
    """What is wrong with the ledger and what to do; None where it is not known."""
    code = error.sqlstate
    if code is not None:
        return _LINES.get(code) or _CLASSES.get(code[:2]) or f"refused a statement (SQLSTATE {code}): see its log"
    words = str(error)
    for pattern, line in _CONNECTING:
        if re.search(pattern, words, re.IGNORECASE):
            return line
    return _LOST if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) else None
