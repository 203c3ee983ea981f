"""The inbox: events received, each once; implements `ports.Inbox`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, case, delete, select, update

from refund_worker.adapters.ledger.cluster_tables import events, notices, watermarks
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.queue_rows import put_into_queue
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.adapters.ledger.weighing_codec import credit_from_text, credit_to_text
from refund_worker.domain.events import Event, EventSource
from refund_worker.domain.queueing import Wanted

_EVENTS = "events"  # the one watermark there is: of `GET /v1/events`

_UNABSORBED = (
    select(
        events.c.id,
        events.c.type,
        events.c.created,
        events.c.customer,
        events.c.charge,
        events.c.refund,
        events.c.credit,
    )
    .where(events.c.absorbed_at.is_(None))
    .order_by(events.c.created, events.c.id)
    .limit(bindparam("at_most"))
)
_ABSORB = update(events).where(events.c.id == bindparam("of_event"), events.c.absorbed_at.is_(None))
_FORGET = delete(events).where(events.c.received_at < bindparam("before"), events.c.absorbed_at.is_not(None))
_FORGET_NOTICES = delete(notices).where(notices.c.created_at < bindparam("before"))
_WATERMARK = select(watermarks.c.at).where(watermarks.c.name == _EVENTS)


class InboxRows(OnDatabase):
    """The inbox part of the queue."""

    def receive(self, events_received: Sequence[Event], *, source: EventSource, now: int) -> int:
        """Insert events; one that is known is left alone; see the port."""
        rows = [
            {
                "id": event.id,
                "type": event.type,
                "created": event.created,
                "customer": event.customer,
                "charge": event.charge,
                "refund": event.refund,
                "credit": credit_to_text(event.credit_minor),
                "source": str(source),
                "received_at": now,
            }
            # In one order everywhere: two transactions that insert the same events do not wait for each other in turn.
            for event in sorted(events_received, key=lambda event: event.id)
        ]
        if not rows:
            return 0
        with self._database.writing() as connection:
            insert = inserting(connection, events).on_conflict_do_nothing(index_elements=[events.c.id])
            return connection.execute(insert, rows).rowcount

    def unabsorbed(self, *, limit: int) -> tuple[Event, ...]:
        """Events whose work is not in the queue yet, oldest first by Stripe's clock."""
        with self._database.glancing() as connection:
            return tuple(_event_of(row) for row in connection.execute(_UNABSORBED, {"at_most": limit}))

    def absorb(self, absorbed: Sequence[str], wanted: Sequence[Wanted], *, now: int) -> None:
        """Put customers into the queue and mark the events absorbed, in one transaction."""
        if not absorbed and not wanted:
            return
        with self._database.writing() as connection:
            if absorbed:
                marks = [{"of_event": event, "absorbed_at": now} for event in sorted(absorbed)]
                connection.execute(_ABSORB, marks)
            put_into_queue(connection, wanted, now=now)

    def forget_events(self, *, before: int) -> None:
        """Delete absorbed events received before then, and notices as old; see the port."""
        with self._database.writing() as connection:
            connection.execute(_FORGET, {"before": before})
            connection.execute(_FORGET_NOTICES, {"before": before})

    def watermark(self) -> int | None:
        """Up to when the events API was read whole; see the port."""
        with self._database.glancing() as connection:
            at: int | None = connection.execute(_WATERMARK).scalar()
            return at

    def read_up_to(self, at: int) -> None:
        """Move the watermark forward; never back."""
        with self._database.writing() as connection:
            insert = inserting(connection, watermarks)
            newer = insert.excluded.at
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[watermarks.c.name],
                    set_={"at": case((newer > watermarks.c.at, newer), else_=watermarks.c.at)},
                ),
                {"name": _EVENTS, "at": at},
            )


def _event_of(row: Any) -> Event:
    return Event(
        id=row.id,
        type=row.type,
        created=row.created,
        customer=row.customer,
        charge=row.charge,
        refund=row.refund,
        credit_minor=credit_from_text(row.credit),
    )
