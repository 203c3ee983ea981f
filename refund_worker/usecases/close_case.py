"""Closes a case: whom it leaves to be planned anew, and of what people are told, before its end is committed.

The queue and the outbox hold each customer and each message once, so that a case whose worker died between the two
may be closed again.
"""

from refund_worker.domain.cases import Case, Claim, Outcome, State, StepState
from refund_worker.domain.failed_refunds import failed_notice
from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import ABSENT_BY_MARK, NEVER_SENT, may_have_gone_out, refunded_minor
from refund_worker.usecases.world import World

# Something changed, or was interrupted: the same customer may have another plan now.
PLANNED_ANEW = frozenset(
    {
        Reason.CHARGE_CHANGED,
        Reason.CLOSED_BY_MARK,
        Reason.CREDIT_MOVED,
        Reason.HALTED,
        Reason.ITEMS_CHANGED,
        Reason.PLAN_STALE,
        Reason.REFUND_FAILED,
        Reason.TOO_LATE,
    }
)


def close_case(world: World, claim: Claim, case: Case, *, reason: Reason | None) -> None:
    """End a case of which nothing is reserved any more."""
    tell_of_failed_refunds(world, case)
    # A conversion that was interrupted is over; what it put on the balance nobody plans here and now.
    if reason in PLANNED_ANEW or (case.converts and case.fence > 1):
        want_again(world, case, cause=Cause.REFUND_FAILED if reason is Reason.REFUND_FAILED else Cause.AGAIN)
    now = world.clock.now()
    with world.ledger.writing() as writer:
        # What is open here moved nothing: a give-back whose key is bound to another's, as Stripe shows no rest; or
        # what a halt kept from being sent.
        for step in case.steps:
            if step.state in {StepState.INTENDED, StepState.UNKNOWN}:
                code = ABSENT_BY_MARK if may_have_gone_out(step) else NEVER_SENT
                writer.given_up(claim, step=step.name, attempt=step.attempt, code=code, now=now)
        writer.move(claim, state=State.CLOSED, outcome=outcome_of(case), reason=reason, now=now)


def outcome_of(case: Case) -> Outcome:
    """What a case that closes now has become: by its accepted refunds against its refundable lots."""
    refunded = refunded_minor(case)
    if refunded and refunded == case.plan.refundable_minor:
        return Outcome.REFUNDED
    return Outcome.PARTLY_REFUNDED if refunded else Outcome.SKIPPED


def want_again(world: World, case: Case, *, cause: Cause) -> None:
    """Put the customer of a case into the queue, due when the case is closed and its events have settled."""
    now = world.clock.now()
    wanted = Wanted(customer=case.plan.customer, cause=cause, due_at=now + world.settling_s)
    world.queue.want([wanted], now=now)


def tell_of_failed_refunds(world: World, case: Case) -> None:
    """Put a message for each refund of the case that failed into the outbox; one that was told is not told again."""
    for step in case.steps:
        if step.kind == "refund" and step.state is StepState.ACCEPTED and not step.stands:
            notice = failed_notice(
                case, refund=str(step.stripe_id), amount_minor=step.amount_minor, status=str(step.status)
            )
            world.queue.notify(notice, now=world.clock.now())
