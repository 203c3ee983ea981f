"""What the database complains of, as one clear line that names the ledger and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError

from refund_worker.adapters.ledger.failures_postgres import said_by_postgres
from refund_worker.adapters.ledger.failures_sqlite import said_by_sqlite
from refund_worker.adapters.ledger.tables import ONE_LIVE_CASE, ONE_STANDING
from refund_worker.adapters.ledger.turns import TurnMissed
from refund_worker.domain.errors import LedgerError

_UNKNOWN = "cannot be used: check DATABASE_URL, or restore the ledger from a backup"
_POOL = "is busy, no connection was free for 30 s: run fewer threads at once, or look for what blocks it"


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
        raise LedgerError(line_of(where, error.orig)) from _without_secrets(error)
    except (sqlite3.Error, psycopg.Error) as error:
        raise LedgerError(line_of(where, error)) from _without_secrets(error)
    except TurnMissed as error:
        raise LedgerError(f"the ledger {where} {_POOL}") from error


def line_of(where: str, error: BaseException | None) -> str:
    """The line for one complaint of a database driver."""
    said = said_by_postgres(error) if isinstance(error, psycopg.Error) else said_by_sqlite(error)
    return f"the ledger {where} {said or _UNKNOWN}"


def is_one_live_case(error: IntegrityError) -> bool:
    """Whether the partial unique index of invariant 3 refused: SQLite names its columns, PostgreSQL the index."""
    said = str(error.orig)
    return ONE_LIVE_CASE in said or "cases.account, cases.livemode, cases.customer, cases.currency" in said


def is_known_case(error: IntegrityError) -> bool:
    """Whether a case of this id stands already, as PostgreSQL says it. On SQLite it was seen before."""
    return "pk_cases" in str(error.orig)


def is_known_key(error: IntegrityError) -> bool:
    """Whether another case used a key by a moment earlier, as PostgreSQL says it. On SQLite it was seen before."""
    return "uq_steps_key" in str(error.orig)


def is_one_standing(error: IntegrityError) -> bool:
    """Whether the partial unique index of holds and skips refused, because another process was first.

    On SQLite it never does: there is one writer.
    """
    return ONE_STANDING in str(error.orig)


def _without_secrets(error: Exception) -> Exception | None:
    """The cause for a traceback; libpq's own words about a connection name the user."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return None if isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None else error
