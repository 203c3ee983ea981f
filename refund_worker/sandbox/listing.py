"""Pages of a list: newest first, by cursor, never walking more than a page where no filter forces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from refund_worker.sandbox.errors import ApiError, resource_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from refund_worker.sandbox.store import Fields, Record, Store

DEFAULT_LIMIT = 10


class Page(NamedTuple):
    """Records of one page, newest first."""

    records: list[Record]
    has_more: bool
    url: str
    kind: str


def page(
    store: Store,
    kind: str,
    ids: Sequence[str],
    params: Mapping[str, Any],
    *,
    url: str,
    where: Callable[[Fields], bool] | None = None,
) -> Page:
    """The page that `limit`, `starting_after`, `ending_before` and `created` describe.

    Args:
        ids: Candidates in order of creation.
        where: A further filter; without it a page costs no more than its length.

    Raises:
        ApiError: If both cursors are given, or a cursor names no object.
    """
    count = params.get("limit", DEFAULT_LIMIT)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after is not None and before is not None:
        raise ApiError("Received both starting_after and ending_before parameters. Please pass in only one.")
    low, high = _bounds(store, kind, ids, params.get("created"))
    if before is not None:
        start = store.position(kind, ids, _cursor(store, kind, before, "ending_before") + 1)
        found = _take(store, kind, (ids[i] for i in range(max(start, low), high)), count, where)
        records = found[:count][::-1]
    else:
        end = high
        if after is not None:
            end = min(high, store.position(kind, ids, _cursor(store, kind, after, "starting_after")))
        found = _take(store, kind, (ids[i] for i in range(end - 1, low - 1, -1)), count, where)
        records = found[:count]
    return Page(records, len(found) > count, url, kind)


def _cursor(store: Store, kind: str, identifier: str, param: str) -> int:
    record = store.get(kind, identifier)
    if record is None:
        raise resource_missing(noun(kind), identifier, param=param, status=400)
    return record.seq


def _take(
    store: Store, kind: str, ids: Iterator[str], count: int, where: Callable[[Fields], bool] | None
) -> list[Record]:
    found = []
    for identifier in ids:
        record = store[kind, identifier]
        if where is None or where(record.fields):
            found.append(record)
            if len(found) > count:
                break
    return found


def _bounds(store: Store, kind: str, ids: Sequence[str], created: Mapping[str, int] | None) -> tuple[int, int]:
    """The positions between which `created` lies; the clock only moves forward, so ids are ordered by it."""
    if not created:
        return 0, len(ids)
    low = max(created.get("gte", 0), created.get("gt", -1) + 1)
    high = min(created.get("lte", 1 << 62), created.get("lt", (1 << 62) + 1) - 1)
    return _first_at(store, kind, ids, low), _first_at(store, kind, ids, high + 1)


def _first_at(store: Store, kind: str, ids: Sequence[str], moment: int) -> int:
    left, right = 0, len(ids)
    while left < right:
        middle = (left + right) // 2
        if _made_at(store[kind, ids[middle]].fields) < moment:
            left = middle + 1
        else:
            right = middle
    return left


def noun(kind: str) -> str:
    """How Stripe's messages call a kind."""
    return {"customer_balance_transaction": "customer balance transaction", "line_item": "invoice line item"}.get(
        kind, kind
    )


def _made_at(fields: Fields) -> int:
    """Epoch seconds; invoice items call it `date`."""
    return int(fields["created"] if "created" in fields else fields["date"])
