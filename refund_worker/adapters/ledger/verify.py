"""Verifies the ledger: the trail by its hashes, the tables by the trail, the closed cases by their sums.

A row of the trail that was changed, removed, added or swapped breaks the hashes; a cut tail differs from the head row,
or from a head that was noted elsewhere; a changed cent in a table differs from the trail. Who owns the file and writes
all of it anew, tables and trail, is found by a noted head only.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Connection

from refund_worker.adapters.ledger.locks import unhurried
from refund_worker.adapters.ledger.verify_sums import wrong_conversions, wrong_sums
from refund_worker.adapters.ledger.verify_tables import wrong_tables
from refund_worker.adapters.ledger.verify_trail import Trail, read_trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What `audit verify` says.

    Attributes:
        entries: How many entries the trail has.
        head: Sequence and hash of the newest; note them elsewhere, so that a cut tail is seen. None of an empty trail.
        problem: The first row that does not add up, by name.
    """

    ok: bool
    entries: int
    head: tuple[int, str] | None
    problem: str | None = None


def verify_ledger(connection: Connection, *, noted_head: tuple[int, str] | None) -> Verification:
    """Verify everything inside one read transaction; the first problem ends it."""
    unhurried(connection)
    trail: Trail = read_trail(connection, noted_head=noted_head)
    with closing(_wrong_rows(connection)) as wrong:
        problem = trail.problem or next(wrong, None)
    return Verification(ok=problem is None, entries=trail.entries, head=trail.head, problem=problem)


def _wrong_rows(connection: Connection) -> Generator[str]:
    yield from wrong_tables(connection)
    yield from wrong_sums(connection)
    yield from wrong_conversions(connection)
