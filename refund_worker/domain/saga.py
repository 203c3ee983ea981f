"""Decides the next move of a live case from its records and the time.

Pure: the use case carries the move out and asks again.
The order is reserve, refund newest first, close (decision 0002). Every branch that a rule closes names it
(`domain.protocol` has the list).
"""

from collections import Counter
from collections.abc import Iterable

from refund_worker.domain.allocation import ANY_SUBSCRIPTION, allocate
from refund_worker.domain.cases import CONVERTING, Case, SendAnswer, State, Step, StepState
from refund_worker.domain.conversion_saga import next_conversion_move
from refund_worker.domain.currencies import step_minor
from refund_worker.domain.lot_book import is_named
from refund_worker.domain.moves import (
    AdoptByMark,
    Cover,
    GiveBack,
    GoOn,
    IntendRefund,
    IntendReserve,
    Look,
    LookTwice,
    Move,
    Resend,
    Wait,
)
from refund_worker.domain.plans import Plan, PlannedRefund
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S, PLAN_FRESH_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import (
    ABSENT_AFTER_500,
    ABSENT_BY_MARK,
    AMOUNT_ABOVE_REMAINING,
    CHANGED_CODES,
    debit_of,
    first_intent,
    invoice_of,
    latest_attempts,
    may_have_gone_out,
    may_send,
    refund_failed,
    refund_was_sent,
    refunded_minor,
    returned_minor,
)

_FUNDS_CODES = frozenset({"balance_insufficient", "insufficient_funds"})


def next_move(case: Case, *, now: int, halted: bool = False) -> Move:
    """Return what a live case needs next.

    Args:
        case: A live case with all its steps.
        now: Epoch seconds.
        halted: A halt stands: nothing begins, and what was begun without a refund is given back.
    """
    if case.state in CONVERTING:
        return next_conversion_move(case, now=now, halted=halted)
    if halted and case.state is not State.CLOSING and not refund_was_sent(case):
        return _halted(case, now=now)
    match case.state:
        case State.RESERVING:
            return _reserving(case, now=now)
        case State.REFUNDING:
            return _refunding(case, now=now)
        case _:
            return _closing(case)


def _halted(case: Case, *, now: int) -> Move:
    """Begin nothing: give back what is reserved, look for what may be (rule HALT_BEGINS_NOTHING)."""
    reserve = latest_attempts(case.steps).get("reserve")
    if reserve is None:
        return GoOn(state=State.CLOSED, reason=Reason.HALTED)
    if reserve.state is StepState.ACCEPTED:
        return GoOn(state=State.CLOSING, reason=Reason.HALTED)
    if not may_have_gone_out(reserve):
        refused = reserve.state is StepState.REFUSED and reserve.code != ABSENT_AFTER_500
        return GoOn(state=State.CLOSED, reason=_why_not_reserved(reserve) if refused else Reason.HALTED)
    move = _unanswered(case, reserve, now=now)
    return Look(step=reserve) if isinstance(move, Resend | Wait) else move


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
    close_at = first_intent(case) + CLOSE_BY_MARK_AFTER_S
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
        name=f"refund:{_numbered(latest) + 1}",
        attempt=1,
        charge=refund.charge,
        invoice=refund.invoice,
        amount_minor=refund.amount_minor,
    )


def _numbered(names: Iterable[str]) -> int:
    """The highest number of a refund's name: one that was adopted may have left a gap, whose key may be spent."""
    return max((int(name.partition(":")[2]) for name in names), default=0)


def next_refund(case: Case) -> PlannedRefund | None:
    """The next refund of what is reserved, covered and not refunded, newest charge first; None where nothing is left.

    A charge that refused for good is passed over, and the next eligible one takes its part.
    """
    wanted = _wanted_by_subscription(case.plan)
    subscriptions = {(one.charge, one.invoice): one.subscription for one in case.plan.candidates}
    used: Counter[tuple[str, str]] = Counter()
    closed: set[str] = set()
    for step in latest_attempts(one for one in case.steps if one.kind == "refund").values():
        # A refund of the mark that an older copy of the ledger forgot may be over a charge that the plan did not name.
        subscription = subscriptions.get((step.target, invoice_of(step)), ANY_SUBSCRIPTION)
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
        invoice=invoice_of(step),
        amount_minor=step.amount_minor,
    )


def _stops_the_case(step: Step) -> Reason | None:
    if step.state is not StepState.REFUSED:
        return None
    if step.code in CHANGED_CODES or step.code == AMOUNT_ABOVE_REMAINING:
        return Reason.CHARGE_CHANGED
    if step.code in _FUNDS_CODES:
        return Reason.FUNDS_INSUFFICIENT
    if step.code in {"401", "403"}:
        return Reason.PERMISSION_MISSING
    return None


def _closing(case: Case) -> Move:
    debit = debit_of(case)
    if debit is None or debit.amount_minor == refunded_minor(case) + returned_minor(case):
        return GoOn(state=State.CLOSED, reason=case.reason or _why_less(case))
    return GiveBack(debit=debit)


def _why_less(case: Case) -> Reason | None:
    """Why a case that was closed before, and opened again for a refund that failed, has less than its plan."""
    short = refunded_minor(case) < case.plan.planned_minor
    return Reason.REFUND_FAILED if short and refund_failed(case) else None


def _why_not_all(case: Case) -> Reason | None:
    if refunded_minor(case) >= case.plan.planned_minor:
        return None if case.plan.planned_minor == case.plan.refundable_minor else Reason.CHARGES_EXHAUSTED
    if (case.covered_minor or 0) < case.plan.planned_minor:
        return Reason.CREDIT_MOVED
    return Reason.REFUND_FAILED if refund_failed(case) else Reason.CHARGES_EXHAUSTED


def _why_not_reserved(step: Step) -> Reason:
    if step.code in {"401", "403"}:
        return Reason.PERMISSION_MISSING
    if step.code == ABSENT_BY_MARK:
        return Reason.CLOSED_BY_MARK
    return Reason.CUSTOMER_DELETED if step.code == "resource_missing" else Reason.RESERVE_REFUSED
