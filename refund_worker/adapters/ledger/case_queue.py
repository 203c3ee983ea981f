"""Live cases as a queue: who may act on one next; implements the cases' part of `ports.CustomerQueue`."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from refund_worker.adapters.ledger import chain
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.tables import LIVE_CASES, cases
from refund_worker.adapters.ledger.transaction import UPDATE_CASE
from refund_worker.adapters.ledger.write_cases import RELEASED, claim_columns
from refund_worker.domain.cases import Claim

_CLAIMABLE = (
    select(cases.c.id, cases.c.run, cases.c.customer, cases.c.currency, cases.c.fence)
    .where(
        LIVE_CASES,
        or_(cases.c.claimed_by.is_(None), cases.c.lease_until <= bindparam("of_now")),
        or_(cases.c.next_at.is_(None), cases.c.next_at <= bindparam("of_now")),
    )
    .order_by(cases.c.opened_at, cases.c.id)
    .limit(bindparam("at_most"))
)
_LOCKED = _CLAIMABLE.with_for_update(skip_locked=True)
_CLAIMANTS = select(cases.c.claimed_by).where(LIVE_CASES, cases.c.claimed_by.is_not(None)).distinct()
_OF_CLAIMANTS = (
    select(cases.c.id)
    .where(LIVE_CASES, cases.c.claimed_by.in_(bindparam("of_workers", expanding=True)))
    .order_by(cases.c.id)
    .with_for_update()
)
_RELEASE = update(cases).where(cases.c.id.in_(_OF_CLAIMANTS)).values(**RELEASED)
_FORGOTTEN = (
    select(cases.c.id)
    .where(
        LIVE_CASES,
        cases.c.claimed_by == bindparam("of_worker"),
        cases.c.id.not_in(bindparam("in_hand", expanding=True)),
        cases.c.customer.not_in(bindparam("customers_in_hand", expanding=True)),
    )
    .order_by(cases.c.id)
    .with_for_update()
)
_LET_GO = update(cases).where(cases.c.id.in_(_FORGOTTEN)).values(**RELEASED)


class CaseRows(OnDatabase):
    """The live cases' part of the queue."""

    def claim_live(self, *, worker: str, now: int, lease_s: int, limit: int) -> tuple[Claim, ...]:
        """Claim live cases whose lease has ended and whose rest is over, oldest first; see the port.

        Each is acted on in its own run.
        """
        with self._database.glancing() as connection:
            # Idle workers ask every second: they take no write lock for nothing.
            if connection.execute(_CLAIMABLE, {"of_now": now, "at_most": 1}).first() is None:
                return ()
        with self._database.writing() as connection:
            rows = connection.execute(_LOCKED, {"of_now": now, "at_most": limit}).all()
            claims = [
                write_claim(connection, row, worker=worker, now=now, lease_s=lease_s, run=row.run) for row in rows
            ]
            chain.append(connection, [entry for _, entry in claims])
        return tuple(claim for claim, _ in claims)

    def end_case_leases(self, *, gone: Callable[[str], bool]) -> int:
        """End the leases of live cases whose claimants are gone; fences and rests are not touched."""
        with self._database.glancing() as connection:
            claimants = list(connection.execute(_CLAIMANTS).scalars())
        # Asked outside of the transaction: who is gone never comes back under that name.
        lost = [claimant for claimant in claimants if gone(claimant)]
        if not lost:
            return 0
        with self._database.writing() as connection:
            return connection.execute(_RELEASE, {"of_workers": lost}).rowcount

    def let_go_cases(self, *, worker: str, in_hand: Sequence[str], customers_in_hand: Sequence[str]) -> int:
        """End the leases of live cases that a worker claimed but has not in hand; fences and rests are not touched."""
        of = {"of_worker": worker, "in_hand": list(in_hand), "customers_in_hand": list(customers_in_hand)}
        with self._database.writing() as connection:
            return connection.execute(_LET_GO, of).rowcount


def write_claim(
    connection: Connection, row: Any, *, worker: str, now: int, lease_s: int, run: str
) -> tuple[Claim, chain.Entry]:
    """Claim a case whose row was read, and locked, in this transaction; returns the entry that the trail lacks.

    Args:
        row: Id, customer, currency and fence of the case.
        run: The run in which it is acted on.
    """
    claim = Claim(case=row.id, worker=worker, fence=row.fence + 1, claimed_at=now, lease_until=now + lease_s)
    connection.execute(UPDATE_CASE, {"of_case": row.id, **claim_columns(claim, run=run)})
    entry = chain.Entry(
        at=now,
        kind="case_claimed",
        run=run,
        case=row.id,
        customer=row.customer,
        currency=row.currency,
        body={"case": {"fence": claim.fence}},
    )
    return claim, entry
