"""Verifies the hash chain row by row, and names the first row that is not as it was written."""

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from refund_worker.adapters.ledger.chain import GENESIS, hash_of
from refund_worker.adapters.ledger.tables import audit_entries, audit_head, steps

Facts = dict[str, Any]

_ENTRIES = select(audit_entries).order_by(audit_entries.c.sequence).execution_options(yield_per=500)
_HEAD = select(audit_head.c.sequence, audit_head.c.hash)
_AMOUNTS = select(steps.c.amount_minor).where(steps.c.case_id == bindparam("of_case")).distinct()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The trail as far as it was read; to its end where there is no problem."""

    entries: int
    head: tuple[int, str] | None
    problem: str | None


def read_trail(connection: Connection, *, noted_head: tuple[int, str] | None) -> Trail:
    """Read the trail, streamed, up to its first wrong row."""
    last: Facts | None = None
    with closing(read_rows(connection, _ENTRIES)) as rows:
        for row in rows:
            problem = _wrong_row(connection, row, last) or _not_as_noted(row, noted_head)
            if problem is None and last is not None and row["previous"] != last["hash"]:
                problem = _broken_link(connection, last, row, following=next(rows, None))
            if problem is not None:
                return _trail(last, problem)
            last = row
    return _trail(last, _wrong_end(connection, last, noted_head))


def read_rows(connection: Connection, statement: Select[Any], asked: Facts | None = None) -> Generator[Facts]:
    """Read rows as plain dictionaries by column, streamed where the statement says so."""
    # Closed also by a reader who stops early: a cursor at the server is open until then.
    with connection.execute(statement, asked) as result:
        columns = tuple(result.keys())
        for row in result:
            yield dict(zip(columns, row, strict=True))


def name_of(row: Mapping[str, Any]) -> str:
    """How an entry is named in a problem."""
    whose = f"case {row['case_id']}" if row["case_id"] else f"run {row['run']}" if row["run"] else "ledger"
    return f"entry {row['sequence']} ({row['kind']}, {whose})"


def _trail(last: Facts | None, problem: str | None) -> Trail:
    head = None if last is None else (last["sequence"], last["hash"])
    return Trail(entries=0 if head is None else head[0], head=head, problem=problem)


def _wrong_row(connection: Connection, row: Facts, last: Facts | None) -> str | None:
    expected = 1 if last is None else last["sequence"] + 1
    if row["sequence"] != expected:
        return _missing(expected, row["sequence"] - 1) if row["sequence"] > expected else f"{name_of(row)}: added"
    if not _sealed(row):
        return f"{name_of(row)}: {_what_changed(connection, row)}"
    if last is None and row["previous"] != GENESIS:
        return f"{name_of(row)}: changed, it is not the first entry"
    return None


def _not_as_noted(row: Facts, noted_head: tuple[int, str] | None) -> str | None:
    if noted_head is not None and row["sequence"] == noted_head[0] and row["hash"] != noted_head[1]:
        return f"{name_of(row)}: not the entry whose hash was noted"
    return None


def _broken_link(connection: Connection, last: Facts, row: Facts, *, following: Facts | None) -> str:
    """Both rows are sealed, and one of them was sealed anew: the one that its neighbour does not know."""
    after = following["previous"] if following is not None else _head(connection)[1]
    changed = last if after == row["hash"] else row
    return f"{name_of(changed)}: changed and sealed anew"


def _wrong_end(connection: Connection, last: Facts | None, noted_head: tuple[int, str] | None) -> str | None:
    sequence, sealed = (0, GENESIS) if last is None else (last["sequence"], last["hash"])
    head_sequence, head_hash = _head(connection)
    if head_sequence > sequence:
        return _missing(sequence + 1, head_sequence)
    if noted_head is not None and noted_head[0] > sequence:
        return f"{_missing(sequence + 1, noted_head[0])}; the head that was noted is later"
    if head_sequence < sequence and last is not None:
        return f"{name_of(last)}: added behind the head"
    if head_hash != sealed and last is not None:
        return f"{name_of(last)}: changed and sealed anew, or the head was changed"
    return None


def _head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(_HEAD).one_or_none()
    return (0, "") if row is None else (row.sequence, row.hash)


def _missing(begin: int, end: int) -> str:
    return f"entry {begin}: missing" if begin == end else f"entries {begin} to {end}: missing"


def _sealed(row: Mapping[str, Any]) -> bool:
    try:
        return bool(hash_of(row) == row["hash"])
    except TypeError:  # a value that no entry of ours has: bytes, or a float
        return False


def _what_changed(connection: Connection, row: Facts) -> str:
    """Say so where it was the amount: with the right one the hash fits again."""
    known = set(connection.execute(_AMOUNTS, {"of_case": row["case_id"]}).scalars())
    for amount in sorted(known | set(_numbers(row["body"])), key=str):
        if _sealed({**row, "amount_minor": amount}):
            return f"amount changed, it is {row['amount_minor']} and was {amount}"
    return "changed"


def _numbers(body: object) -> Iterator[int]:
    try:
        parts = json.loads(str(body))
    except ValueError:
        return
    for part in parts.values() if isinstance(parts, dict) else ():
        if isinstance(part, dict):
            yield from (content for content in part.values() if isinstance(content, int))
