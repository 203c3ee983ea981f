"""The audit trail: append-only entries, each sealed with the hash of the one before it (invariant 8).

An entry's body is canonical JSON: ids, numbers and words of closed lists, no names. It holds what the entry changed in
the tables, so that `verify` can build every case again from the trail and compare (`recorded`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from refund_worker.adapters.ledger.tables import audit_entries, audit_head
from refund_worker.domain.canonical import canonical_json, digest_of

FORM = 1  # of an entry: which fields are hashed, and how
GENESIS = "0" * 64  # stands for the hash before the first entry

_SEALED = (
    "sequence", "at", "run", "case_id", "customer", "kind", "amount_minor", "currency", "body", "form", "previous",
)  # fmt: skip

# Long texts enter the trail by their hash; who holds a case until when, and when it is looked at, is no fact for it.
_HASHED = frozenset({"plan", "params", "policy", "summary"})
_LEFT_OUT = frozenset({"case_id", "claimed_by", "claimed_at", "lease_until", "claim_run", "last_error", "next_at"})

_HEAD = select(audit_head.c.sequence, audit_head.c.hash).with_for_update()
_APPEND = insert(audit_entries)
_MOVE_HEAD = update(audit_head).where(audit_head.c.id == bindparam("of_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact for the trail. `amount_minor` is what the fact is about, in `currency`, never negative.

    Attributes:
        run: The run in which it happened, which need not be the run that opened the case.
        body: Table name in the singular (case, step, send, run, standing, ...) -> what changed in that row.
    """

    at: int
    kind: str
    run: str | None = None
    case: str | None = None
    customer: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    body: Mapping[str, object]


def recorded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a table row as the trail records them."""
    facts: dict[str, Any] = {}
    for column, content in row.items():
        if column in _HASHED:
            facts[f"{column}_sha256"] = hashlib.sha256(str(content).encode()).hexdigest()
        elif column not in _LEFT_OUT:
            facts[column] = content
    return facts


def hash_of(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry row: canonical JSON of all its columns but the hash."""
    return digest_of({column: row[column] for column in _SEALED})


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append entries in the open write transaction. The head is locked last, so that transactions meet there only."""
    if not entries:
        return
    sequence, previous = connection.execute(_HEAD).one()
    rows = []
    for entry in entries:
        sequence += 1
        row = {
            "sequence": sequence,
            "at": entry.at,
            "run": entry.run,
            "case_id": entry.case,
            "customer": entry.customer,
            "kind": entry.kind,
            "amount_minor": entry.amount_minor,
            "currency": entry.currency,
            "body": canonical_json(entry.body),
            "form": FORM,
            "previous": previous,
        }
        previous = row["hash"] = hash_of(row)
        rows.append(row)
    connection.execute(_APPEND, rows)
    connection.execute(_MOVE_HEAD, {"of_id": 1, "sequence": sequence, "hash": previous})
