"""Decides the next move of a live case that moves pending items onto the balance.

The order is credit, delete, correct: until the items are gone both exist, and nothing may be reserved (decision 0007).
What there is to delete and to correct is not decided from the ledger but from what Stripe shows: other deployments and
invoices have a say in it.
"""

from refund_worker.domain.cases import Case, SendAnswer, State, Step, StepState
from refund_worker.domain.moves import (
    AdoptByMark,
    CompleteItems,
    GoOn,
    IntendCredit,
    Look,
    LookForOthers,
    LookTwice,
    Move,
    Resend,
    Wait,
)
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import (
    ABSENT_AFTER_500,
    ABSENT_BY_MARK,
    KEY_PARAMETERS_DIFFER,
    NEVER_SENT,
    OTHERS_CONVERSION,
    first_intent,
    latest_attempts,
    may_credit,
    may_have_gone_out,
)


def next_conversion_move(case: Case, *, now: int, halted: bool) -> Move:
    """Return what a live conversion needs next.

    Args:
        case: With all its steps.
        now: Epoch seconds.
        halted: A halt stands: nothing is sent. No cash can leave while a conversion is unfinished, so it may wait.
    """
    if case.state is State.DELETING:
        return CompleteItems()
    credit = latest_attempts(case.steps).get("credit_items")
    if credit is None:
        return GoOn(state=State.CLOSED, reason=Reason.HALTED) if halted else IntendCredit()
    if credit.state is StepState.ACCEPTED:
        return GoOn(state=State.DELETING, reason=None)
    if credit.state is StepState.REFUSED:
        return _refused(case, credit, now=now, halted=halted)
    if halted and not may_have_gone_out(credit):
        return GoOn(state=State.CLOSED, reason=Reason.HALTED)
    move = _unanswered(case, credit, now=now)
    return Look(step=credit) if halted and isinstance(move, Resend | Wait) else move


def _refused(case: Case, credit: Step, *, now: int, halted: bool) -> Move:
    if credit.code == ABSENT_AFTER_500 and may_credit(case, now=now):
        return GoOn(state=State.CLOSED, reason=Reason.HALTED) if halted else IntendCredit()
    return GoOn(state=State.CLOSED, reason=_why_not_credited(credit))


def _unanswered(case: Case, credit: Step, *, now: int) -> Move:
    if may_credit(case, now=now):
        if credit.code == KEY_PARAMETERS_DIFFER:
            return LookForOthers(step=credit)
        answers = [send.answer for send in credit.sends if send.answer is not None]
        stored = answers and answers[-1] is SendAnswer.STORED_500
        return LookTwice(step=credit) if stored else Resend(step=credit)
    close_at = first_intent(case) + CLOSE_BY_MARK_AFTER_S
    return Wait(until=close_at) if now < close_at else AdoptByMark(steps=(credit,))


def _why_not_credited(credit: Step) -> Reason:
    if credit.code in {"401", "403"}:
        return Reason.PERMISSION_MISSING
    if credit.code in {OTHERS_CONVERSION, NEVER_SENT}:
        return Reason.ITEMS_CHANGED
    if credit.code in {ABSENT_BY_MARK, ABSENT_AFTER_500}:
        return Reason.CLOSED_BY_MARK
    return Reason.CUSTOMER_DELETED if credit.code == "resource_missing" else Reason.RESERVE_REFUSED
