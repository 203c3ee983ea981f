"""The watch list of open refunds: read and put off here, written with the steps (`watch`)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, tuple_, update

from refund_worker.adapters.ledger.cluster_tables import watched_refunds
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.tables import LIVE_CASES, cases, steps
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.domain.cases import StepState
from refund_worker.domain.refund_watch import OPEN_STATUSES, WatchedRefund, next_look

_PAGE = 200
_COLUMNS = (
    watched_refunds.c.refund,
    watched_refunds.c.case_id,
    watched_refunds.c.step,
    watched_refunds.c.attempt,
    watched_refunds.c.customer,
    watched_refunds.c.currency,
    watched_refunds.c.amount_minor,
    watched_refunds.c.status,
    watched_refunds.c.since,
)
_LIST = (
    select(*_COLUMNS)
    .where(
        tuple_(watched_refunds.c.since, watched_refunds.c.refund) > tuple_(bindparam("after"), bindparam("after_id"))
    )
    .order_by(watched_refunds.c.since, watched_refunds.c.refund)
    .limit(_PAGE)
)
_DUE = (
    select(*_COLUMNS)
    .where(watched_refunds.c.look_at <= bindparam("of_now"))
    .order_by(watched_refunds.c.look_at, watched_refunds.c.refund)
    .limit(bindparam("at_most"))
)
_LOOK_AGAIN = update(watched_refunds).where(watched_refunds.c.refund == bindparam("of_refund"))
_FORGET = delete(watched_refunds).where(watched_refunds.c.refund == bindparam("of_refund"))
_OF_REFUND = (
    select(steps.c.case_id, steps.c.step, steps.c.attempt)
    .where(steps.c.stripe_id == bindparam("of_refund"), steps.c.state == str(StepState.ACCEPTED))
    .order_by(steps.c.intended_at.desc(), steps.c.attempt.desc())
    .limit(1)
)
_UNANSWERED = (
    select(steps.c.case_id)
    .where(
        steps.c.case_id.in_(select(cases.c.id).where(LIVE_CASES)),
        steps.c.target == bindparam("of_charge"),
        steps.c.state.in_([str(StepState.INTENDED), str(StepState.UNKNOWN)]),
    )
    .limit(1)
)


def watch(connection: Connection, refund: WatchedRefund, *, now: int) -> None:
    """Put a refund of ours onto the watch list, or take it off, as its status says; in the step's transaction.

    One that stands there keeps its `since`, and when it is looked at.
    """
    if refund.status not in OPEN_STATUSES:
        connection.execute(_FORGET, {"of_refund": refund.refund})
        return
    insert = inserting(connection, watched_refunds)
    new = insert.excluded
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[watched_refunds.c.refund],
            set_={"status": new.status, "step": new.step, "attempt": new.attempt},
        ),
        _row(refund, look_at=next_look(since=refund.since, now=now)),
    )


class RefundWatch(OnDatabase):
    """The refunds' part of the queue."""

    def watched_refunds(self) -> Iterator[WatchedRefund]:
        """The watch list, oldest first; read page by page, so that no transaction is open between two."""
        after, after_id = -1, ""
        while True:
            with self._database.reading() as connection:
                page = connection.execute(_LIST, {"after": after, "after_id": after_id}).all()
            yield from map(_watched, page)
            if len(page) < _PAGE:
                return
            after, after_id = page[-1].since, page[-1].refund

    def due_refunds(self, *, now: int, limit: int) -> tuple[WatchedRefund, ...]:
        """Watched refunds to look at now, the longest due first."""
        with self._database.glancing() as connection:
            return tuple(map(_watched, connection.execute(_DUE, {"of_now": now, "at_most": limit})))

    def look_again(self, refund: str, *, at: int) -> None:
        """Look at a watched refund again then."""
        with self._database.writing() as connection:
            connection.execute(_LOOK_AGAIN, {"of_refund": refund, "look_at": at})

    def watch_again(self, refund: WatchedRefund, *, at: int) -> None:
        """Put a refund onto the watch list, or look at it again then; see the port."""
        with self._database.writing() as connection:
            insert = inserting(connection, watched_refunds)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[watched_refunds.c.refund], set_={"look_at": insert.excluded.look_at}
                ),
                _row(refund, look_at=at),
            )

    def unwatch(self, refund: str) -> None:
        """Take a refund off the watch list; see the port."""
        with self._database.writing() as connection:
            connection.execute(_FORGET, {"of_refund": refund})

    def refund_of(self, refund: str) -> tuple[str, str, int] | None:
        """The case, step and attempt of a refund of ours, whatever became of it."""
        with self._database.glancing() as connection:
            row = connection.execute(_OF_REFUND, {"of_refund": refund}).one_or_none()
            return None if row is None else (row.case_id, row.step, row.attempt)

    def refund_unanswered(self, charge: str) -> bool:
        """Whether a refund over this charge was sent, or is about to be, and nothing is known of it; see the port."""
        with self._database.glancing() as connection:
            return connection.execute(_UNANSWERED, {"of_charge": charge}).first() is not None


def _row(refund: WatchedRefund, *, look_at: int) -> dict[str, Any]:
    return {
        "refund": refund.refund,
        "case_id": refund.case,
        "step": refund.step,
        "attempt": refund.attempt,
        "customer": refund.customer,
        "currency": refund.currency,
        "amount_minor": refund.amount_minor,
        "status": refund.status,
        "since": refund.since,
        "look_at": look_at,
    }


def _watched(row: Any) -> WatchedRefund:
    return WatchedRefund(
        refund=row.refund,
        case=row.case_id,
        step=row.step,
        attempt=row.attempt,
        customer=row.customer,
        currency=row.currency,
        amount_minor=row.amount_minor,
        status=row.status,
        since=row.since,
    )
