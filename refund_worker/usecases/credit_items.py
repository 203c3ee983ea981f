"""Sends a conversion's credit: once for the same items, whoever sends it (rule CREDIT_KEY_NAMES_THE_ITEMS)."""

from refund_worker.domain.carried import movements_of
from refund_worker.domain.cases import Case, Claim, Outcome, Step, StepState
from refund_worker.domain.conversions import Conversion
from refund_worker.domain.marks import credit_key, mark_of, write_mark
from refund_worker.domain.protocol import LOOKUPS_APART_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import ABSENT_AFTER_500, NEVER_SENT, OTHERS_CONVERSION, may_have_gone_out
from refund_worker.usecases.conversion_view import transactions_of
from refund_worker.usecases.look_by_mark import adopt_if_found
from refund_worker.usecases.send_step import intend_and_send
from refund_worker.usecases.world import World

CREDIT_DESCRIPTION = "Credit for unused time that no invoice will take"


def credit_step(case: Case, *, attempt: int, now: int) -> Step:
    """The credit of a conversion: the sum of its items, marked with them."""
    (conversion,) = case.plan.conversions
    customer = case.plan.customer
    return Step(
        name="credit_items",
        attempt=attempt,
        key=credit_key(conversion, customer=customer, attempt=attempt),
        amount_minor=conversion.credit_minor,
        target=customer,
        params={
            "customer": customer,
            "amount": -conversion.credit_minor,
            "currency": conversion.currency,
            "description": CREDIT_DESCRIPTION,
            "metadata": write_mark(mark_of(conversion, customer=customer, case=case.id, run=case.run)),
        },
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=now,
    )


def next_attempt(world: World, conversion: Conversion, *, customer: str) -> int:
    """The first attempt of a credit whose key no case of this ledger has used."""
    used = {step.key for case in world.ledger.cases_of_customer(customer) for step in case.steps}
    attempt = 1
    while credit_key(conversion, customer=customer, attempt=attempt) in used:
        attempt += 1
    return attempt


def still_pending(world: World, conversion: Conversion, *, customer: str) -> bool:
    """Whether every item of a conversion is pending now as it was when it was planned."""
    pending = {item.id: item for item in world.stripe.pending_items(customer)}
    return all(
        (found := pending.get(one.item)) is not None
        and (found.amount_minor, found.currency) == (one.amount_minor, conversion.currency)
        # One that names none was found to be this one's when it was planned: what tells so does not change any more.
        and found.subscription in {conversion.subscription, None}
        for one in conversion.items
    )


def intend_credit(world: World, claim: Claim, case: Case) -> bool:
    """Record and send another attempt of the credit, where its items are pending still.

    Returns:
        False where the case must stay live for now; True where the saga can go on.
    """
    (conversion,) = case.plan.conversions
    attempt = next_attempt(world, conversion, customer=case.plan.customer)
    step = credit_step(case, attempt=attempt, now=world.clock.now())
    if still_pending(world, conversion, customer=case.plan.customer):
        intend_and_send(world, claim, step)
        return True
    with world.ledger.writing() as writer:
        writer.intend(claim, step)
        writer.given_up(claim, step=step.name, attempt=step.attempt, code=NEVER_SENT, now=world.clock.now())
    return True


def may_credit_again(world: World, claim: Claim, case: Case, step: Step) -> bool | None:
    """Whether a credit without an answer may be sent again by whoever took its case over: its items must be pending.

    Returns:
        True where it may; None where it was never sent and is given up; False where it may have been sent: the case
        waits until its key is pruned.
    """
    (conversion,) = case.plan.conversions
    if still_pending(world, conversion, customer=case.plan.customer):
        return True
    with world.ledger.writing() as writer:
        if may_have_gone_out(step):
            detail = "its items are not as they were; the credit is not sent again"
            writer.note(
                claim,
                outcome=Outcome.UNKNOWN,
                reason=Reason.ANSWER_UNKNOWN,
                detail=detail,
                now=world.clock.now(),
            )
            return False
        writer.given_up(claim, step=step.name, attempt=step.attempt, code=NEVER_SENT, now=world.clock.now())
        return None


def look_for_others(world: World, claim: Claim, case: Case, step: Step) -> None:
    """The credit's key is bound to another deployment's: find its mark, or learn that the key is spent.

    Found, the other's conversion is completed when the customer is planned anew. Absent twice, 30 seconds apart: what
    bound the key moved nothing (rule MISMATCHED_KEY_IS_SPENT).
    """
    (conversion,) = case.plan.conversions
    names = [item.item for item in conversion.items]
    for look in range(2):
        if adopt_if_found(world, claim, case, step):
            return
        if movements_of(names, transactions=transactions_of(world, case) or ()) > conversion.earlier:
            _give_up(world, claim, step, code=OTHERS_CONVERSION)
            return
        if not look:
            world.clock.sleep(LOOKUPS_APART_S)
    _give_up(world, claim, step, code=ABSENT_AFTER_500)


def _give_up(world: World, claim: Claim, step: Step, *, code: str) -> None:
    with world.ledger.writing() as writer:
        writer.given_up(claim, step=step.name, attempt=step.attempt, code=code, now=world.clock.now())
