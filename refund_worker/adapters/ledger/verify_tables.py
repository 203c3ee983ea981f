"""Verifies the tables: builds every row again from the trail and compares it with the one that stands."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnClause, Connection, Select, Table, bindparam, column, select, union

from refund_worker.adapters.ledger.chain import recorded
from refund_worker.adapters.ledger.tables import (
    audit_entries,
    bindings,
    cases,
    plans,
    policies,
    runs,
    sends,
    standings,
    steps,
)
from refund_worker.adapters.ledger.verify_trail import name_of, read_rows
from refund_worker.domain.canonical import digest_of

Facts = dict[str, Any]
# A row's name: what it is, and its own part of the key (step, attempt, position).
Rows = dict[tuple[object, ...], Facts]

_PAGE = 200
_PARTS: dict[str, tuple[Table, tuple[str, ...]]] = {
    "case": (cases, ()),
    "step": (steps, ("step", "attempt")),
    "send": (sends, ("step", "attempt", "position")),
    "standing": (standings, ()),
    "plan": (plans, ()),
}
_BOUND = select(audit_entries).where(audit_entries.c.kind == "ledger_bound")
_OF_RUNS = ("run_started", "run_weighed", "run_let_through", "run_finished")


def _read(table: Table, key: str) -> Select[Any]:
    # Without the columns' types: whatever somebody wrote into the file is compared, not converted.
    return _plain(table).where(table.c[key].in_(bindparam("of_ids", expanding=True)))


def _plain(table: Table) -> Select[Any]:
    columns: list[ColumnClause[Any]] = [column(name.name) for name in table.c]
    return select(*columns).select_from(table)


_ROWS = {name: _read(table, "id" if "id" in table.c else "case_id") for name, (table, _) in _PARTS.items()}
_RUN_ROWS = _read(runs, "id")
_CASE_ENTRIES = (
    select(audit_entries)
    .where(audit_entries.c.case_id.in_(bindparam("of_ids", expanding=True)))
    .order_by(audit_entries.c.sequence)
)
_RUN_ENTRIES = (
    select(audit_entries)
    .where(audit_entries.c.run.in_(bindparam("of_ids", expanding=True)), audit_entries.c.kind.in_(_OF_RUNS))
    .order_by(audit_entries.c.sequence)
)
_CASE_IDS = union(
    select(audit_entries.c.case_id.label("id")).where(audit_entries.c.case_id.is_not(None)),
    select(cases.c.id),
    select(standings.c.id),
    select(plans.c.case_id),
).order_by("id")
_RUN_IDS = union(
    select(audit_entries.c.run.label("id")).where(audit_entries.c.kind.in_(_OF_RUNS)), select(runs.c.id)
).order_by("id")


def wrong_tables(connection: Connection) -> Iterator[str]:
    """Name every row that is not as the trail says; streamed in pages of cases."""
    yield from _wrong_binding(connection)
    yield from _wrong_policies(connection)
    for ids in _pages(connection, _RUN_IDS):
        said = _folded(read_rows(connection, _RUN_ENTRIES, {"of_ids": ids}), whose="run")
        stand: Rows = {("run", row["id"]): recorded(row) for row in read_rows(connection, _RUN_ROWS, {"of_ids": ids})}
        yield from _differences(said, stand)
    for ids in _pages(connection, _CASE_IDS):
        entries = list(read_rows(connection, _CASE_ENTRIES, {"of_ids": ids}))
        said = _folded(entries, whose="case_id")
        yield from _differences(said, _standing_rows(connection, ids))
        yield from _wrong_amounts(entries, said)


def _wrong_binding(connection: Connection) -> Iterator[str]:
    said = _folded(read_rows(connection, _BOUND), whose="case_id")
    stand: Rows = {}
    for row in read_rows(connection, _plain(bindings)):
        stand["binding", None] = recorded(row)
    yield from _differences(said, stand)


def _wrong_policies(connection: Connection) -> Iterator[str]:
    for row in connection.execute(select(policies)):
        try:
            kept = digest_of(json.loads(row.policy)) == row.digest
        except (TypeError, ValueError):
            kept = False
        if not kept:
            yield f"policy {row.digest}: changed, its content has another digest"


def _pages(connection: Connection, ids: Any) -> Iterator[list[str]]:
    with connection.execute(ids.execution_options(yield_per=_PAGE)) as result:
        for page in result.scalars().partitions():
            yield list(page)


def _standing_rows(connection: Connection, ids: list[str]) -> Rows:
    found: Rows = {}
    for part, (_, key) in _PARTS.items():
        for row in read_rows(connection, _ROWS[part], {"of_ids": ids}):
            whose = row["id"] if "id" in row else row["case_id"]
            found[part, whose, *(row[name] for name in key)] = recorded(row)
    return found


def _folded(entries: Iterable[Mapping[str, Any]], *, whose: str) -> Rows:
    """Build the rows that the entries tell of, oldest first."""
    found: Rows = {}
    for entry in entries:
        for part, facts in _body(entry).items():
            if isinstance(facts, dict):
                key = _PARTS[part][1] if part in _PARTS else ()
                found.setdefault((part, entry[whose], *(facts.get(name) for name in key)), {}).update(facts)
    return found


def _body(entry: Mapping[str, Any]) -> Facts:
    try:
        body = json.loads(entry["body"])
    except ValueError:  # somebody's own; the rows that it should tell of are then told as added
        return {}
    return body if isinstance(body, dict) else {}


def _differences(said: Rows, stand: Rows) -> Iterator[str]:
    for name in sorted(said.keys() | stand.keys(), key=str):
        if name not in stand:
            yield f"{_named(name)}: the row is missing, the trail has it"
        elif name not in said:
            yield f"{_named(name)}: added, the trail does not have it"
        else:
            yield from (f"{_named(name)}: {difference}" for difference in _of_row(said[name], stand[name]))


def _of_row(said: Facts, stands: Facts) -> Iterator[str]:
    for fact, content in stands.items():
        if content == said.get(fact):
            continue
        if fact.endswith("_sha256"):
            yield f"{fact.removesuffix('_sha256')} changed, it has another hash than the trail says"
        else:
            yield f"{fact} is {content}, the trail says {said.get(fact)}"


def _wrong_amounts(entries: Iterable[Mapping[str, Any]], said: Rows) -> Iterator[str]:
    """The amount of an entry about a step is that step's."""
    for entry in entries:
        body = _body(entry)
        part = body.get("step") or body.get("send")
        if isinstance(part, dict):
            step = said.get(("step", entry["case_id"], part.get("step"), part.get("attempt")), {})
            if step.get("amount_minor") != entry["amount_minor"]:
                yield f"{name_of(entry)}: amount is {entry['amount_minor']}, its step has {step.get('amount_minor')}"


def _named(name: tuple[object, ...]) -> str:
    part, whose, *key = name
    if not key:
        return str(part) if whose is None else f"{part} {whose}"
    words = [f"{key[0]} attempt {key[1]}", *(f"number {number}" for number in key[2:])]
    return f"{part} {' '.join(words)} of case {whose}"
