"""The queue of customers: implements the customers' part of `ports.CustomerQueue`.

A claim reads the entries and locks them (PostgreSQL: FOR UPDATE SKIP LOCKED; SQLite: the one write transaction), then
writes them: no entry has two claims at once, and no worker waits for another's. A lease that has ended ends nothing by
itself: until somebody else claims the entry its claim is the newest, and may still finish.

Entries of a run that is not weighed yet, or waits to be let through, are not claimed. Each statement says so; while
there is such a run, what may be claimed is asked for apart, so that nobody reads through its entries each second.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Exists, Integer, Row, Select, bindparam, case, delete, func, or_, select, update

from refund_worker.adapters.ledger.cluster_tables import (
    CLAIMED,
    FREE,
    FREE_OF_NO_RUN,
    NOT_TO_WORK,
    TO_WORK,
    queue,
    shared_runs,
)
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.queue_rows import claim_of, put_into_queue
from refund_worker.domain.nights import Phase
from refund_worker.domain.queueing import QueueClaim, QueueDepth, Wanted

_PAGE = 1000  # parameters of one statement: every database takes as many

_NOT_TO_WORK = select(shared_runs.c.run).where(NOT_TO_WORK)
MAY_WORK = or_(queue.c.run.is_(None), queue.c.run.not_in(_NOT_TO_WORK))
_ENDED = (CLAIMED, queue.c.lease_until <= bindparam("of_now"), MAY_WORK)
_DUE = (FREE, queue.c.due_at <= bindparam("of_now"), MAY_WORK)
_DUE_OF_NO_RUN = (FREE_OF_NO_RUN, queue.c.due_at <= bindparam("of_now"))
_TO_WORK = select(shared_runs.c.run).where(TO_WORK)
_DUE_OF_RUNS = (
    FREE,
    queue.c.run.is_not(None),
    queue.c.run.in_(_TO_WORK),
    queue.c.due_at <= bindparam("of_now"),
)
_CLAIMABLE = select(
    queue.c.customer,
    queue.c.cause,
    queue.c.due_at,
    queue.c.run,
    queue.c.pending_items,
    queue.c.credit,
    queue.c.requested,
    queue.c.attempts,
    queue.c.fence,
)
_AT_MOST = bindparam("at_most", type_=Integer)
_CLAIM_ENDED = (
    _CLAIMABLE.where(*_ENDED)
    .order_by(queue.c.lease_until, queue.c.due_at)
    .limit(_AT_MOST)
    .with_for_update(skip_locked=True)
)
_CLAIM_DUE = (
    _CLAIMABLE.where(*_DUE).order_by(queue.c.due_at, queue.c.customer).limit(_AT_MOST).with_for_update(skip_locked=True)
)
_BY_TIME = (queue.c.due_at, queue.c.customer)
_CLAIM_OF_NO_RUN = (
    _CLAIMABLE.where(*_DUE_OF_NO_RUN).order_by(*_BY_TIME).limit(_AT_MOST).with_for_update(skip_locked=True)
)
_CLAIM_OF_RUNS = _CLAIMABLE.where(*_DUE_OF_RUNS).order_by(*_BY_TIME).limit(_AT_MOST).with_for_update(skip_locked=True)
_APART = _NOT_TO_WORK.exists()


def _some(*conditions: Any) -> Exists:
    return select(queue.c.customer).where(*conditions).exists()


_ANY = select(
    _APART.label("apart"),
    (_some(*_ENDED) | case((_APART, _some(*_DUE_OF_NO_RUN) | _some(*_DUE_OF_RUNS)), else_=_some(*_DUE))).label("any"),
)
_CLAIM = update(queue).where(queue.c.customer.in_(bindparam("of_customers", expanding=True)))

_NEWEST = (
    queue.c.customer == bindparam("of_customer"),
    queue.c.fence == bindparam("of_fence"),
    queue.c.claimed_by == bindparam("of_worker"),
)
_RENEW = update(queue).where(*_NEWEST)
_OUT = delete(queue).where(*_NEWEST, queue.c.requested == bindparam("of_requested"))
_RELEASED: dict[str, Any] = {"claimed_by": None, "lease_until": None, "claimed_requested": None}
_WANTED_AGAIN = update(queue).where(*_NEWEST).values(**_RELEASED, attempts=0)
_wanted_earlier = (queue.c.requested > bindparam("of_requested")) & (queue.c.due_at < bindparam("until"))
_POSTPONE = (
    update(queue)
    .where(*_NEWEST)
    .values(**_RELEASED, due_at=case((_wanted_earlier, queue.c.due_at), else_=bindparam("until")))
)
_POSTPONE_OUT = _POSTPONE.values(run=None)
_CLAIMANTS = select(queue.c.claimed_by).where(CLAIMED).distinct()
_OF_CLAIMANTS = (
    select(queue.c.customer)
    .where(CLAIMED, queue.c.claimed_by.in_(bindparam("of_workers", expanding=True)))
    .order_by(queue.c.customer)
    .with_for_update()
)
# An entry that its run left behind when it ended is nobody's, too.
_ENDED_RUNS = select(shared_runs.c.run).where(shared_runs.c.phase == str(Phase.ENDED))
_NOBODYS = or_(queue.c.run.is_(None), queue.c.run.in_(_ENDED_RUNS))
_UNASSIGNED = (
    select(queue.c.customer)
    .where(_NOBODYS, queue.c.due_at <= bindparam("before"))
    .order_by(queue.c.customer)
    .with_for_update()
)
_RELEASE = update(queue).where(queue.c.customer.in_(_OF_CLAIMANTS)).values(**_RELEASED)
_FORGOTTEN = (
    select(queue.c.customer)
    .where(
        CLAIMED,
        queue.c.claimed_by == bindparam("of_worker"),
        queue.c.customer.not_in(bindparam("in_hand", expanding=True)),
    )
    .order_by(queue.c.customer)
    .with_for_update()
)
_LET_GO = update(queue).where(queue.c.customer.in_(_FORGOTTEN)).values(**_RELEASED)
_ASSIGN = update(queue).where(queue.c.customer.in_(_UNASSIGNED), _NOBODYS).values(run=bindparam("to_run"))
_OF_RUN = (queue.c.run == bindparam("of_run"), queue.c.run.is_not(None))
_LEFT = select(func.count()).where(*_OF_RUN)
_WORKED_ON = select(func.count()).where(*_OF_RUN, CLAIMED, queue.c.lease_until > bindparam("of_now"))
_KNOWN = select(queue.c.customer).where(queue.c.customer.in_(bindparam("of_customers", expanding=True)))


def _counted(*conditions: Any) -> Select[int, int | None]:
    return select(func.count(), func.min(queue.c.due_at)).select_from(queue).where(*conditions)


_DUE_COUNT = _counted(*_DUE)
_ENDED_COUNT = _counted(*_ENDED)
_FREE_COUNT = _counted(FREE)
_CLAIMED_COUNT = _counted(CLAIMED, queue.c.lease_until > bindparam("of_now"))


class CustomerRows(OnDatabase):
    """The customers' part of the queue."""

    def want(self, wanted: Sequence[Wanted], *, now: int) -> None:
        """Put customers into the queue; see the port, and `queue_rows` for who stands there already."""
        if wanted:
            with self._database.writing() as connection:
                put_into_queue(connection, wanted, now=now)

    def claim_wanted(self, *, worker: str, now: int, lease_s: int, limit: int) -> tuple[QueueClaim, ...]:
        """Claim entries that are due: first those whose lease has ended, then the longest due; see the port."""
        with self._database.glancing() as connection:
            # Idle workers ask every second: they take no write lock for nothing.
            seen = connection.execute(_ANY, {"of_now": now}).one()
        if not seen.any:
            return ()
        due = (_CLAIM_OF_NO_RUN, _CLAIM_OF_RUNS) if seen.apart else (_CLAIM_DUE,)
        with self._database.writing() as connection:
            rows: list[Row[Any]] = []
            for statement in (_CLAIM_ENDED, *due):
                if len(rows) < limit:
                    rows += connection.execute(statement, {"of_now": now, "at_most": limit - len(rows)})
            for begin in range(0, len(rows), _PAGE):
                customers = [row.customer for row in rows[begin : begin + _PAGE]]
                _write_claims(connection, customers, worker=worker, lease_until=now + lease_s)
        return tuple(claim_of(row, worker=worker, lease_until=now + lease_s) for row in rows)

    def renew(self, claims: Sequence[QueueClaim], *, now: int, lease_s: int) -> None:
        """Prolong the leases of claims that are still the newest."""
        if not claims:
            return
        rows = [
            {**_of(claim), "lease_until": now + lease_s} for claim in sorted(claims, key=lambda c: c.wanted.customer)
        ]
        with self._database.writing() as connection:
            connection.execute(_RENEW, rows)

    def examined(self, claim: QueueClaim, *, now: int) -> None:  # noqa: ARG002  the port's; here the fence decides
        """Take the customer out of the queue; wanted again meanwhile, it stays, due at the new wish's time.

        Its run stays too, and its attempts begin anew.
        """
        with self._database.writing() as connection:
            out = connection.execute(_OUT, {**_of(claim), "of_requested": claim.requested})
            if out.rowcount == 0:
                connection.execute(_WANTED_AGAIN, _of(claim))

    def postpone(self, claim: QueueClaim, *, until: int, leaves_run: bool = False) -> None:
        """Give the entry back, due then; earlier where it was wanted meanwhile for an earlier time; see the port."""
        postpone = _POSTPONE_OUT if leaves_run else _POSTPONE
        with self._database.writing() as connection:
            connection.execute(postpone, {**_of(claim), "of_requested": claim.requested, "until": until})

    def end_queue_leases(self, *, gone: Callable[[str], bool]) -> int:
        """Free the entries of workers that are gone; their time stays."""
        with self._database.glancing() as connection:
            claimants = list(connection.execute(_CLAIMANTS).scalars())
        # Asked outside of the transaction: who is gone never comes back under that name.
        lost = [claimant for claimant in claimants if gone(claimant)]
        if not lost:
            return 0
        with self._database.writing() as connection:
            return connection.execute(_RELEASE, {"of_workers": lost}).rowcount

    def let_go_entries(self, *, worker: str, in_hand: Sequence[str]) -> int:
        """Free the entries that a worker claimed but has not in hand; their time stays."""
        with self._database.writing() as connection:
            return connection.execute(_LET_GO, {"of_worker": worker, "in_hand": list(in_hand)}).rowcount

    def assign_due(self, *, run: str, before: int) -> int:
        """Make entries that belong to no run, or to one that ended, part of a run; see the port."""
        with self._database.writing() as connection:
            return connection.execute(_ASSIGN, {"to_run": run, "before": before}).rowcount

    def left_of(self, run: str, *, before: int | None = None) -> int:
        """How many entries of a run are in the queue, claimed ones too; see the port."""
        statement = _LEFT if before is None else _LEFT.where(queue.c.due_at < before)
        with self._database.glancing() as connection:
            return connection.execute(statement, {"of_run": run}).scalar_one()

    def worked_on(self, run: str, *, now: int) -> int:
        """How many entries of a run somebody works on."""
        with self._database.glancing() as connection:
            return connection.execute(_WORKED_ON, {"of_run": run, "of_now": now}).scalar_one()

    def known_to_queue(self, customers: Sequence[str]) -> frozenset[str]:
        """Which of these customers stand in the queue."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for begin in range(0, len(customers), _PAGE):
                found.update(connection.execute(_KNOWN, {"of_customers": customers[begin : begin + _PAGE]}).scalars())
        return frozenset(found)

    def depth(self, *, now: int) -> QueueDepth:
        """How much waits; an entry whose lease has ended is due, one of a run that is not weighed yet waits."""
        with self._database.reading() as connection:
            of = {"of_now": now}
            due, oldest = connection.execute(_DUE_COUNT, of).one()
            ended, oldest_ended = connection.execute(_ENDED_COUNT, of).one()
            free, _ = connection.execute(_FREE_COUNT).one()
            claimed, _ = connection.execute(_CLAIMED_COUNT, of).one()
        times = [at for at in (oldest, oldest_ended) if at is not None]
        return QueueDepth(
            due=due + ended, waiting=free - due, claimed=claimed, oldest_due_at=min(times) if times else None
        )


def _write_claims(connection: Connection, customers: Sequence[str], *, worker: str, lease_until: int) -> None:
    claim = _CLAIM.values(
        fence=queue.c.fence + 1,
        attempts=queue.c.attempts + 1,
        claimed_requested=queue.c.requested,
        claimed_by=worker,
        lease_until=lease_until,
    )
    connection.execute(claim, {"of_customers": customers})


def _of(claim: QueueClaim) -> dict[str, Any]:
    return {"of_customer": claim.wanted.customer, "of_fence": claim.fence, "of_worker": claim.worker}
