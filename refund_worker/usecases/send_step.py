"""Sends one attempt of a step: intent first, then the last check, then the call, then what it brought."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from refund_worker.domain.cases import Case, Claim, SendAnswer, Step, StepState
from refund_worker.domain.errors import (
    ClaimLost,
    Halted,
    KeyParametersDiffer,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Retryable,
    StripeError,
    TooLate,
    Unauthorized,
)
from refund_worker.domain.facts import DeletionAnswer, MovementAnswer, RefundAnswer
from refund_worker.domain.marks import Mark, step_key, write_mark
from refund_worker.domain.moves import IntendRefund
from refund_worker.domain.steps import (
    AMOUNT_ABOVE_REMAINING,
    KEY_PARAMETERS_DIFFER,
    debit_of,
    goes_out_at_a_halt,
    is_changed_charge,
    may_credit,
    may_send,
    metadata_of,
    refusal_is_definite,
    signed_minor,
)
from refund_worker.ports import LedgerWriter
from refund_worker.usecases.world import World

RESERVE_DESCRIPTION = "Credit reserved for a refund"
_NOT_SENT: dict[type[Exception], str] = {ClaimLost: "claim_lost", Halted: "halted", TooLate: "too_late"}


def reserve_step(case: Case, *, attempt: int, now: int) -> Step:
    """The reserve of a case: a debit of exactly the planned sum, marked with the lots it takes."""
    plan = case.plan
    mark = Mark(case=case.id, run=case.run, step="reserve", lots=plan.named_lots)
    return Step(
        name="reserve",
        attempt=attempt,
        key=step_key(case=case.id, step="reserve", attempt=attempt),
        amount_minor=plan.planned_minor,
        target=plan.customer,
        params={
            "customer": plan.customer,
            "amount": plan.planned_minor,
            "currency": plan.currency,
            "description": RESERVE_DESCRIPTION,
            "metadata": write_mark(mark),
        },
        before_minor=-plan.credit_minor,
        state=StepState.INTENDED,
        intended_at=now,
    )


def intend_reserve(world: World, claim: Claim, case: Case, *, attempt: int) -> None:
    """Record and send another attempt of the reserve."""
    intend_and_send(world, claim, reserve_step(case, attempt=attempt, now=world.clock.now()))


def intend_refund(world: World, claim: Claim, case: Case, refund: IntendRefund) -> None:
    """Record and send an attempt of a refund over one charge."""
    debit = debit_of(case)
    mark = Mark(
        case=case.id,
        run=case.run,
        step=refund.name,
        debit=debit.stripe_id if debit else None,
        invoice=refund.invoice,
    )
    before = refunded_before(case, refund.charge)
    step = Step(
        name=refund.name,
        attempt=refund.attempt,
        key=step_key(case=case.id, step=refund.name, attempt=refund.attempt),
        amount_minor=refund.amount_minor,
        target=refund.charge,
        params={"charge": refund.charge, "amount": refund.amount_minor, "metadata": write_mark(mark)},
        before_minor=before,
        state=StepState.INTENDED,
        intended_at=world.clock.now(),
    )
    intend_and_send(world, claim, step)


def refunded_before(case: Case, charge: str) -> int | None:
    """What is refunded on a charge if nobody else touched it since the plan: its before-image and our own refunds."""
    image = next((one.refunded_minor for one in case.plan.candidates if one.charge == charge), None)
    ours = sum(
        step.amount_minor for step in case.steps if step.kind == "refund" and step.target == charge and step.stands
    )
    return None if image is None else image + ours


def resend(world: World, claim: Claim, step: Step) -> SendAnswer:
    """Send an attempt again: same key, same parameters (rule SAME_KEY_AFTER_UNKNOWN)."""
    with world.ledger.writing() as writer:
        writer.sending(claim, step=step.name, attempt=step.attempt, now=world.clock.now())
    return send_recorded(world, claim, step)


def send_recorded(world: World, claim: Claim, step: Step) -> SendAnswer:
    """Make the call for an attempt whose intent and sending are committed, and record what it brought.

    What the last check keeps from being sent is answered as a send that did nothing; only where another worker took
    the case over does it stay open, for then nothing may be written.

    Raises:
        ClaimLost: If the lease has ended before the send (rule CLAIM_YOUNGER_THAN_LEASE), or another worker took over.
        Unauthorized: If the key was refused; that is recorded like every other answer.
    """
    try:
        record = _accepted(world, claim, step)
    except NotSent as no:
        _record_not_sent(world, claim, step, code=_NOT_SENT[type(no)])
        return SendAnswer.NOTHING_HAPPENED
    except ClaimLost as lost:
        with suppress(ClaimLost):
            _record_not_sent(world, claim, step, code=_NOT_SENT[type(lost)])
        raise
    except StripeError as error:
        return _record_error(world, claim, step, error)
    with world.ledger.writing() as writer:
        record(writer)
    return SendAnswer.ACCEPTED


def check_before_send(world: World, claim: Claim, step: Step) -> None:
    """The last look before a request goes out, after all waiting; a pause from here on lasts under four hours.

    Raises:
        ClaimLost: If the claim is not the newest, or its lease has ended (rule CLAIM_YOUNGER_THAN_LEASE).
        TooLate: If it may not be sent any more (rules SEND_WITHIN_20_HOURS, CREDIT_WITHIN_4_HOURS).
        Halted: If a halt stands that this step must respect (rule HALT_BEGINS_NOTHING).
    """
    case = world.ledger.case(claim.case)
    if case is None or not case.live or case.fence != claim.fence:
        raise ClaimLost(f"another worker took case {claim.case} over before {step.name} was sent")
    halt = world.halted()
    if halt is not None and not goes_out_at_a_halt(case, step):
        raise Halted(f"{step.name} is not sent: {halt.reason}")
    now = world.clock.now()
    if now >= claim.lease_until:
        raise ClaimLost(f"the lease of case {claim.case} ended before {step.name} was sent")
    if step.kind in {"reserve", "refund"} and not may_send(case, now=now):
        raise TooLate(f"{step.name} is not sent: 20 hours have passed since the reserve's first intent")
    if step.kind == "credit_items" and not may_credit(case, now=now):
        raise TooLate(f"{step.name} is not sent: 4 hours have passed since its first intent")


def intend_and_send(world: World, claim: Claim, step: Step) -> SendAnswer:
    """Commit an attempt's intent and its sending, then send it (rule INTENT_BEFORE_SEND)."""
    with world.ledger.writing() as writer:
        writer.intend(claim, step)
        writer.sending(claim, step=step.name, attempt=step.attempt, now=world.clock.now())
    return send_recorded(world, claim, step)


def _accepted(world: World, claim: Claim, step: Step) -> Callable[[LedgerWriter], None]:
    answer = _call(world, step, check=partial(check_before_send, world, claim, step))
    now = world.clock.now()

    def record(writer: LedgerWriter) -> None:
        movement = answer.transaction if isinstance(answer, MovementAnswer) else None
        refund = answer.refund if isinstance(answer, RefundAnswer) else None
        deleted = answer.item if isinstance(answer, DeletionAnswer) else None
        writer.answered(
            claim,
            step=step.name,
            attempt=step.attempt,
            answer=SendAnswer.ACCEPTED,
            state=StepState.ACCEPTED,
            now=now,
            stripe_id=movement.id if movement else refund.id if refund else deleted,
            status=refund.status if refund else None,
            ending_balance_minor=movement.ending_balance_minor if movement else None,
            request_id=answer.request_id,
        )

    return record


def _call(world: World, step: Step, *, check: Callable[[], None]) -> MovementAnswer | RefundAnswer | DeletionAnswer:
    if step.kind == "delete_item":
        try:
            return world.stripe.delete_item(item=step.target, check=check)
        except NotFound as gone:  # deleted twice is deleted once
            return DeletionAnswer(item=step.target, request_id=gone.request_id)
    metadata = metadata_of(step)
    if not metadata:
        raise TypeError(f"{step.name} has no mark")
    if step.kind == "refund":
        return world.stripe.create_refund(
            charge=step.target, amount_minor=step.amount_minor, metadata=metadata, key=step.key, check=check
        )
    return world.stripe.create_movement(
        customer=step.target,
        amount_minor=signed_minor(step),
        currency=str(step.params["currency"]),
        description=str(step.params["description"]),
        metadata=metadata,
        key=step.key,
        check=check,
    )


def _record_not_sent(world: World, claim: Claim, step: Step, *, code: str) -> None:
    with world.ledger.writing() as writer:
        writer.answered(
            claim,
            step=step.name,
            attempt=step.attempt,
            answer=SendAnswer.NOTHING_HAPPENED,
            state=step.state,
            now=world.clock.now(),
            code=code,
        )


def _record_error(world: World, claim: Claim, step: Step, error: StripeError) -> SendAnswer:
    answer, state, code = SendAnswer.UNKNOWN, StepState.UNKNOWN, error.code
    match error:
        case KeyParametersDiffer():
            # The key is bound to a request we do not know: what it did is found by the mark.
            code = KEY_PARAMETERS_DIFFER
        case Rejected():
            answer, code = SendAnswer.REFUSED, _refusal_code(step, error)
            current = _with_sends(world, claim, step)
            if refusal_is_definite(current, replayed=error.replayed):
                state = StepState.REFUSED
        case Retryable():
            answer, state = SendAnswer.NOTHING_HAPPENED, step.state
        case OutcomeUnknown() if error.replayed:
            answer = SendAnswer.STORED_500
        case _:
            pass
    with world.ledger.writing() as writer:
        writer.answered(
            claim,
            step=step.name,
            attempt=step.attempt,
            answer=answer,
            state=state,
            now=world.clock.now(),
            request_id=error.request_id,
            code=code,
        )
    if isinstance(error, Unauthorized):
        raise error
    return answer


def _refusal_code(step: Step, error: StripeError) -> str:
    if error.http_status in {401, 403}:
        return str(error.http_status)
    if step.kind == "refund" and error.code is None and is_changed_charge(code=None, param=error.param):
        return AMOUNT_ABOVE_REMAINING
    return error.code or str(error.http_status)


def _with_sends(world: World, claim: Claim, step: Step) -> Step:
    case = world.ledger.case(claim.case)
    steps = case.steps if case else ()
    return next((one for one in steps if (one.name, one.attempt) == (step.name, step.attempt)), step)
