"""The outbox of notices: each key once, sent by whoever claims it, tried again for a day."""

from sqlalchemy import Connection, bindparam, select, update

from refund_worker.adapters.ledger.cluster_tables import notices
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.domain.notices import Notice, NoticeKind

# What could not be sent for a day is stale; it stays unsent, and is counted as such.
_TRIED_FOR_S = 24 * 3600

_TO_SEND = (
    select(notices.c.key, notices.c.kind, notices.c.title, notices.c.body)
    .where(
        notices.c.sent_at.is_(None),
        notices.c.due_at <= bindparam("of_now"),
        notices.c.created_at > bindparam("oldest"),
    )
    .order_by(notices.c.due_at, notices.c.key)
    .limit(bindparam("at_most"))
)
_LOCKED = _TO_SEND.with_for_update(skip_locked=True)
_CHANGE = update(notices).where(notices.c.key == bindparam("of_key"), notices.c.sent_at.is_(None))


def put_into_outbox(connection: Connection, notice: Notice, *, now: int) -> bool:
    """Put a notice into the outbox in the open write transaction; False where its key is known."""
    insert = inserting(connection, notices).on_conflict_do_nothing(index_elements=[notices.c.key])
    row = {
        "key": notice.key,
        "kind": str(notice.kind),
        "title": notice.title,
        "body": notice.body,
        "created_at": now,
        "due_at": now,
    }
    return connection.execute(insert, row).rowcount == 1


class NoticeRows(OnDatabase):
    """The notices' part of the queue."""

    def notify(self, notice: Notice, *, now: int) -> bool:
        """Put a notice into the outbox; False where its key is known."""
        with self._database.writing() as connection:
            return put_into_outbox(connection, notice, now=now)

    def claim_notices(self, *, now: int, lease_s: int, limit: int) -> tuple[Notice, ...]:
        """Claim notices that are to be sent now; one that is neither sent nor failed comes again after its lease."""
        of = {"of_now": now, "oldest": now - _TRIED_FOR_S, "at_most": limit}
        with self._database.glancing() as connection:
            if connection.execute(_TO_SEND, {**of, "at_most": 1}).first() is None:
                return ()
        with self._database.writing() as connection:
            rows = connection.execute(_LOCKED, of).all()
            if rows:
                connection.execute(_CHANGE, [{"of_key": row.key, "due_at": now + lease_s} for row in rows])
        return tuple(Notice(key=row.key, kind=NoticeKind(row.kind), title=row.title, body=row.body) for row in rows)

    def notice_sent(self, key: str, *, now: int) -> None:
        """A notice was sent."""
        with self._database.writing() as connection:
            connection.execute(_CHANGE, {"of_key": key, "sent_at": now})

    def notice_failed(self, key: str, *, until: int) -> None:
        """A notice could not be sent; it is tried again then, for a day since it was put here."""
        with self._database.writing() as connection:
            connection.execute(_CHANGE, {"of_key": key, "due_at": until})
