"""Weighing of shared runs, and letting them through: each one transaction, and each done once."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Integer, bindparam, case, or_, select, update

from refund_worker.adapters.ledger.cluster_tables import queue, shared_runs
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.outbox import put_into_outbox
from refund_worker.adapters.ledger.queue_rows import items_of
from refund_worker.adapters.ledger.run_funds import write_funds
from refund_worker.adapters.ledger.weighing_codec import credit_from_text
from refund_worker.adapters.ledger.write_runs import RunWrites
from refund_worker.domain.new_credit import with_items
from refund_worker.domain.nights import UNUSUAL, Phase
from refund_worker.domain.notices import Notice
from refund_worker.domain.unusual import Weighing, lines_of, why_it_waits

_PAGE = 1000

_CREDITS = (
    select(queue.c.customer, queue.c.credit, queue.c.pending_items)
    .where(
        queue.c.run == bindparam("of_run"),
        queue.c.run.is_not(None),
        queue.c.customer > bindparam("after"),
        or_(queue.c.credit.is_not(None), queue.c.pending_items != "[]"),
    )
    .order_by(queue.c.customer)
    .limit(bindparam("at_most", type_=Integer))
)
_WEIGHED = update(shared_runs).where(
    shared_runs.c.run == bindparam("of_run"),
    shared_runs.c.phase == str(Phase.DISCOVERING),
    shared_runs.c.stopped_by.is_(None),
)
_GO_ON = (
    update(shared_runs)
    .where(
        shared_runs.c.run == bindparam("of_run"),
        shared_runs.c.stop == UNUSUAL,
        shared_runs.c.phase != str(Phase.ENDED),
    )
    .values(
        stopped_by=None,
        stop=None,
        phase=case((shared_runs.c.phase == str(Phase.WAITING), str(Phase.WORKING)), else_=shared_runs.c.phase),
    )
)
_TAKE_OVER = (
    update(queue).where(queue.c.run == bindparam("of_run"), queue.c.run.is_not(None)).values(run=bindparam("to_run"))
)
_WAKE = (
    update(queue)
    .where(queue.c.claimed_by.is_(None), queue.c.run.is_(None), queue.c.due_at > bindparam("after"))
    .values(due_at=bindparam("at"))
)


class WeighingRows(OnDatabase):
    """The weighing's part of the queue."""

    def credits_of(self, run: str) -> Iterator[Mapping[str, Mapping[str, int]]]:
        """What is known of the credit of a run's entries, page by page; see the port."""
        after = ""
        while True:
            with self._database.glancing() as connection:
                rows = connection.execute(_CREDITS, {"of_run": run, "after": after, "at_most": _PAGE}).all()
            if rows:
                yield {
                    row.customer: with_items(credit_from_text(row.credit) or {}, items_of(row.pending_items) or ())
                    for row in rows
                }
            if len(rows) < _PAGE:
                return
            after = rows[-1].customer

    def weigh_shared(
        self,
        run: str,
        *,
        weighing: Weighing,
        available_minor: Mapping[str, int] | None,
        notice: Notice | None,
        now: int,
    ) -> bool:
        """Record what a night weighs, and let it work or wait; see the port."""
        with self._database.writing() as connection:
            changed: dict[str, Any] = {"phase": str(Phase.WORKING)}
            if notice is not None:
                why = why_it_waits(lines_of(weighing))
                changed = {"phase": str(Phase.WAITING), "stopped_by": why, "stop": UNUSUAL}
            if connection.execute(_WEIGHED, {"of_run": run, **changed}).rowcount != 1:
                return False
            write_funds(connection, run, available_minor=available_minor, now=now)
            if notice is not None:
                put_into_outbox(connection, notice, now=now)
            writes = RunWrites(connection)
            writes.weighed(run=run, weighing=weighing, now=now)
            writes.append_entries()
            return True

    def let_run_through(
        self, run: str, *, by: str, reason: str, unusual: str, now: int, wake_after: int | None = None
    ) -> bool:
        """Let a run that waits as unusual go on; see the port."""
        with self._database.writing() as connection:
            if connection.execute(_GO_ON, {"of_run": run}).rowcount != 1:
                return False
            if wake_after is not None:
                connection.execute(_WAKE, {"after": wake_after, "at": now})
            writes = RunWrites(connection)
            writes.let_through(run=run, by=by, reason=reason, unusual=unusual, now=now)
            writes.append_entries()
            return True

    def take_over_entries(self, *, of_run: str, to_run: str) -> int:
        """Make the entries of one run those of another; returns how many."""
        with self._database.writing() as connection:
            return connection.execute(_TAKE_OVER, {"of_run": of_run, "to_run": to_run}).rowcount
