"""What the steps of a case say: what was accepted, what may have gone out, what may still be sent."""

from collections.abc import Iterable
from dataclasses import replace

from refund_worker.domain.cases import Case, SendAnswer, Step, StepState
from refund_worker.domain.marks import INVOICE
from refund_worker.domain.protocol import CREDIT_ITEMS_WITHIN_S, SEND_WITHIN_S

# Stripe's words for "less is left on this charge than you think"; asking for more than remains has no code but this
# parameter (recorded from the API).
CHANGED_CODES = frozenset({"charge_already_refunded", "amount_too_large"})
ABSENT_AFTER_500 = "absent_after_stored_500"
ABSENT_BY_MARK = "absent_by_mark"
NEVER_SENT = "never_sent"
OTHERS_CONVERSION = "others_conversion"
KEY_PARAMETERS_DIFFER = "idempotency_error"
AMOUNT_ABOVE_REMAINING = "amount_above_remaining"
# Their keys say what was there before: another deployment may be about to send the same one.
COMPARE_AND_SET = frozenset({"give_back", "recredit", "correct"})


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
    return now - first_intent(case) < SEND_WITHIN_S


def may_credit(case: Case, *, now: int) -> bool:
    """Whether a conversion's credit may still be sent (rule CREDIT_WITHIN_4_HOURS)."""
    return now - first_intent(case) < CREDIT_ITEMS_WITHIN_S


def refusal_is_definite(step: Step, *, replayed: bool) -> bool:
    """Whether a refusal just received ends the attempt (rule DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND).

    A replayed refusal is stored under the key: whatever is still on its way gets the same answer. A fresh one proves
    nothing about an earlier send that may still arrive - of a paused worker, or of ours that timed out - and never
    about a give-back or a correction, whose key another deployment may be about to send (rule
    GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT).

    Args:
        step: The attempt with the sends recorded so far; the newest is the one that was refused.
        replayed: The answer carried `Idempotent-Replayed`.
    """
    if replayed:
        return True
    earlier = step.sends[:-1]
    return step.kind not in COMPARE_AND_SET and all(send.answer not in {None, SendAnswer.UNKNOWN} for send in earlier)


def is_changed_charge(*, code: str | None, param: str | None) -> bool:
    """Whether Stripe says that less is left on the charge than asked for (rule CHANGED_CHARGE_STOPS_THE_CASE)."""
    return code in CHANGED_CODES or (code is None and param == "amount")


def refund_was_sent(case: Case) -> bool:
    """Whether a refund of the case is at Stripe, or may be: then the reservation is finished also during a halt."""
    return any(may_have_gone_out(step) for step in case.steps if step.kind == "refund")


def may_have_gone_out(step: Step) -> bool:
    """Whether an attempt is at Stripe, or may be: accepted, or some send of it was not told that nothing happened.

    A send without an answer may still be on its way; a refusal counts only where it ended the attempt.
    """
    if step.state in {StepState.ACCEPTED, StepState.REFUSED}:
        return step.state is StepState.ACCEPTED
    return any(send.answer is not SendAnswer.NOTHING_HAPPENED for send in step.sends)


def goes_out_at_a_halt(case: Case, step: Step) -> bool:
    """Whether an attempt is sent while a halt stands (rule HALT_BEGINS_NOTHING).

    A give-back always; a reserve and what a conversion sends never; a refund only where one of the case may have gone
    out before.

    Args:
        case: As the ledger has it now; its newest send of this attempt is the one in question.
        step: The attempt.
    """
    if step.kind in {"give_back", "recredit"}:
        return True
    others = tuple(
        replace(one, sends=one.sends[:-1]) if (one.name, one.attempt) == (step.name, step.attempt) else one
        for one in case.steps
    )
    return step.kind == "refund" and refund_was_sent(replace(case, steps=others))


def refund_failed(case: Case) -> bool:
    """Whether a refund of the case was accepted and then failed or was canceled."""
    return any(step.state is StepState.ACCEPTED and not step.stands for step in case.steps if step.kind == "refund")


def first_intent(case: Case) -> int:
    """When the reserve or the credit was first intended, epoch seconds: from then on the keys grow old."""
    first = {"reserve", "credit_items"}
    return min((step.intended_at for step in case.steps if step.kind in first), default=case.opened_at)


def signed_minor(movement: Step) -> int:
    """What a step moved on the customer's balance, with Stripe's sign; a correction may move it either way."""
    amount = movement.params.get("amount")
    if movement.kind == "correct" and isinstance(amount, int):
        return amount
    return movement.amount_minor if movement.kind == "reserve" else -movement.amount_minor


def metadata_of(step: Step) -> dict[str, str]:
    """The mark that a step was sent with; empty where it has none."""
    metadata = step.params.get("metadata")
    return {str(name): str(content) for name, content in metadata.items()} if isinstance(metadata, dict) else {}


def invoice_of(refund: Step) -> str:
    """The invoice that a refund's mark names."""
    return metadata_of(refund).get(INVOICE, "")
