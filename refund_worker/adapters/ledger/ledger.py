"""The ledger: implements `ports.Ledger` over SQL."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from refund_worker.adapters.ledger import chain
from refund_worker.adapters.ledger.case_queue import write_claim
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.queue import SqlQueue
from refund_worker.adapters.ledger.reader import SqlReader
from refund_worker.adapters.ledger.sqlite import BUSY_TIMEOUT_S
from refund_worker.adapters.ledger.tables import bindings, cases
from refund_worker.adapters.ledger.verify import Verification, verify_ledger
from refund_worker.adapters.ledger.write_cases import RELEASED
from refund_worker.adapters.ledger.writer import SqlWriter
from refund_worker.domain.cases import LIVE, Claim
from refund_worker.domain.errors import LedgerOfAnotherAccount
from refund_worker.domain.facts import Account

_BINDING = select(bindings.c.account, bindings.c.livemode)
_BIND = insert(bindings)
_LEASE = select(
    cases.c.id,
    cases.c.run,
    cases.c.customer,
    cases.c.currency,
    cases.c.fence,
    cases.c.claimed_by,
    cases.c.lease_until,
).where(cases.c.id == bindparam("of_case"), cases.c.state.in_(sorted(str(state) for state in LIVE)))
_LEASE_TO_TAKE = _LEASE.with_for_update()
_RELEASE = update(cases).where(cases.c.id == bindparam("of_case"), cases.c.fence == bindparam("of_fence"))


class SqlLedger(SqlReader):
    """A ledger in a SQL database. Threads may share it; so may processes that open the same."""

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, create: bool = True) -> None:
        """Open the ledger of an address; see `opening.open_database`."""
        super().__init__(open_database(url, busy_timeout_s=busy_timeout_s, create=create))
        self._closing = weakref.finalize(self, self._database.close)

    @classmethod
    def open(cls, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, create: bool = True) -> Self:
        """Open the ledger of an address; a SQLite file is created (unless `create` is off) and migrated.

        Raises:
            LedgerError: If it cannot be used; one line that names the ledger and what to do.
        """
        return cls(url, busy_timeout_s=busy_timeout_s, create=create)

    def close(self) -> None:
        """Close every connection; also happens when the ledger is dropped."""
        self._closing()

    @property
    def queue(self) -> SqlQueue:
        """What all workers share, in the same database."""
        return SqlQueue(self._database)

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open (invariant 4: never during a call to Stripe)."""
        return self._database.in_transaction

    def bind(self, account: Account, *, now: int) -> bool:
        """Bind the ledger to an account and mode; True when it was new. Raises LedgerOfAnotherAccount."""
        try:
            known = self._bound(account, now=now)
        except IntegrityError:  # another process bound it by a moment earlier: seen now
            known = self._bound(account, now=now)
        if known is None:
            return True
        if (known.account, known.livemode) != (account.id, account.livemode):
            raise LedgerOfAnotherAccount(
                f"the ledger {self._database.where} belongs to Stripe account {known.account} in "
                f"{_mode(known.livemode)} mode, the key to {account.id} in {_mode(account.livemode)} mode: "
                "correct DATABASE_URL or STRIPE_API_KEY"
            )
        return False

    @contextmanager
    def writing(self) -> Iterator[SqlWriter]:
        """Open one write transaction; commits at the end of the block, rolls back on an exception."""
        with self._database.writing() as connection:
            writer = SqlWriter(connection)
            yield writer
            writer.append_entries()

    def claim(self, case: str, *, worker: str, now: int, lease_s: int, run: str | None = None) -> Claim | None:
        """Claim a live case whose lease has ended or was released; None where another worker has it; see the port."""
        with self._database.writing() as connection:
            row = connection.execute(_LEASE_TO_TAKE, {"of_case": case}).one_or_none()
            if row is None or (row.claimed_by is not None and row.lease_until > now):
                return None
            claim, entry = write_claim(connection, row, worker=worker, now=now, lease_s=lease_s, run=run or row.run)
            chain.append(connection, [entry])
            return claim

    def end_lease(self, case: str, *, gone: Callable[[str], bool]) -> bool:
        """End the lease of a live case whose claimant is gone; True where it was ended. The fence is not touched."""
        with self._database.reading() as connection:
            row = connection.execute(_LEASE, {"of_case": case}).one_or_none()
        # Asked outside of the transaction; the fence says whether the claim is still that one.
        if row is None or row.claimed_by is None or not gone(row.claimed_by):
            return False
        return self._release(case, fence=row.fence)

    def release(self, claim: Claim, *, again_at: int | None = None) -> None:
        """Give the claim back before its lease ends; nothing where it is no longer the newest; see the port."""
        self._release(claim.case, fence=claim.fence, next_at=again_at)

    def verify(self, *, noted_head: tuple[int, str] | None = None) -> Verification:
        """Verify the trail and the tables against it; see `verify.verify_ledger`."""
        with self._database.reading() as connection:
            return verify_ledger(connection, noted_head=noted_head)

    def _bound(self, account: Account, *, now: int) -> Any:
        """The binding that stood; None where it was made now."""
        with self._database.writing() as connection:
            known = connection.execute(_BINDING).one_or_none()
            if known is None:
                row: dict[str, Any] = {"id": 1, "account": account.id, "livemode": account.livemode, "bound_at": now}
                connection.execute(_BIND, row)
                entry = chain.Entry(at=now, kind="ledger_bound", body={"binding": chain.recorded(row)})
                chain.append(connection, [entry])
            return known

    def _release(self, case: str, *, fence: int, **changed: int | None) -> bool:
        with self._database.writing() as connection:
            released = connection.execute(_RELEASE, {"of_case": case, "of_fence": fence, **RELEASED, **changed})
            return released.rowcount == 1


def _mode(livemode: object) -> str:
    return "live" if livemode else "test"
