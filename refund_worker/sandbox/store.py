"""Tables of immutable records.

A change makes a new record and never touches the old one: a snapshot is a copy of the tables alone, events may keep
what an object looked like, and the JSON of a record is written once.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Fields = dict[str, Any]
_EMPTY: Final[Mapping[str, Any]] = {}


class Record:
    """One object as an answer shows it (`fields`), and what the sandbox knows besides (`hidden`)."""

    __slots__ = ("_fields", "_json", "hidden", "id", "kind", "seq")

    def __init__(self, kind: str, identifier: str, seq: int, fields: Fields | None, hidden: Mapping[str, Any]) -> None:
        self.kind = kind
        self.id = identifier
        self.seq = seq
        self.hidden = hidden
        self._fields = fields
        self._json: str | None = None

    @property
    def fields(self) -> Fields:
        """The object; never change it in place."""
        assert self._fields is not None  # noqa: S101  # only DerivedRecord has none, and it overrides this
        return self._fields

    @property
    def json(self) -> str:
        """The object as compact JSON, written once."""
        if self._json is None:
            self._json = json.dumps(self._fields, separators=(",", ":"))
        return self._json


class DerivedRecord(Record):
    """A record made on demand from its number: 200,000 customers without a history cost almost nothing."""

    __slots__ = ("_make",)

    def __init__(self, kind: str, identifier: str, seq: int, make: Callable[[str, int], Fields]) -> None:
        super().__init__(kind, identifier, seq, None, _EMPTY)
        self._make = make

    @property
    def fields(self) -> Fields:
        """The object, made anew each time."""
        return self._make(self.id, self.seq)

    @property
    def json(self) -> str:
        """The object as compact JSON, made anew each time."""
        return json.dumps(self.fields, separators=(",", ":"))


# kind -> index name -> the value of a fresh object under which it is found; values never change afterwards
INDEXES: Final[Mapping[str, Mapping[str, Callable[[Fields], str | None]]]] = {
    "price": {"product": lambda o: o["product"]},
    "payment_method": {"customer": lambda o: o["customer"]},
    "subscription": {"customer": lambda o: o["customer"]},
    "invoice": {
        "customer": lambda o: o["customer"],
        "subscription": lambda o: ((o["parent"] or _EMPTY).get("subscription_details") or _EMPTY).get("subscription"),
    },
    "line_item": {"invoice": lambda o: o["invoice"]},
    "invoiceitem": {"customer": lambda o: o["customer"]},
    "invoice_payment": {
        "invoice": lambda o: o["invoice"],
        "payment": lambda o: o["payment"][o["payment"]["type"]],
    },
    "payment_intent": {"customer": lambda o: o["customer"]},
    "charge": {"customer": lambda o: o["customer"], "payment_intent": lambda o: o["payment_intent"]},
    "refund": {"charge": lambda o: o["charge"], "payment_intent": lambda o: o["payment_intent"]},
    "dispute": {"charge": lambda o: o["charge"], "payment_intent": lambda o: o["payment_intent"]},
    "customer_balance_transaction": {"customer": lambda o: o["customer"], "invoice": lambda o: o["invoice"]},
    "credit_note": {"customer": lambda o: o["customer"], "invoice": lambda o: o["invoice"]},
    "balance_transaction": {"source": lambda o: o["source"]},
}


class Store:
    """All objects, by kind and id, and the ids of each kind and index in order of creation."""

    __slots__ = ("_lists", "_next_seq", "_tables")

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Record]] = {}
        self._lists: dict[tuple[str, ...], list[str]] = {}
        self._next_seq = 1

    def get(self, kind: str, identifier: str) -> Record | None:
        """The record, also of a deleted object; None if there never was one."""
        table = self._tables.get(kind)
        return table.get(identifier) if table else None

    def __getitem__(self, key: tuple[str, str]) -> Record:
        """The record of (kind, id), which must exist."""
        return self._tables[key[0]][key[1]]

    def insert(self, kind: str, fields: Fields, hidden: Mapping[str, Any] = _EMPTY) -> Record:
        """Add a new object, newest of its kind."""
        record = Record(kind, fields["id"], self._next_seq, fields, hidden)
        self._add(record)
        for name, value_of in INDEXES.get(kind, _EMPTY).items():
            value = value_of(fields)
            if value is not None:
                self._lists.setdefault((kind, name, value), []).append(record.id)
        return record

    def derive(self, kind: str, identifier: str, make: Callable[[str, int], Fields]) -> None:
        """Add an object that is made on demand; for kinds without indexes."""
        self._add(DerivedRecord(kind, identifier, self._next_seq, make))

    def _add(self, record: Record) -> None:
        self._next_seq += 1
        self._tables.setdefault(record.kind, {})[record.id] = record
        self._lists.setdefault((record.kind,), []).append(record.id)

    def change(self, record: Record, hidden: Mapping[str, Any] | None = None, **changes: Any) -> Record:
        """Put a changed copy in the record's place; `hidden` entries are merged."""
        fresh = Record(
            record.kind,
            record.id,
            record.seq,
            {**record.fields, **changes},
            {**record.hidden, **hidden} if hidden else record.hidden,
        )
        self._tables[record.kind][record.id] = fresh
        return fresh

    def replace(self, record: Record, fields: Fields) -> Record:
        """Put other fields in the record's place, keys that are gone included."""
        fresh = Record(record.kind, record.id, record.seq, fields, record.hidden)
        self._tables[record.kind][record.id] = fresh
        return fresh

    def tombstone(self, record: Record, fields: Fields) -> Record:
        """Take the object out of its lists, keeping `fields` to be retrieved by id."""
        self.remove(record)
        return self.replace(record, fields)

    def remove(self, record: Record) -> None:
        """Take the object out altogether."""
        kind = record.kind
        self._drop((kind,), record)
        for name, value_of in INDEXES.get(kind, _EMPTY).items():
            value = value_of(record.fields)
            if value is not None:
                self._drop((kind, name, value), record)
        del self._tables[kind][record.id]

    def _drop(self, key: tuple[str, ...], record: Record) -> None:
        ids = self._lists[key]
        del ids[self.position(record.kind, ids, record.seq)]

    def ids(self, kind: str, index: str | None = None, value: str | None = None) -> Sequence[str]:
        """Ids in order of creation: of the whole kind, or of one index value."""
        key = (kind,) if index is None or value is None else (kind, index, value)
        return self._lists.get(key, ())

    def all(self, kind: str, index: str | None = None, value: str | None = None) -> Iterator[Record]:
        """Records in order of creation."""
        table = self._tables.get(kind, {})
        return (table[identifier] for identifier in self.ids(kind, index, value))

    def position(self, kind: str, ids: Sequence[str], seq: int) -> int:
        """Where a record of this sequence number stands, or would stand, among `ids`; logarithmic."""
        table = self._tables.get(kind, {})
        return bisect_left(ids, seq, key=lambda identifier: table[identifier].seq)

    def counts(self) -> dict[str, int]:
        """How many objects of each kind there are."""
        return {key[0]: len(ids) for key, ids in self._lists.items() if len(key) == 1}

    def copy(self) -> Store:
        """An independent store with the same (immutable) records."""
        twin = Store()
        twin._tables = {kind: dict(table) for kind, table in self._tables.items()}
        twin._lists = {key: ids[:] for key, ids in self._lists.items()}
        twin._next_seq = self._next_seq
        return twin
