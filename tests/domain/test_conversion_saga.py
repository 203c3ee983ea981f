"""What a live conversion needs next: credit, then whatever Stripe shows is left to delete and to correct."""

from dataclasses import replace

import pytest

from refund_worker.domain.cases import Case, Send, SendAnswer, State, Step, StepState
from refund_worker.domain.conversions import Conversion, NamedItem
from refund_worker.domain.credit import Cause
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
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason
from refund_worker.domain.saga import next_move
from refund_worker.domain.steps import (
    ABSENT_AFTER_500,
    ABSENT_BY_MARK,
    KEY_PARAMETERS_DIFFER,
    NEVER_SENT,
    OTHERS_CONVERSION,
)

BEGAN, HOUR = 1_800_000_000, 3_600
CONVERSION = Conversion(
    subscription="sub_1",
    currency="usd",
    items=(NamedItem(item="ii_a", amount_minor=-500),),
    proration_minor=500,
    cause=Cause.CANCELLATION,
)
PLAN = Plan(
    customer="cus_1", currency="usd", credit_minor=0, excluded_minor=0, refundable_minor=0, lots=(), named_lots=(),
    candidates=(), refunds=(), reason=None, held=False, numbers={}, digest="d", conversions=(CONVERSION,),
)  # fmt: skip


def a_case(*steps: Step, state: State = State.CREDITING) -> Case:
    return Case(
        id="case_1", run="run_1", account="acct_1", livemode=False, plan=PLAN, state=state, outcome=None, reason=None,
        opened_at=BEGAN, closed_at=None, covered_minor=None, fence=1, steps=steps,
    )  # fmt: skip


def credit(state: StepState, *, code: str | None = None, answer: SendAnswer | None = SendAnswer.UNKNOWN) -> Step:
    sent = Send(fence=1, sent_at=BEGAN, answered_at=BEGAN if answer else None, answer=answer)
    return Step(
        name="credit_items", attempt=1, key="k", amount_minor=500, target="cus_1", params={}, before_minor=None,
        state=state, intended_at=BEGAN, code=code, sends=(sent,),
    )  # fmt: skip


UNKNOWN = credit(StepState.UNKNOWN)
OTHERS = credit(StepState.UNKNOWN, code=KEY_PARAMETERS_DIFFER)
STORED = credit(StepState.UNKNOWN, answer=SendAnswer.STORED_500)
NOT_SENT = credit(StepState.INTENDED, answer=SendAnswer.NOTHING_HAPPENED)
ACCEPTED = credit(StepState.ACCEPTED, answer=SendAnswer.ACCEPTED)
HALTED = GoOn(state=State.CLOSED, reason=Reason.HALTED)


def refused(code: str) -> Step:
    return credit(StepState.REFUSED, code=code, answer=SendAnswer.REFUSED)


def ended(reason: Reason) -> GoOn:
    return GoOn(state=State.CLOSED, reason=reason)


@pytest.mark.parametrize(
    ("steps", "age", "move"),
    [
        ((), 0, IntendCredit()),
        ((UNKNOWN,), 4 * HOUR - 1, Resend(step=UNKNOWN)),
        ((UNKNOWN,), 4 * HOUR, Wait(until=BEGAN + 24 * HOUR)),
        ((UNKNOWN,), 24 * HOUR - 1, Wait(until=BEGAN + 24 * HOUR)),
        ((UNKNOWN,), 24 * HOUR, AdoptByMark(steps=(UNKNOWN,))),
        ((OTHERS,), 0, LookForOthers(step=OTHERS)),
        ((STORED,), 0, LookTwice(step=STORED)),
        ((ACCEPTED,), 0, GoOn(state=State.DELETING, reason=None)),
        ((refused(ABSENT_AFTER_500),), 4 * HOUR - 1, IntendCredit()),
        ((refused(ABSENT_AFTER_500),), 4 * HOUR, ended(Reason.CLOSED_BY_MARK)),
        ((refused(ABSENT_BY_MARK),), 0, ended(Reason.CLOSED_BY_MARK)),
        ((refused(OTHERS_CONVERSION),), 0, ended(Reason.ITEMS_CHANGED)),
        ((refused(NEVER_SENT),), 0, ended(Reason.ITEMS_CHANGED)),
        ((refused("403"),), 0, ended(Reason.PERMISSION_MISSING)),
        ((refused("resource_missing"),), 0, ended(Reason.CUSTOMER_DELETED)),
        ((refused("balance_invalid"),), 0, ended(Reason.RESERVE_REFUSED)),
    ],
)
def test_the_next_move_while_the_credit_is_out(steps: tuple[Step, ...], age: int, move: Move) -> None:
    assert next_move(a_case(*steps), now=BEGAN + age) == move


@pytest.mark.parametrize(
    ("steps", "age", "move"),
    [
        ((), 0, HALTED),
        ((NOT_SENT,), 0, HALTED),
        ((UNKNOWN,), 0, Look(step=UNKNOWN)),
        ((UNKNOWN,), 5 * HOUR, Look(step=UNKNOWN)),
        ((UNKNOWN,), 24 * HOUR, AdoptByMark(steps=(UNKNOWN,))),
        ((refused(ABSENT_AFTER_500),), 0, HALTED),
        ((ACCEPTED,), 0, GoOn(state=State.DELETING, reason=None)),
    ],
)
def test_during_a_halt_no_credit_is_sent(steps: tuple[Step, ...], age: int, move: Move) -> None:
    assert next_move(a_case(*steps), now=BEGAN + age, halted=True) == move


def test_what_is_credited_is_completed_from_what_stripe_shows() -> None:
    case = a_case(ACCEPTED, state=State.DELETING)
    assert next_move(case, now=BEGAN + 99 * HOUR) == CompleteItems()
    assert next_move(replace(case, steps=()), now=BEGAN) == CompleteItems()
