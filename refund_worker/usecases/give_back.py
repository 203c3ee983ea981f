"""Gives back what a reserve did not turn into refunds: at most the mark's rest, as Stripe shows it.

Every give-back and re-credit, by whomever, goes through here (rules GIVE_BACK_AT_MOST_THE_MARKS_REST and
GIVE_BACK_KEY_IS_COMPARE_AND_SET): the key names the debit and the sum given back so far, so that of two deployments
that saw the same rest only one moves money, and the other is told to look again.
"""

from collections import Counter

from refund_worker.domain.cases import Case, Claim, Outcome, SendAnswer, State, Step, StepState
from refund_worker.domain.facts import Refund
from refund_worker.domain.marks import Mark, give_back_key, readable_mark, write_mark
from refund_worker.domain.protocol import LOOKUPS_APART_S, PAUSES_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import (
    ABSENT_AFTER_500,
    KEY_PARAMETERS_DIFFER,
    latest_attempts,
    refunded_minor,
    returned_minor,
)
from refund_worker.usecases.mark_view import (
    MarkView,
    charges_of,
    next_name,
    record_what_stripe_shows,
    transactions_to,
    view_of,
)
from refund_worker.usecases.send_step import intend_and_send, resend
from refund_worker.usecases.world import World

GIVE_BACK_DESCRIPTION = "Reserved credit given back"
_LOOKS_MAX = 10
# Rules STORED_500_NEEDS_TWO_ABSENT_LOOKUPS and MISMATCHED_KEY_IS_SPENT: two looks, 30 seconds apart, show no change.
_LOOKS_AT_A_SPENT_KEY = 2


def give_back(world: World, claim: Claim, case: Case, debit: Step) -> bool:
    """Give back the mark's rest until ledger and Stripe agree that none is left.

    Returns:
        False where the case must stay live for now (its reason is noted); True where the saga can go on.
    """
    spent: Counter[str] = Counter()
    for look in range(_LOOKS_MAX):
        transactions = transactions_to(world, case, debit)
        if transactions is None:
            return _owe(world, claim)
        view = view_of(transactions=transactions, charges=charges_of(world, case), debit=debit, case=case)
        case = record_what_stripe_shows(world, claim, case, view)
        if debit.amount_minor == refunded_minor(case) + returned_minor(case):
            return True
        if view.rest_minor <= 0:
            return _leave(
                world, claim, Reason.OVERDRAWN_RESERVATION, "Stripe shows more returned than the ledger knows"
            )
        step = _give_back_step(case, debit, view, now=world.clock.now())
        if spent[step.key] == _LOOKS_AT_A_SPENT_KEY:
            _give_up(world, claim, step)
            continue
        answer, code = _send(world, claim, case, step)
        if answer is SendAnswer.ACCEPTED:
            return True
        if code == "resource_missing":
            return _owe(world, claim)
        if answer is SendAnswer.STORED_500 or code == KEY_PARAMETERS_DIFFER:
            spent[step.key] += 1
            world.clock.sleep(LOOKUPS_APART_S)
        else:
            world.clock.sleep(PAUSES_S[min(look, len(PAUSES_S) - 1)])
    return _leave(world, claim, Reason.ANSWER_UNKNOWN, "the give-back has no answer yet; `resume` tries again")


def _send(world: World, claim: Claim, case: Case, step: Step) -> tuple[SendAnswer, str | None]:
    """Send the give-back; returns the answer and Stripe's error code."""
    if step.key in {one.key for one in case.steps}:
        answer = resend(world, claim, step)
    else:
        answer = intend_and_send(world, claim, step)
    after = world.ledger.case(case.id)
    return answer, next((one.code for one in (after.steps if after else ()) if one.key == step.key), None)


def _give_up(world: World, claim: Claim, step: Step) -> None:
    """The key is spent: its stored answer moved nothing. The next attempt has another key."""
    with world.ledger.writing() as writer:
        writer.given_up(claim, step=step.name, attempt=step.attempt, code=ABSENT_AFTER_500, now=world.clock.now())


def _give_back_step(case: Case, debit: Step, view: MarkView, *, now: int) -> Step:
    """The give-back to send now: the one whose key stands at the sum given back so far, or a new one.

    The attempt grows only with keys that are spent for good (rule GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT): another
    deployment may still be about to send the same key.
    """
    returned = view.returned_minor
    same_sum = [one for one in case.steps if one.key.startswith(_key_stem(debit, returned))]
    attempt = 1 + sum(one.state is StepState.REFUSED for one in same_sum)
    key = give_back_key(debit=str(debit.stripe_id), returned_minor=returned, attempt=attempt)
    known = next((one for one in case.steps if one.key == key), None)
    if known is not None:
        return known
    failed = _failed_refund(view)
    kind, amount = "give_back", view.rest_minor
    if failed is not None:
        kind, amount = "recredit", min(failed.amount_minor, amount)
    name = next_name(kind, latest_attempts(case.steps))
    mark = Mark(
        case=case.id,
        run=case.run,
        step=name,
        debit=debit.stripe_id,
        refund=failed.id if failed else None,
    )
    return Step(
        name=name,
        attempt=attempt,
        key=key,
        amount_minor=amount,
        target=case.plan.customer,
        params={
            "customer": case.plan.customer,
            "amount": -amount,
            "currency": case.plan.currency,
            "description": GIVE_BACK_DESCRIPTION,
            "metadata": write_mark(mark),
        },
        before_minor=view.ending_balance_minor,
        state=StepState.INTENDED,
        intended_at=now,
    )


def _failed_refund(view: MarkView) -> Refund | None:
    """A refund of the mark that failed or was canceled and is not re-credited (rule FAILED_REFUND_IS_RECREDITED)."""
    marks = [readable_mark(movement.metadata) for movement in view.returned]
    recredited = {mark.refund for mark in marks if mark is not None}
    return next((one for one in view.refunds if not one.stands and one.id not in recredited), None)


def _key_stem(debit: Step, returned: int) -> str:
    return give_back_key(debit=str(debit.stripe_id), returned_minor=returned, attempt=0)[:-1]


def _owe(world: World, claim: Claim) -> bool:
    """The customer is gone and cannot be given the credit back: a person pays by hand (`owed`)."""
    with world.ledger.writing() as writer:
        writer.move(claim, state=State.OWED, outcome=Outcome.OWED, reason=Reason.CREDIT_OWED, now=world.clock.now())
    return True


def _leave(world: World, claim: Claim, reason: Reason, detail: str) -> bool:
    with world.ledger.writing() as writer:
        writer.note(claim, outcome=Outcome.UNKNOWN, reason=reason, detail=detail, now=world.clock.now())
    return False
