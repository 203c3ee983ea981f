"""Writes holds and skips: one row as long as the reason stays the same, over any number of nights."""

from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from refund_worker.adapters.ledger.chain import Entry, recorded
from refund_worker.adapters.ledger.codec import plan_to_json
from refund_worker.adapters.ledger.failures import is_one_standing
from refund_worker.adapters.ledger.locks import savepoint
from refund_worker.adapters.ledger.tables import standings
from refund_worker.adapters.ledger.transaction import Transaction
from refund_worker.domain.cases import Standing

_STANDS = (
    select(standings)
    .where(
        standings.c.customer == bindparam("of_customer"),
        standings.c.currency == bindparam("of_currency"),
        standings.c.ended_at.is_(None),
    )
    .with_for_update()
)
_INSERT = insert(standings)
_UPDATE = update(standings).where(standings.c.id == bindparam("of_standing"))


class StandingWrites(Transaction):
    """The hold and skip part of the ledger's writer."""

    def stand(self, standing: Standing) -> Standing:
        """Record a hold or skip, first seen now (`standing.since`); see the port.

        The same outcome and reason keep the row and its `since`: with the same plan nothing is written, with another
        plan the row takes it. Another outcome or reason ends the row (an entry of its own) and begins a new one.
        """
        row = _row_of(standing)
        known = self._standing(customer=standing.plan.customer, currency=standing.plan.currency)
        if known is not None and (known.outcome, known.reason) == (row["outcome"], row["reason"]):
            return self._keep(known, standing, row)
        if known is not None:
            self._end(known, run=standing.run, now=standing.since)
        try:
            with savepoint(self._connection):
                self._connection.execute(_INSERT, row)
        except IntegrityError as error:
            if not is_one_standing(error):
                raise
            return self.stand(standing)  # another process was first by a moment: its row is seen now
        self._record_standing(standing, body=recorded(row))
        return standing

    def end_standing(self, *, customer: str, currency: str, now: int, run: str | None = None) -> None:
        """End the hold or skip of a customer, if there is one; see the port."""
        known = self._standing(customer=customer, currency=currency)
        if known is not None:
            self._end(known, run=run or known.run, now=now)

    def _keep(self, known: Any, standing: Standing, row: dict[str, Any]) -> Standing:
        kept = replace(standing, id=known.id, since=known.since)
        if known.plan == row["plan"]:
            return replace(kept, run=known.run)
        changed = {"id": known.id, "run": row["run"], "digest": row["digest"], "plan": row["plan"]}
        self._connection.execute(_UPDATE, {"of_standing": known.id, **changed})
        self._record_standing(replace(kept, since=standing.since), body=recorded(changed))
        return kept

    def _end(self, known: Any, *, run: str, now: int) -> None:
        self._connection.execute(_UPDATE, {"of_standing": known.id, "ended_at": now})
        self._record(
            Entry(
                at=now,
                kind="standing_ended",
                run=run,
                case=known.id,
                customer=known.customer,
                currency=known.currency,
                body={"standing": {"id": known.id, "ended_at": now}},
            )
        )

    def _standing(self, *, customer: str, currency: str) -> Any:
        return self._connection.execute(_STANDS, {"of_customer": customer, "of_currency": currency}).one_or_none()

    def _record_standing(self, standing: Standing, *, body: dict[str, Any]) -> None:
        self._record(
            Entry(
                at=standing.since,
                kind=str(standing.outcome),
                run=standing.run,
                case=standing.id,
                customer=standing.plan.customer,
                amount_minor=standing.plan.credit_minor,
                currency=standing.plan.currency,
                body={"standing": body},
            )
        )


def _row_of(standing: Standing) -> dict[str, Any]:
    return {
        "id": standing.id,
        "run": standing.run,
        "account": standing.account,
        "livemode": standing.livemode,
        "customer": standing.plan.customer,
        "currency": standing.plan.currency,
        "outcome": str(standing.outcome),
        "reason": str(standing.reason),
        "digest": standing.plan.digest,
        "plan": plan_to_json(standing.plan),
        "since": standing.since,
        "ended_at": standing.ended_at,
    }
