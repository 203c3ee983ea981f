"""Decides the next move of a live case from its records and the time.

Pure: the use case carries the move out and asks again.
The order is reserve, refund newest first, close (decision 0002). Every branch that a rule closes names it
(`domain.protocol` has the list).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from refund_worker.domain.allocation import ANY_SUBSCRIPTION, allocate
from refund_worker.domain.cases import Case, SendAnswer, State, Step, StepState
from refund_worker.domain.currencies import step_minor
from refund_worker.domain.lot_book import is_named
from refund_worker.domain.marks import INVOICE
from refund_worker.domain.plans import Plan, PlannedRefund
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S, PLAN_FRESH_S, SEND_WITHIN_S
from refund_worker.domain.reasons import Reason

# Stripe's words for "less is left on this charge than you think"; asking for more than remains has no code but this
# parameter (recorded from the API).
_CHANGED_CODES = frozenset({"charge_already_refunded", "amount_too_large"})
_FUNDS_CODES = frozenset({"balance_insufficient", "insufficient_funds"})
ABSENT_AFTER_500 = "absent_after_stored_500"
ABSENT_BY_MARK = "absent_by_mark"
AMOUNT_ABOVE_REMAINING = "amount_above_remaining"


@dataclass(frozen=True, slots=True)
class IntendReserve:
    """Record and send the reserve's next attempt."""

    attempt: int


@dataclass(frozen=True, slots=True)
class IntendRefund:
    """Record and send a refund's attempt."""

    name: str
    attempt: int
    charge: str
    invoice: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Resend:
    """Send an attempt again, same key, same parameters (rule SAME_KEY_AFTER_UNKNOWN)."""

    step: Step


@dataclass(frozen=True, slots=True)
class LookTwice:
    """Look for an attempt by its mark, twice (rule STORED_500_NEEDS_TWO_ABSENT_LOOKUPS)."""

    step: Step


@dataclass(frozen=True, slots=True)
class Cover:
    """Find what the lots covered of the accepted reserve; `expected` says that its ending balance told of no move."""

    step: Step
    expected: bool


@dataclass(frozen=True, slots=True)
class AdoptByMark:
    """Adopt or give up every attempt without an answer by its mark (rule CLOSE_BY_MARK_AFTER_24_HOURS)."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class GoOn:
    """Move to another state, nothing to send."""

    state: State
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Give back the mark's rest, as Stripe shows it."""

    debit: Step


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be sent before then; the case stays live."""

    until: int


Move = IntendReserve | IntendRefund | Resend | LookTwice | Cover | AdoptByMark | GoOn | GiveBack | Wait


def next_move(case: Case, *, now: int) -> Move:
    """Return what a live case needs next.

    Args:
        case: A live case with all its steps.
        now: Epoch seconds.
    """
    match case.state:
        case State.RESERVING:
            return _reserving(case, now=now)
        case State.REFUNDING:
            return _refunding(case, now=now)
        case _:
            return _closing(case)


def debit_of(case: Case) -> Step | None:
    """The accepted reserve of a case, or None."""
    return next((step for step in case.steps if step.kind == "reserve" and step.state is StepState.ACCEPTED), None)


def refunded_minor(case: Case) -> int:
    """The sum of the refunds that were accepted and have not failed; pending ones count."""
    return sum(step.amount_minor for step in case.steps if step.kind == "refund" and step.stands)


def returned_minor(case: Case) -> int:
    """The sum given back and re-credited."""
    return sum(step.amount_minor for step in case.steps if step.kind in {"give_back", "recredit"} and step.stands)


def latest_attempts(steps: Iterable[Step]) -> dict[str, Step]:
    """The newest attempt of each step, in the order of the steps' first intents."""
    latest: dict[str, Step] = {}
    for step in steps:
        if step.name not in latest or latest[step.name].attempt < step.attempt:
            latest[step.name] = step
    return latest


def may_send(case: Case, *, now: int) -> bool:
    """Whether a reserve or refund may still be sent (rule SEND_WITHIN_20_HOURS)."""
    return now - _first_intent(case) < SEND_WITHIN_S


def refusal_is_definite(step: Step, *, replayed: bool) -> bool:
    """Whether a refusal just received ends the attempt (rule DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND).

    A replayed refusal is stored under the key: whatever is still on its way gets the same answer. A fresh one proves
    nothing about an earlier send that may still arrive - of a paused worker, or of ours that timed out - and never
    about a give-back, whose key another deployment may be about to send (rule
    GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT).

    Args:
        step: The attempt with the sends recorded so far; the newest is the one that was refused.
        replayed: The answer carried `Idempotent-Replayed`.
    """
    if replayed:
        return True
    earlier = step.sends[:-1]
    return step.kind in {"reserve", "refund"} and all(send.answer not in {None, SendAnswer.UNKNOWN} for send in earlier)


def is_changed_charge(*, code: str | None, param: str | None) -> bool:
    """Whether Stripe says that less is left on the charge than asked for (rule CHANGED_CHARGE_STOPS_THE_CASE)."""
    return code in _CHANGED_CODES or (code is None and param == "amount")


def _reserving(case: Case, *, now: int) -> Move:
    latest = latest_attempts(case.steps).get("reserve")
    if latest is None:
        return IntendReserve(attempt=1)
    if latest.state is StepState.ACCEPTED:
        return _after_reserve(case, latest, now=now)
    if latest.state is StepState.REFUSED:
        if latest.code == ABSENT_AFTER_500 and may_send(case, now=now):
            return IntendReserve(attempt=latest.attempt + 1)
        return GoOn(state=State.CLOSED, reason=_why_not_reserved(latest))
    return _unanswered(case, latest, now=now)


def _after_reserve(case: Case, reserve: Step, *, now: int) -> Move:
    if case.covered_minor is not None:
        return GoOn(state=State.REFUNDING, reason=None)
    if not may_send(case, now=now):
        return GoOn(state=State.CLOSING, reason=Reason.TOO_LATE)
    if _is_stale(case, now=now):
        return GoOn(state=State.CLOSING, reason=Reason.PLAN_STALE)
    # An expected ending balance is trusted only moments after the plan: by the claim that opened the case.
    expected = (
        case.fence == 1
        and reserve.before_minor is not None
        and (reserve.ending_balance_minor == reserve.before_minor + reserve.amount_minor)
    )
    return Cover(step=reserve, expected=expected)


def _unanswered(case: Case, step: Step, *, now: int) -> Move:
    if may_send(case, now=now):
        answers = [send.answer for send in step.sends if send.answer is not None]
        if answers and answers[-1] is SendAnswer.STORED_500:
            return LookTwice(step=step)
        return Resend(step=step)
    close_at = _first_intent(case) + CLOSE_BY_MARK_AFTER_S
    if now < close_at:
        return Wait(until=close_at)
    return AdoptByMark(steps=tuple(one for one in case.steps if one.state in {StepState.INTENDED, StepState.UNKNOWN}))


def _refunding(case: Case, *, now: int) -> Move:
    latest = latest_attempts(step for step in case.steps if step.kind == "refund")
    for step in latest.values():
        if step.state in {StepState.INTENDED, StepState.UNKNOWN}:
            return _unanswered(case, step, now=now)
        if step.state is StepState.REFUSED and step.code == ABSENT_AFTER_500 and may_send(case, now=now):
            return _again(step)
        stop = _stops_the_case(step)
        if stop is not None:
            return GoOn(state=State.CLOSING, reason=stop)
    refund = next_refund(case)
    if refund is None:
        return GoOn(state=State.CLOSING, reason=_why_not_all(case))
    if not may_send(case, now=now):
        return GoOn(state=State.CLOSING, reason=Reason.TOO_LATE)
    if _is_stale(case, now=now):
        return GoOn(state=State.CLOSING, reason=Reason.PLAN_STALE)
    return IntendRefund(
        name=f"refund:{len(latest) + 1}",
        attempt=1,
        charge=refund.charge,
        invoice=refund.invoice,
        amount_minor=refund.amount_minor,
    )


def next_refund(case: Case) -> PlannedRefund | None:
    """The next refund of what is reserved, covered and not refunded, newest charge first; None where nothing is left.

    A charge that refused for good is passed over, and the next eligible one takes its part.
    """
    wanted = _wanted_by_subscription(case.plan)
    subscriptions = {(one.charge, one.invoice): one.subscription for one in case.plan.candidates}
    used: Counter[tuple[str, str]] = Counter()
    closed: set[str] = set()
    for step in latest_attempts(one for one in case.steps if one.kind == "refund").values():
        subscription = subscriptions[step.target, _invoice_of(step)]
        if not step.stands:
            closed.add(step.target)
            continue
        used[step.target, subscription] += step.amount_minor
        own = min(step.amount_minor, wanted[subscription])
        wanted[subscription] -= own
        wanted[ANY_SUBSCRIPTION] -= step.amount_minor - own
    left = (case.covered_minor or 0) - used.total()  # rule REFUND_ONLY_WHAT_IS_RESERVED
    capped: dict[str, int] = {}
    for subscription, amount in wanted.items():
        capped[subscription] = max(0, min(amount, left))
        left -= capped[subscription]
    refunds = allocate(
        amounts=capped,
        candidates=case.plan.candidates,
        used=used,
        closed=closed,
        step_minor=step_minor(case.plan.currency),
    )
    return refunds[0] if refunds else None


def _wanted_by_subscription(plan: Plan) -> Counter[str]:
    """What the reserve named of each subscription's lots, minor units; credit of no subscription may use any charge."""
    wanted: Counter[str] = Counter()
    left = [lot.left_minor for lot in plan.lots]
    for name in plan.named_lots:
        amount = name.amount_minor
        for place, lot in enumerate(plan.lots):
            if is_named(lot, name):
                taken = min(left[place], amount)
                left[place] -= taken
                amount -= taken
                wanted[lot.subscription or ANY_SUBSCRIPTION] += taken
    return wanted


def _is_stale(case: Case, *, now: int) -> bool:
    """Interrupted, and resumed too late for its plan."""
    return case.fence > 1 and now - case.opened_at > PLAN_FRESH_S


def _again(step: Step) -> IntendRefund:
    return IntendRefund(
        name=step.name,
        attempt=step.attempt + 1,
        charge=step.target,
        invoice=_invoice_of(step),
        amount_minor=step.amount_minor,
    )


def _invoice_of(refund: Step) -> str:
    metadata = refund.params["metadata"]
    return str(metadata[INVOICE]) if isinstance(metadata, dict) else ""


def _stops_the_case(step: Step) -> Reason | None:
    if step.state is not StepState.REFUSED:
        return None
    if step.code in _CHANGED_CODES or step.code == AMOUNT_ABOVE_REMAINING:
        return Reason.CHARGE_CHANGED
    if step.code in _FUNDS_CODES:
        return Reason.FUNDS_INSUFFICIENT
    if step.code in {"401", "403"}:
        return Reason.PERMISSION_MISSING
    return None


def _closing(case: Case) -> Move:
    debit = debit_of(case)
    if debit is None or debit.amount_minor == refunded_minor(case) + returned_minor(case):
        return GoOn(state=State.CLOSED, reason=case.reason)
    return GiveBack(debit=debit)


def _why_not_all(case: Case) -> Reason | None:
    if refunded_minor(case) >= case.plan.planned_minor:
        return None if case.plan.planned_minor == case.plan.refundable_minor else Reason.CHARGES_EXHAUSTED
    if (case.covered_minor or 0) < case.plan.planned_minor:
        return Reason.CREDIT_MOVED
    failed = any(step.state is StepState.ACCEPTED and not step.stands for step in case.steps)
    return Reason.REFUND_FAILED if failed else Reason.CHARGES_EXHAUSTED


def _why_not_reserved(step: Step) -> Reason:
    if step.code in {"401", "403"}:
        return Reason.PERMISSION_MISSING
    if step.code == ABSENT_BY_MARK:
        return Reason.CLOSED_BY_MARK
    return Reason.CUSTOMER_DELETED if step.code == "resource_missing" else Reason.RESERVE_REFUSED


def _first_intent(case: Case) -> int:
    return min((step.intended_at for step in case.steps if step.kind == "reserve"), default=case.opened_at)
