"""The rows of the queue of customers: how a wish becomes one, what a second wish changes, and back into records.

An entry is unclaimed or claimed. A wish for a customer who stands there

- unclaimed: keeps the earlier time, the cause (but for a mere hint) and the run that stand (a run is taken where none
  stands).
- claimed: the examination that goes on may have read its facts before. The first such wish sets time and cause anew;
  they count when the claim is given back. The run stays.

The credit is that of the newest wish that knows one: it only weighs a night.

In both the pending items are those of the newest wish, also where it brings none: it was made because something may
have changed, and items read before that would be stale. They are read again then.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ARRAY, Connection, and_, bindparam, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from refund_worker.adapters.ledger.cluster_tables import queue
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.adapters.ledger.weighing_codec import credit_from_text, credit_to_text
from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.facts import PendingItem
from refund_worker.domain.queueing import Cause, QueueClaim, Wanted

# Where the fences of an entry begin: its second, in millionths. A customer who left the queue and came back so has
# fences that no claim of the entry before ever had.
_FENCES_A_SECOND = 1_000_000
_BATCH = 10_000  # rows of one statement of PostgreSQL: a few megabytes


def put_into_queue(connection: Connection, wanted: Sequence[Wanted], *, now: int) -> None:
    """Insert wishes in the open write transaction, or add them to the entries that stand."""
    # In one order everywhere: two transactions that want the same customers do not wait for each other in turn.
    rows = [_row_of(wish, now=now) for wish in sorted(wanted, key=lambda wish: wish.customer)]
    if not rows:
        return
    insert = inserting(connection, queue)
    if connection.dialect.name == "sqlite":
        connection.execute(_or_added(insert), rows)
        return
    columns = {name: bindparam(name, type_=ARRAY(queue.c[name].type)) for name in rows[0]}
    many = _or_added(insert.from_select(list(columns), select(*map(func.unnest, columns.values()))))
    for batch in _batches(rows):
        connection.execute(many, {name: [row[name] for row in batch] for name in columns})


def claim_of(row: Any, *, worker: str, lease_until: int) -> QueueClaim:
    """The claim of an entry, made from its row as it was before."""
    return QueueClaim(
        wanted=Wanted(
            customer=row.customer,
            cause=Cause(row.cause),
            due_at=row.due_at,
            run=row.run,
            pending_items=items_of(row.pending_items),
            credit_minor=credit_from_text(row.credit),
        ),
        requested=row.requested,
        attempts=row.attempts + 1,
        worker=worker,
        fence=row.fence + 1,
        lease_until=lease_until,
    )


def _or_added(insert: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    """The insert with what becomes of the customers who stand in the queue."""
    new = insert.excluded
    first_since_claim = and_(queue.c.claimed_by.is_not(None), queue.c.requested == queue.c.claimed_requested)
    return insert.on_conflict_do_update(
        index_elements=[queue.c.customer],
        set_={
            "due_at": case((first_since_claim | (new.due_at < queue.c.due_at), new.due_at), else_=queue.c.due_at),
            "cause": case((first_since_claim | (queue.c.cause == Cause.HINT), new.cause), else_=queue.c.cause),
            "run": func.coalesce(queue.c.run, new.run),
            "pending_items": new.pending_items,
            "credit": func.coalesce(new.credit, queue.c.credit),
            "requested": queue.c.requested + 1,
        },
    )


def _batches(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows sorted by customer, in batches without one customer twice: PostgreSQL updates no row twice at once.

    The wishes for one customer keep their order.
    """
    left = rows
    while left:
        again: list[dict[str, Any]] = []
        batch: list[dict[str, Any]] = []
        for row in left:
            if batch and batch[-1]["customer"] == row["customer"]:
                again.append(row)
                continue
            if len(batch) == _BATCH:
                yield batch
                batch = []
            batch.append(row)
        yield batch
        left = again


def _row_of(wish: Wanted, *, now: int) -> dict[str, Any]:
    return {
        "customer": wish.customer,
        "cause": str(wish.cause),
        "due_at": wish.due_at,
        "run": wish.run,
        "pending_items": _as_text(wish.pending_items),
        "credit": credit_to_text(wish.credit_minor),
        "requested": 1,
        "attempts": 0,
        "fence": now * _FENCES_A_SECOND,
    }


def _as_text(items: tuple[PendingItem, ...] | None) -> str | None:
    if items is None:
        return None
    return canonical_json([[item.id, item.customer, item.amount_minor, item.currency] for item in items])


def items_of(content: str | None) -> tuple[PendingItem, ...] | None:
    """The pending items of an entry; None = to be read."""
    if content is None:
        return None
    return tuple(
        PendingItem(id=item, customer=customer, amount_minor=amount_minor, currency=currency)
        for item, customer, amount_minor, currency in json.loads(content)
    )
