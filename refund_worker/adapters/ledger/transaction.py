"""One open write transaction, the audit entries it will append at its end, and the cases it may write to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from refund_worker.adapters.ledger import chain
from refund_worker.adapters.ledger.tables import cases
from refund_worker.domain.cases import LIVE, Claim, State
from refund_worker.domain.errors import ClaimLost

# Whoever writes to a case holds its row until the commit: nobody claims it meanwhile.
_HELD = (
    select(
        cases.c.state,
        cases.c.customer,
        cases.c.currency,
        cases.c.fence,
        cases.c.claimed_by,
        cases.c.lease_until,
        cases.c.claim_run,
    )
    .where(cases.c.id == bindparam("of_case"))
    .with_for_update()
)
UPDATE_CASE = update(cases).where(cases.c.id == bindparam("of_case"))


class LedgerMisused(Exception):
    """A bug: the caller asked the ledger to record what cannot be (an unknown step, a second intent)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A live case that the caller holds the newest claim on.

    Attributes:
        run: The run in which it is acted on, for the trail.
    """

    id: str
    state: State
    customer: str
    currency: str
    lease_until: int
    run: str


class Transaction:
    """Collects the entries of one write transaction; `append_entries` seals them last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._entries: list[chain.Entry] = []

    def append_entries(self) -> None:
        """Append what was collected to the trail; to be called right before the commit."""
        chain.append(self._connection, self._entries)

    def _record(self, entry: chain.Entry) -> None:
        self._entries.append(entry)

    def _record_of(
        self, held: Held, *, kind: str, at: int, body: Mapping[str, object], amount_minor: int | None = None
    ) -> None:
        self._record(
            chain.Entry(
                at=at,
                kind=kind,
                run=held.run,
                case=held.id,
                customer=held.customer,
                amount_minor=amount_minor,
                currency=held.currency,
                body=body,
            )
        )

    def _held(self, claim: Claim) -> Held:
        """The case of a claim. Raises ClaimLost where it is not the newest, was released, or the case ended."""
        row = self._connection.execute(_HELD, {"of_case": claim.case}).one_or_none()
        if row is None:
            raise LedgerMisused(f"case {claim.case} is not in the ledger")
        if row.fence != claim.fence or row.claimed_by is None:
            raise ClaimLost(f"the claim of {claim.worker} on case {claim.case} is not the newest")
        state = State(row.state)
        if state not in LIVE:
            raise ClaimLost(f"case {claim.case} is {state}")
        return Held(
            id=claim.case,
            state=state,
            customer=row.customer,
            currency=row.currency,
            lease_until=row.lease_until,
            run=row.claim_run,
        )

    def _update_case(self, case: str, changed: dict[str, Any]) -> None:
        self._connection.execute(UPDATE_CASE, {"of_case": case, **changed})
