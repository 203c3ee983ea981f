"""Gives back what a reserve did not turn into refunds: at most the mark's rest, as Stripe shows it.

Every give-back and re-credit, by whomever, goes through here (rules GIVE_BACK_AT_MOST_THE_MARKS_REST and
GIVE_BACK_KEY_IS_COMPARE_AND_SET): the key names the debit and the sum given back so far, so that of two deployments
that saw the same rest only one moves money, and the other is told to look again.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from refund_worker.domain.cases import Case, Claim, Outcome, SendAnswer, State, Step, StepState
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import Charge, CustomerBalanceTransaction, Refund
from refund_worker.domain.marks import Mark, MarkUnreadable, give_back_key, read_mark, write_mark
from refund_worker.domain.protocol import LOOKUPS_APART_S, PAUSES_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import ABSENT_AFTER_500, latest_attempts, refunded_minor, returned_minor
from refund_worker.usecases.send_step import KEY_PARAMETERS_DIFFER, intend_and_send, resend
from refund_worker.usecases.world import World

GIVE_BACK_DESCRIPTION = "Reserved credit given back"
_LOOKS_MAX = 10
# Rules STORED_500_NEEDS_TWO_ABSENT_LOOKUPS and MISMATCHED_KEY_IS_SPENT: two looks, 30 seconds apart, show no change.
_LOOKS_AT_A_SPENT_KEY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkView:
    """What Stripe shows of one debit of ours: the movements and refunds that carry its mark; positive minor units.

    Attributes:
        reserved_minor: The debit, as the ledger or the balance transactions have it: a mark can be edited.
        ending_balance_minor: The newest in the debit's currency, with Stripe's sign; None where none was read.
    """

    reserved_minor: int
    ending_balance_minor: int | None
    returned: tuple[CustomerBalanceTransaction, ...]
    refunds: tuple[Refund, ...]

    @property
    def returned_minor(self) -> int:
        """Given back and re-credited so far."""
        return -sum(movement.amount_minor for movement in self.returned)

    @property
    def rest_minor(self) -> int:
        """Reserve - give-backs - re-credits - refunds that have not failed."""
        refunded = sum(refund.amount_minor for refund in self.refunds if refund.stands)
        return self.reserved_minor - self.returned_minor - refunded


def give_back(world: World, claim: Claim, case: Case, debit: Step) -> bool:
    """Give back the mark's rest until ledger and Stripe agree that none is left.

    Returns:
        False where the case must stay live for now (its reason is noted); True where the saga can go on.
    """
    spent: Counter[str] = Counter()
    for look in range(_LOOKS_MAX):
        transactions = _transactions_to(world, case, debit)
        if transactions is None:
            return _owe(world, claim)
        view = view_of(transactions=transactions, charges=_charges_of(world, case), debit=debit, case=case)
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


def _transactions_to(world: World, case: Case, debit: Step) -> list[CustomerBalanceTransaction] | None:
    """The balance transactions on to the debit, newest first; None where the customer is gone."""
    transactions = []
    try:
        for transaction in world.stripe.customer_balance_transactions(case.plan.customer):
            transactions.append(transaction)
            if transaction.id == debit.stripe_id:
                break
    except NotFound:
        return None
    return transactions


def _charges_of(world: World, case: Case) -> list[Charge]:
    """Every charge over which this case may have refunded, also where the ledger is an older copy and forgot it."""
    charges = list(world.stripe.charges(case.plan.customer))
    known = {charge.id for charge in charges}
    ours = [step.target for step in case.steps if step.kind == "refund"]
    planned = [candidate.charge for candidate in case.plan.candidates]
    return charges + [world.stripe.charge(one) for one in dict.fromkeys(ours + planned) if one not in known]


def view_of(
    *, transactions: Iterable[CustomerBalanceTransaction], charges: Iterable[Charge], debit: Step, case: Case
) -> MarkView:
    """Pick out of the facts what belongs to one debit: by its mark, or because the ledger knows it."""
    transactions, debit_id = tuple(transactions), str(debit.stripe_id)
    known = {step.stripe_id for step in case.steps if step.kind != "reserve" and step.stripe_id is not None}
    newest = next((one for one in transactions if one.currency == case.plan.currency), None)
    return MarkView(
        reserved_minor=debit.amount_minor,
        ending_balance_minor=newest.ending_balance_minor if newest is not None else None,
        returned=tuple(
            one
            for one in transactions
            if one.amount_minor < 0 and (one.id in known or _mark_naming(one.metadata, debit_id))
        ),
        refunds=tuple(
            one
            for charge in charges
            for one in charge.refunds
            if one.id in known or _mark_naming(one.metadata, debit_id)
        ),
    )


def _mark_naming(metadata: Mapping[str, str], debit_id: str) -> bool:
    mark = _readable(metadata)
    return mark is not None and mark.debit == debit_id


def _readable(metadata: Mapping[str, str]) -> Mark | None:
    try:
        return read_mark(metadata)
    except MarkUnreadable:
        return None


def record_what_stripe_shows(world: World, claim: Claim, case: Case, view: MarkView) -> Case:
    """Bring the ledger's steps up to what Stripe shows: lost answers, refunds that failed, give-backs of others."""
    case = world.ledger.case(case.id) or case
    found = [*_refunds_shown(case, view), *_returns_shown(case, view, now=world.clock.now())]
    if not found:
        return case
    known = {(step.name, step.attempt) for step in case.steps}
    with world.ledger.writing() as writer:
        for step in found:
            if (step.name, step.attempt) not in known:
                writer.intend(claim, replace(step, state=StepState.INTENDED))
            writer.found(
                claim,
                step=step.name,
                attempt=step.attempt,
                stripe_id=str(step.stripe_id),
                status=step.status,
                ending_balance_minor=step.ending_balance_minor,
                now=world.clock.now(),
            )
    return world.ledger.case(case.id) or case


def _refunds_shown(case: Case, view: MarkView) -> Iterator[Step]:
    by_id = {step.stripe_id: step for step in case.steps if step.stripe_id}
    by_name = latest_attempts(case.steps)
    for refund in reversed(view.refunds):
        mark = _readable(refund.metadata)
        step = by_id.get(refund.id) or (by_name.get(mark.step) if mark and mark.case == case.id else None)
        if step is None or step.stripe_id not in {None, refund.id} or step.kind != "refund":
            free = mark is not None and mark.kind == "refund" and mark.step not in by_name
            name = mark.step if mark is not None and free else _next_name("refund", by_name)
            step = adopted_refund(refund, name=name, now=case.opened_at)
        if (step.stripe_id, step.status) != (refund.id, refund.status):
            step = replace(step, stripe_id=refund.id, status=refund.status)
            by_name[step.name] = step
            yield step


def adopted_refund(refund: Refund, *, name: str, now: int) -> Step:
    """The step of a refund of ours that this ledger does not know: it was lost, or is an older copy."""
    return Step(
        name=name,
        attempt=1,
        key=f"adopted:{refund.id}",
        amount_minor=refund.amount_minor,
        target=refund.charge,
        params={"metadata": dict(refund.metadata)},
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=now,
    )


def _returns_shown(case: Case, view: MarkView, *, now: int) -> Iterator[Step]:
    by_id = {step.stripe_id for step in case.steps if step.stripe_id}
    by_name = latest_attempts(case.steps)
    for movement in reversed(view.returned):
        if movement.id in by_id:
            continue
        mark = _readable(movement.metadata)
        step = by_name.get(mark.step) if mark and mark.case == case.id else None
        if (
            step is None
            or step.kind == "reserve"
            or step.stripe_id is not None
            or step.amount_minor != -movement.amount_minor
        ):
            step = _others_give_back(case, movement, name=_next_name("give_back", by_name), now=now)
        step = replace(step, stripe_id=movement.id, ending_balance_minor=movement.ending_balance_minor)
        by_name[step.name] = step
        yield step


def _others_give_back(case: Case, movement: CustomerBalanceTransaction, *, name: str, now: int) -> Step:
    return Step(
        name=name,
        attempt=1,
        key=f"adopted:{movement.id}",
        amount_minor=-movement.amount_minor,
        target=case.plan.customer,
        params={"metadata": dict(movement.metadata)},
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=now,
    )


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
    name = _next_name(kind, latest_attempts(case.steps))
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
    marks = [_readable(movement.metadata) for movement in view.returned]
    recredited = {mark.refund for mark in marks if mark is not None}
    return next((one for one in view.refunds if not one.stands and one.id not in recredited), None)


def _key_stem(debit: Step, returned: int) -> str:
    return give_back_key(debit=str(debit.stripe_id), returned_minor=returned, attempt=0)[:-1]


def _next_name(kind: str, taken: Container[str]) -> str:
    return next(name for number in count(1) if (name := f"{kind}:{number}") not in taken)


def _owe(world: World, claim: Claim) -> bool:
    """The customer is gone and cannot be given the credit back: a person pays by hand (`owed`)."""
    with world.ledger.writing() as writer:
        writer.move(claim, state=State.OWED, outcome=Outcome.OWED, reason=Reason.CREDIT_OWED, now=world.clock.now())
    return True


def _leave(world: World, claim: Claim, reason: Reason, detail: str) -> bool:
    with world.ledger.writing() as writer:
        writer.note(claim, outcome=Outcome.UNKNOWN, reason=reason, detail=detail, now=world.clock.now())
    return False
