"""Writes intents, sends and what became of them."""

from typing import Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from refund_worker.adapters.ledger.chain import Entry, recorded
from refund_worker.adapters.ledger.failures import is_known_key
from refund_worker.adapters.ledger.refund_watch import watch
from refund_worker.adapters.ledger.tables import cases, sends, steps
from refund_worker.adapters.ledger.transaction import Held, LedgerMisused, Transaction
from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.cases import Claim, SendAnswer, Step, StepState
from refund_worker.domain.errors import ClaimLost
from refund_worker.domain.refund_watch import FAILED_STATUSES, OPEN_STATUSES, WatchedRefund

_OF_STEP = (
    steps.c.case_id == bindparam("of_case"),
    steps.c.step == bindparam("of_step"),
    steps.c.attempt == bindparam("of_attempt"),
)
_SENDS_OF_STEP = (
    sends.c.case_id == bindparam("of_case"),
    sends.c.step == bindparam("of_step"),
    sends.c.attempt == bindparam("of_attempt"),
)
# A statement of its own: one that had to wait for the case's row would count as before it waited.
_COUNT_STEPS = select(func.count()).where(steps.c.case_id == bindparam("of_case"))
_INSERT_STEP = insert(steps)
_INSERT_SEND = insert(sends)
_SELECT_STEP = select(
    steps.c.step,
    steps.c.attempt,
    steps.c.state,
    steps.c.amount_minor,
    steps.c.stripe_id,
    steps.c.status,
    select(func.count())
    .where(sends.c.case_id == steps.c.case_id, sends.c.step == steps.c.step, sends.c.attempt == steps.c.attempt)
    .scalar_subquery()
    .label("sends"),
).where(*_OF_STEP)
_CASE_TO_CONFIRM = (
    select(cases.c.id, cases.c.run, cases.c.customer, cases.c.currency)
    .where(cases.c.id == bindparam("of_case"))
    .with_for_update()
)
_UPDATE_STEP = update(steps).where(*_OF_STEP)
_OPEN_SEND = select(func.max(sends.c.position)).where(
    *_SENDS_OF_STEP, sends.c.fence == bindparam("of_fence"), sends.c.answer.is_(None)
)
_UPDATE_SEND = update(sends).where(*_SENDS_OF_STEP, sends.c.position == bindparam("of_position"))
_CLASH = select(steps.c.case_id, steps.c.key).where(or_(and_(*_OF_STEP), steps.c.key == bindparam("of_key"))).limit(1)

_KINDS = {
    StepState.ACCEPTED: "step_accepted",
    StepState.REFUSED: "step_refused",
    StepState.UNKNOWN: "step_unknown",
    StepState.INTENDED: "step_postponed",
}
_FINAL = frozenset({StepState.ACCEPTED, StepState.REFUSED})


class StepWrites(Transaction):
    """The step part of the ledger's writer."""

    def intend(self, claim: Claim, step: Step) -> None:
        """Record an attempt's intent; see the port. Raises LedgerMisused for a second one, or a key used before."""
        held = self._held(claim)
        self._refuse_second(held, step)
        row: dict[str, Any] = {
            "case_id": held.id,
            "step": step.name,
            "attempt": step.attempt,
            "position": self._connection.execute(_COUNT_STEPS, {"of_case": held.id}).scalar_one() + 1,
            "key": step.key,
            "amount_minor": step.amount_minor,
            "target": step.target,
            "params": canonical_json(step.params),
            "before_minor": step.before_minor,
            "state": str(StepState.INTENDED),
            "intended_at": step.intended_at,
        }
        try:
            self._connection.execute(_INSERT_STEP, row)
        except IntegrityError as error:
            if not is_known_key(error):
                raise
            raise LedgerMisused(f"the key {step.key} was used already") from error
        self._record_of(
            held,
            kind="step_intended",
            at=step.intended_at,
            amount_minor=step.amount_minor,
            body={"step": recorded(row)},
        )

    def sending(self, claim: Claim, *, step: str, attempt: int, now: int) -> None:
        """Record that this claim sends the attempt now; see the port.

        Raises:
            ClaimLost: Also where the lease has ended (rule CLAIM_YOUNGER_THAN_LEASE).
        """
        held = self._held(claim)
        if now >= held.lease_until:
            raise ClaimLost(f"the lease of {claim.worker} on case {claim.case} has ended")
        known = self._step(held, step=step, attempt=attempt)
        if known.state == StepState.ACCEPTED:
            raise LedgerMisused(f"{step} attempt {attempt} of case {held.id} was accepted already")
        row = {"step": step, "attempt": attempt, "position": known.sends + 1, "fence": claim.fence, "sent_at": now}
        self._connection.execute(_INSERT_SEND, {"case_id": held.id, **row})
        self._record_of(held, kind="step_sent", at=now, amount_minor=known.amount_minor, body={"send": row})

    def answered(
        self,
        claim: Claim,
        *,
        step: str,
        attempt: int,
        answer: SendAnswer,
        state: StepState,
        now: int,
        stripe_id: str | None = None,
        status: str | None = None,
        ending_balance_minor: int | None = None,
        request_id: str | None = None,
        code: str | None = None,
    ) -> None:
        """Record what the newest open send of this claim brought, and what is known of the attempt; see the port."""
        held = self._held(claim)
        known = self._step(held, step=step, attempt=attempt)
        if known.state == StepState.ACCEPTED and state is not StepState.ACCEPTED:
            raise LedgerMisused(f"{step} attempt {attempt} of case {held.id} was accepted already")
        of = {"of_case": held.id, "of_step": step, "of_attempt": attempt}
        position = self._connection.execute(_OPEN_SEND, {**of, "of_fence": claim.fence}).scalar()
        if position is None:
            raise LedgerMisused(f"{step} attempt {attempt} of case {held.id} has no open send of this claim")
        send = {"answered_at": now, "answer": str(answer)}
        self._connection.execute(_UPDATE_SEND, {**of, "of_position": position, **send})
        changed = {
            "state": str(state),
            "answered_at": now if state in _FINAL else None,
            "stripe_id": stripe_id,
            "status": status,
            "ending_balance_minor": ending_balance_minor,
            "request_id": request_id,
            "code": code,
        }
        self._connection.execute(_UPDATE_STEP, {**of, **changed})
        self._watch(held, known, stripe_id=stripe_id, status=status, now=now)
        name = {"step": step, "attempt": attempt}
        body = {"step": {**name, **changed}, "send": {**name, "position": position, **send}}
        self._record_of(held, kind=_KINDS[state], at=now, amount_minor=known.amount_minor, body=body)

    def found(
        self,
        claim: Claim,
        *,
        step: str,
        attempt: int,
        stripe_id: str,
        status: str | None,
        ending_balance_minor: int | None,
        now: int,
    ) -> None:
        """Record that an attempt was found at Stripe by its mark; see the port."""
        changed: dict[str, Any] = {
            "state": str(StepState.ACCEPTED),
            "answered_at": now,
            "stripe_id": stripe_id,
            "status": status,
            "ending_balance_minor": ending_balance_minor,
        }
        held, known = self._learn(claim, kind="step_found", step=step, attempt=attempt, now=now, changed=changed)
        self._watch(held, known, stripe_id=stripe_id, status=status, now=now)

    def confirmed(self, *, case: str, step: str, attempt: int, status: str, now: int) -> bool:
        """Record that a refund reached another status, outside of a claim; see the port. Raises LedgerMisused."""
        row = self._connection.execute(_CASE_TO_CONFIRM, {"of_case": case}).one_or_none()
        of = {"of_case": case, "of_step": step, "of_attempt": attempt}
        known = self._connection.execute(_SELECT_STEP, of).one_or_none()
        if row is None or known is None:
            raise LedgerMisused(f"case {case} has no {step} attempt {attempt}")
        if known.state != StepState.ACCEPTED or known.status not in OPEN_STATUSES - {status}:
            return False
        if status in FAILED_STATUSES:
            return False
        self._connection.execute(_UPDATE_STEP, {**of, "status": status})
        self._record(
            Entry(
                at=now,
                kind="refund_confirmed",
                run=row.run,
                case=case,
                customer=row.customer,
                amount_minor=known.amount_minor,
                currency=row.currency,
                body={"step": {"step": step, "attempt": attempt, "status": status}},
            )
        )
        self._watch(row, known, stripe_id=known.stripe_id, status=status, now=now)
        return True

    def given_up(self, claim: Claim, *, step: str, attempt: int, code: str, now: int) -> None:
        """Record that an attempt is absent for good; see the port."""
        changed: dict[str, Any] = {"state": str(StepState.REFUSED), "answered_at": now, "code": code}
        self._learn(claim, kind="step_given_up", step=step, attempt=attempt, now=now, changed=changed)

    def _learn(
        self, claim: Claim, *, kind: str, step: str, attempt: int, now: int, changed: dict[str, Any]
    ) -> tuple[Held, Any]:
        held = self._held(claim)
        known = self._step(held, step=step, attempt=attempt)
        if known.state == StepState.ACCEPTED and changed["state"] != StepState.ACCEPTED:
            raise LedgerMisused(f"{step} attempt {attempt} of case {held.id} was accepted already")
        self._connection.execute(_UPDATE_STEP, {"of_case": held.id, "of_step": step, "of_attempt": attempt, **changed})
        body = {"step": {"step": step, "attempt": attempt, **changed}}
        self._record_of(held, kind=kind, at=now, amount_minor=known.amount_minor, body=body)
        return held, known

    def _watch(self, of_case: Any, step: Any, *, stripe_id: str | None, status: str | None, now: int) -> None:
        """Keep the watch list as the step's new status says; `step` is its row as it was."""
        if stripe_id is None or status is None:
            return
        refund = WatchedRefund(
            refund=stripe_id,
            case=of_case.id,
            step=step.step,
            attempt=step.attempt,
            customer=of_case.customer,
            currency=of_case.currency,
            amount_minor=step.amount_minor,
            status=status,
            since=now,
        )
        watch(self._connection, refund, now=now)

    def _step(self, held: Held, *, step: str, attempt: int) -> Any:
        row = self._connection.execute(
            _SELECT_STEP, {"of_case": held.id, "of_step": step, "of_attempt": attempt}
        ).one_or_none()
        if row is None:
            raise LedgerMisused(f"case {held.id} has no {step} attempt {attempt}")
        return row

    def _refuse_second(self, held: Held, step: Step) -> None:
        of = {"of_case": held.id, "of_step": step.name, "of_attempt": step.attempt, "of_key": step.key}
        known = self._connection.execute(_CLASH, of).one_or_none()
        if known is None:
            return
        if known.key == step.key:
            raise LedgerMisused(f"the key {step.key} was used already, in case {known.case_id}")
        raise LedgerMisused(f"{step.name} attempt {step.attempt} of case {held.id} was intended already")
