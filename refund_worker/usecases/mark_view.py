"""What Stripe shows of one reserve of ours: the movements and refunds that carry its mark.

The ledger is brought up to it, for it may know less: an answer was lost, another deployment gave back, or it is an
older copy of itself.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from refund_worker.domain.cases import Case, Claim, Step, StepState
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import Charge, CustomerBalanceTransaction, Refund
from refund_worker.domain.marks import readable_mark
from refund_worker.domain.steps import latest_attempts
from refund_worker.usecases.world import World


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


def transactions_to(world: World, case: Case, debit: Step) -> list[CustomerBalanceTransaction] | None:
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


def charges_of(world: World, case: Case) -> list[Charge]:
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
    mark = readable_mark(metadata)
    return mark is not None and mark.debit == debit_id


def record_what_stripe_shows(world: World, claim: Claim, case: Case, view: MarkView) -> Case:
    """Bring the ledger's steps up to what Stripe shows: lost answers, refunds that failed, give-backs of others."""
    case = world.ledger.case(case.id) or case
    return record_found(
        world, claim, case, [*_refunds_shown(case, view), *_returns_shown(case, view, now=world.clock.now())]
    )


def record_found(world: World, claim: Claim, case: Case, found: Sequence[Step]) -> Case:
    """Record steps that Stripe shows, with their ids there; those that the ledger does not know are intended first.

    Args:
        case: As the ledger has it now.
    """
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
        mark = readable_mark(refund.metadata)
        step = by_id.get(refund.id) or (by_name.get(mark.step) if mark and mark.case == case.id else None)
        if step is None or not _is_the_step_of(refund, step):
            free = mark is not None and mark.kind == "refund" and mark.step not in by_name
            name = mark.step if mark is not None and free else next_name("refund", by_name)
            step = adopted_refund(refund, name=name, now=case.opened_at)
        if (step.stripe_id, step.status) != (refund.id, refund.status):
            step = replace(step, stripe_id=refund.id, status=refund.status)
            by_name[step.name] = step
            yield step


def _is_the_step_of(refund: Refund, step: Step) -> bool:
    same = (step.kind, step.target, step.amount_minor) == ("refund", refund.charge, refund.amount_minor)
    return same and step.stripe_id in {None, refund.id}


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
        mark = readable_mark(movement.metadata)
        step = by_name.get(mark.step) if mark and mark.case == case.id else None
        if (
            step is None
            or step.kind == "reserve"
            or step.stripe_id is not None
            or step.amount_minor != -movement.amount_minor
        ):
            step = _others_give_back(case, movement, name=next_name("give_back", by_name), now=now)
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


def next_name(kind: str, taken: Container[str]) -> str:
    """The first name of a kind that no step of a case bears."""
    return next(name for number in count(1) if (name := f"{kind}:{number}") not in taken)
