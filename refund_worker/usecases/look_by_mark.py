"""Looks before it sends: finds our own writes at Stripe by their marks, and what the lots covered of a reserve."""

from collections.abc import Mapping, Sequence
from functools import partial

from refund_worker.domain.cases import Case, Claim, State, Step
from refund_worker.domain.errors import HistoryInconsistent, NotFound
from refund_worker.domain.facts import Charge, CustomerBalanceTransaction, Refund
from refund_worker.domain.marks import readable_mark
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S, LOOKUPS_APART_S
from refund_worker.domain.provenance import covered_by
from refund_worker.domain.reasons import Reason
from refund_worker.domain.refundable import may_leave
from refund_worker.domain.steps import ABSENT_AFTER_500, ABSENT_BY_MARK
from refund_worker.domain.window import enough
from refund_worker.usecases.send_step import refunded_before
from refund_worker.usecases.world import World

_PAGE = 100  # Stripe's largest page; asking after each row would be work for nothing


def look_twice(world: World, claim: Claim, case: Case, step: Step) -> None:
    """Adopt an attempt hidden behind a stored 500, or give it up (rule STORED_500_NEEDS_TWO_ABSENT_LOOKUPS)."""
    if adopt_if_found(world, claim, case, step):
        return
    world.clock.sleep(LOOKUPS_APART_S)
    if not adopt_if_found(world, claim, case, step):
        _give_up(world, claim, step, code=ABSENT_AFTER_500)


def charge_changed(world: World, case: Case, charge: str) -> bool:
    """Whether a charge is not as the plan and our own refunds left it: somebody else refunds it."""
    return _touched(case, world.stripe.charge(charge))


def may_pay_twice(world: World, case: Case, refund: Step) -> bool:
    """Whether a refund sent again could pay what somebody else refunded since: they did, and enough is left for ours.

    Where too little is left Stripe refuses it, and its refusal, stored under the key, ends the attempt at once. Else
    nobody knows whether the first send is still on its way: the case waits until its keys are pruned.
    """
    charge = world.stripe.charge(refund.target)
    return _touched(case, charge) and charge.remaining_minor >= refund.amount_minor


def _touched(case: Case, charge: Charge) -> bool:
    return charge.refunded_minor != refunded_before(case, charge.id)


def adopt_by_mark(world: World, claim: Claim, case: Case, steps: Sequence[Step]) -> None:
    """Adopt every attempt that is at Stripe, give up every one that is not (rule CLOSE_BY_MARK_AFTER_24_HOURS)."""
    for step in steps:
        if not adopt_if_found(world, claim, case, step):
            _give_up(world, claim, step, code=ABSENT_BY_MARK)


def cover_reserve(world: World, claim: Claim, case: Case, reserve: Step, *, expected: bool) -> None:
    """Record what the refundable lots covered of the reserve, and go on to the refunds.

    Where the ending balance is the expected one nobody moved the balance, and all of it is covered. Else the history is
    replayed up to the debit (rule ENDING_BALANCE_TELLS_OF_MOVES); what was not covered is given back at the close.
    """
    covered = reserve.amount_minor if expected else _covered(world, case, reserve)
    now = world.clock.now()
    with world.ledger.writing() as writer:
        writer.cover(claim, covered_minor=covered, now=now)
        if covered > 0:
            writer.move(claim, state=State.REFUNDING, outcome=None, reason=None, now=now)
        else:
            writer.move(claim, state=State.CLOSING, outcome=None, reason=Reason.CREDIT_MOVED, now=now)


def _covered(world: World, case: Case, reserve: Step) -> int:
    if reserve.stripe_id is None:
        return 0
    plan = case.plan
    invoices = {invoice.id: invoice for invoice in world.stripe.invoices(plan.customer)}
    read: list[CustomerBalanceTransaction] = []
    complete = True
    for transaction in world.stripe.customer_balance_transactions(plan.customer):
        read.append(transaction)
        if len(read) % _PAGE == 0 and enough(
            read, currency=plan.currency, invoices=invoices, up_to=reserve.stripe_id, before=True
        ):
            complete = False
            break
    try:
        return covered_by(
            transactions=read,
            debit_id=reserve.stripe_id,
            named_lots=plan.named_lots,
            currency=plan.currency,
            invoices=invoices,
            refundable_origins=world.policy.origins,
            complete=complete,
            may_leave=partial(may_leave, policy=world.policy),
        )
    except HistoryInconsistent:
        # What cannot be judged is not refunded: all of it is given back.
        return 0


def adopt_if_found(world: World, claim: Claim, case: Case, step: Step) -> bool:
    """Adopt an attempt without an answer where Stripe shows its mark; says whether it did."""
    found = find_refund(world, case, step) if step.kind == "refund" else find_movement(world, case, step)
    if found is None:
        return False
    with world.ledger.writing() as writer:
        writer.found(
            claim,
            step=step.name,
            attempt=step.attempt,
            stripe_id=found.id,
            status=found.status if isinstance(found, Refund) else None,
            ending_balance_minor=None if isinstance(found, Refund) else found.ending_balance_minor,
            now=world.clock.now(),
        )
    return True


def find_movement(world: World, case: Case, step: Step) -> CustomerBalanceTransaction | None:
    """The customer balance transaction that carries the step's mark."""
    # A day of clock skew is more than any server runs on; older movements cannot be this step's.
    oldest = step.intended_at - CLOSE_BY_MARK_AFTER_S
    try:
        for transaction in world.stripe.customer_balance_transactions(case.plan.customer):
            if transaction.created < oldest:
                break
            if marks_step(transaction.metadata, case=case.id, step=step.name):
                return transaction
    except NotFound:
        return None  # the customer is gone, and nothing of ours can be on a balance that is not there
    return None


def find_refund(world: World, case: Case, step: Step) -> Refund | None:
    """The refund of the step's charge that carries the step's mark."""
    refunds = world.stripe.refunds(step.target)
    return next((one for one in refunds if marks_step(one.metadata, case=case.id, step=step.name)), None)


def marks_step(metadata: Mapping[str, str], *, case: str, step: str) -> bool:
    """Whether metadata is the mark of this step of this case."""
    mark = readable_mark(metadata)
    return mark is not None and mark.case == case and mark.step == step


def _give_up(world: World, claim: Claim, step: Step, *, code: str) -> None:
    with world.ledger.writing() as writer:
        writer.given_up(claim, step=step.name, attempt=step.attempt, code=code, now=world.clock.now())
