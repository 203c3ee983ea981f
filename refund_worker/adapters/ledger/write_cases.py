"""Writes the life of a case: opened, adopted, covered, noted, moved, closed."""

import re
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from refund_worker.adapters.ledger import chain
from refund_worker.adapters.ledger.codec import plan_to_json
from refund_worker.adapters.ledger.failures import is_known_case, is_one_live_case
from refund_worker.adapters.ledger.locks import savepoint
from refund_worker.adapters.ledger.tables import audit_entries, cases
from refund_worker.adapters.ledger.transaction import UPDATE_CASE, LedgerMisused, Transaction
from refund_worker.domain.cases import LIVE, Case, Claim, Outcome, State, check_transition
from refund_worker.domain.errors import CaseIsLive
from refund_worker.domain.reasons import Reason

_INSERT_CASE = insert(cases)
_KNOWN = select(cases.c.state, cases.c.fence).where(cases.c.id == bindparam("of_case")).with_for_update()
_NEWEST_ENTRY = select(audit_entries.c.at).order_by(audit_entries.c.sequence.desc()).limit(1)
_KINDS = {State.CLOSED: "case_closed", State.OWED: "case_owed"}
_ERROR_NAME = re.compile(r"[A-Za-z_][\w.]*")
_TRACEBACK = "Traceback (most recent call last):"
_NUL = "\0"  # which PostgreSQL keeps in no text
RELEASED: dict[str, Any] = {"claimed_by": None, "claimed_at": None, "lease_until": None}


class CaseWrites(Transaction):
    """The case part of the ledger's writer."""

    def open_case(self, case: Case, *, worker: str, lease_s: int) -> Claim:
        """Insert a live case and claim it, from `case.opened_at` on; see the port."""
        if case.steps:
            raise LedgerMisused(f"case {case.id} is opened without steps")
        claim = _claim(case.id, worker=worker, fence=1, now=case.opened_at, lease_s=lease_s)
        row = {**_row_of(case), **claim_columns(claim, run=case.run)}
        self._insert(row)
        self._record_change(
            case, kind="case_opened", run=case.run, row=row, at=case.opened_at, amount_minor=case.plan.planned_minor
        )
        return claim

    def adopt_orphan(self, case: Case, *, run: str, worker: str, lease_s: int) -> Claim:
        """Insert or re-open a case that only gives back, or a conversion that is only completed; see the port.

        A case that is known keeps its plan, its run and its steps. The claim begins at `case.opened_at`, or at the
        newest entry of the trail where that is later (a known case was opened long ago).
        """
        newest = self._connection.execute(_NEWEST_ENTRY).scalar() or 0
        now = max(case.opened_at, newest)
        known = self._connection.execute(_KNOWN, {"of_case": case.id}).one_or_none()
        state = State.DELETING if case.converts else State.CLOSING
        if known is not None and State(known.state) in LIVE:
            raise CaseIsLive(f"case {case.id} is live")
        if known is None:
            claim = _claim(case.id, worker=worker, fence=1, now=now, lease_s=lease_s)
            row = {**_row_of(case), "state": str(state), "closed_at": None, **claim_columns(claim, run=run)}
            self._insert(row, known_by_now=True)
        else:
            claim = _claim(case.id, worker=worker, fence=known.fence + 1, now=now, lease_s=lease_s)
            # The one way out of `closed` and `owed`; no transition of the table, for only an orphan may take it.
            row = {"id": case.id, "state": str(state), "outcome": None, "reason": None, "closed_at": None}
            row |= claim_columns(claim, run=run)
            self._reopen(row)
        self._record_change(case, kind="orphan_adopted", run=run, row=row, at=now, amount_minor=None)
        return claim

    def cover(self, claim: Claim, *, covered_minor: int, now: int) -> None:
        """Record what the refundable lots covered of the reserve; see the port."""
        held = self._held(claim)
        changed = {"covered_minor": covered_minor}
        self._update_case(held.id, changed)
        self._record_of(held, kind="cover_recorded", at=now, amount_minor=covered_minor, body={"case": changed})

    def move(self, claim: Claim, *, state: State, outcome: Outcome | None, reason: Reason | None, now: int) -> None:
        """Move a case to another state; an end releases the claim; see the port."""
        held = self._held(claim)
        check_transition(before=held.state, after=state)
        changed: dict[str, Any] = {"state": str(state), "outcome": _word(outcome), "reason": _word(reason)}
        if state not in LIVE:
            changed |= {"closed_at": now, **RELEASED}
        self._update_case(held.id, changed)
        body = {"case": chain.recorded(changed)}
        self._record_of(held, kind=_KINDS.get(state, "case_moved"), at=now, body=body)

    def note(self, claim: Claim, *, outcome: Outcome, reason: Reason, detail: str, now: int) -> None:
        """Record why a case stays live for now; the detail stays out of the trail, but for an error's name."""
        held = self._held(claim)
        changed = {"outcome": str(outcome), "reason": str(reason)}
        self._update_case(held.id, {**changed, "last_error": detail.replace(_NUL, "")})
        body = {"case": changed, "error": error_name(detail)}
        self._record_of(held, kind="case_noted", at=now, body=body)

    def _insert(self, row: dict[str, Any], *, known_by_now: bool = False) -> None:
        """Insert a live case; `known_by_now`: another process may have brought the same case by a moment earlier."""
        try:
            with savepoint(self._connection):
                self._connection.execute(_INSERT_CASE, row)
        except IntegrityError as error:
            if known_by_now and is_known_case(error):
                raise CaseIsLive(f"case {row['id']} is live") from error
            raise _clearly(error, customer=row["customer"]) from error

    def _reopen(self, row: dict[str, Any]) -> None:
        try:
            with savepoint(self._connection):
                self._connection.execute(UPDATE_CASE, {"of_case": row["id"], **row})
        except IntegrityError as error:
            raise _clearly(error, customer=row["id"]) from error

    def _record_change(
        self, case: Case, *, kind: str, run: str, row: dict[str, Any], at: int, amount_minor: int | None
    ) -> None:
        self._record(
            chain.Entry(
                at=at,
                kind=kind,
                run=run,
                case=case.id,
                customer=case.plan.customer,
                amount_minor=amount_minor,
                currency=case.plan.currency,
                body={"case": chain.recorded(row)},
            )
        )


def claim_columns(claim: Claim, *, run: str) -> dict[str, Any]:
    """The columns of `cases` that a claim sets; `run` is the run in which the case is acted on."""
    return {
        "fence": claim.fence,
        "claimed_by": claim.worker,
        "claimed_at": claim.claimed_at,
        "lease_until": claim.lease_until,
        "claim_run": run,
    }


def error_name(detail: str) -> str | None:
    """The exception's name at the end of a traceback; None where the detail is none."""
    _, begin, tail = detail.rpartition(_TRACEBACK)
    if not begin:
        return None
    for line in tail.splitlines():
        found = _ERROR_NAME.match(line)
        if found is not None:
            return found[0]
    return None


def _claim(case: str, *, worker: str, fence: int, now: int, lease_s: int) -> Claim:
    return Claim(case=case, worker=worker, fence=fence, claimed_at=now, lease_until=now + lease_s)


def _row_of(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "run": case.run,
        "account": case.account,
        "livemode": case.livemode,
        "customer": case.plan.customer,
        "currency": case.plan.currency,
        "digest": case.plan.digest,
        "plan": plan_to_json(case.plan),
        "state": str(case.state),
        "outcome": _word(case.outcome),
        "reason": _word(case.reason),
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "covered_minor": case.covered_minor,
    }


def _word(word: Outcome | Reason | None) -> str | None:
    return None if word is None else str(word)


def _clearly(error: IntegrityError, *, customer: str) -> Exception:
    if is_one_live_case(error):
        return CaseIsLive(f"{customer} has a live case in this currency")
    return error
