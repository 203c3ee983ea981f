"""The rows of the queue of customers: how a wish becomes one, what a second wish changes, and back into records.

An entry is unclaimed or claimed. A wish for a customer who stands there

- unclaimed: keeps the earlier time, the cause and the run that stand (a run is taken where none stands).
- claimed: the examination that goes on may have read its facts before. The first such wish sets time and cause anew;
  they count when the claim is given back. The run stays.

In both the pending items are those of the newest wish, also where it brings none: it was made because something may
have changed, and items read before that would be stale. They are read again then.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func

from refund_worker.adapters.ledger.cluster_tables import queue
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.facts import PendingItem
from refund_worker.domain.queueing import Cause, QueueClaim, Wanted

# Where the fences of an entry begin: its second, in millionths. A customer who left the queue and came back so has
# fences that no claim of the entry before ever had.
_FENCES_A_SECOND = 1_000_000


def put_into_queue(connection: Connection, wanted: Sequence[Wanted], *, now: int) -> None:
    """Insert wishes in the open write transaction, or add them to the entries that stand."""
    if not wanted:
        return
    insert = inserting(connection, queue)
    new = insert.excluded
    first_since_claim = and_(queue.c.claimed_by.is_not(None), queue.c.requested == queue.c.claimed_requested)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[queue.c.customer],
            set_={
                "due_at": case((first_since_claim | (new.due_at < queue.c.due_at), new.due_at), else_=queue.c.due_at),
                "cause": case((first_since_claim, new.cause), else_=queue.c.cause),
                "run": func.coalesce(queue.c.run, new.run),
                "pending_items": new.pending_items,
                "requested": queue.c.requested + 1,
            },
        ),
        # In one order everywhere: two transactions that want the same customers do not wait for each other in turn.
        [_row_of(wish, now=now) for wish in sorted(wanted, key=lambda wish: wish.customer)],
    )


def claim_of(row: Any, *, worker: str, lease_until: int) -> QueueClaim:
    """The claim of an entry, made from its row as it was before."""
    return QueueClaim(
        wanted=Wanted(
            customer=row.customer,
            cause=Cause(row.cause),
            due_at=row.due_at,
            run=row.run,
            pending_items=_items_of(row.pending_items),
        ),
        requested=row.requested,
        attempts=row.attempts + 1,
        worker=worker,
        fence=row.fence + 1,
        lease_until=lease_until,
    )


def _row_of(wish: Wanted, *, now: int) -> dict[str, Any]:
    return {
        "customer": wish.customer,
        "cause": str(wish.cause),
        "due_at": wish.due_at,
        "run": wish.run,
        "pending_items": _as_text(wish.pending_items),
        "requested": 1,
        "attempts": 0,
        "fence": now * _FENCES_A_SECOND,
    }


def _as_text(items: tuple[PendingItem, ...] | None) -> str | None:
    if items is None:
        return None
    return canonical_json([[item.id, item.customer, item.amount_minor, item.currency] for item in items])


def _items_of(content: str | None) -> tuple[PendingItem, ...] | None:
    if content is None:
        return None
    return tuple(
        PendingItem(id=item, customer=customer, amount_minor=amount_minor, currency=currency)
        for item, customer, amount_minor, currency in json.loads(content)
    )
