"""Moves pending items of a subscription onto the customer's balance: a case of its own, before the ordinary one.

And completes what another process began: a mark whose items still exist, or were not all taken along, is settled before
anything else of its customer (rule CONVERSION_COMPLETED_FIRST), whatever became of the ledger that wrote it.
"""

from collections.abc import Iterator, Sequence

from refund_worker.domain.canonical import digest_of
from refund_worker.domain.carried import unsettled
from refund_worker.domain.cases import Case, Claim, State, Step, StepState
from refund_worker.domain.conversions import Conversion
from refund_worker.domain.errors import CaseIsLive
from refund_worker.domain.facts import Account, CustomerBalanceTransaction, CustomerFacts
from refund_worker.domain.marks import Mark, readable_mark
from refund_worker.domain.movements import is_conversion
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult
from refund_worker.usecases.act_on_plan import Basis
from refund_worker.usecases.credit_items import credit_step, next_attempt, still_pending
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.past_cases import PlannedMeanwhile, check_newest
from refund_worker.usecases.world import World


def convert_items(world: World, *, run: str, plan: Plan, basis: Basis) -> CaseResult | Reason:
    """Carry out the first conversion of an admitted plan; after it the customer is read and planned anew.

    Returns:
        The conversion's case, finished or not; a reason where the plan stands on its facts no more.
    """
    opened = _open(world, run=run, plan=plan, basis=basis)
    if isinstance(opened, Reason):
        return opened
    claim, credit = opened
    return finish_case(world, claim, reserve=credit)


def complete_unfinished(world: World, *, run: str, facts: CustomerFacts, currency: str) -> tuple[CaseResult, ...]:
    """Complete the conversions in a currency that these facts show as unfinished, whoever began them.

    Returns:
        One case each; none where all are finished, or where one is live elsewhere in this ledger.
    """
    found = unsettled(
        facts.transactions,
        items_now=facts.items_now,
        pending={item.id for item in facts.pending_items},
        currency=currency,
        now=world.clock.now(),
    )
    names = dict.fromkeys(one.conversion for one in found)
    rows = [row for row in facts.transactions if row.id in names]
    return tuple(complete_shown(world, run=run, transactions=rows))


def complete_shown(world: World, *, run: str, transactions: list[CustomerBalanceTransaction]) -> Iterator[CaseResult]:
    """Complete the conversions whose credits these are, one after the other."""
    for row in transactions:
        mark = readable_mark(row.metadata)
        if mark is None or not is_conversion(mark, row):
            continue
        try:
            claim = _adopt(world, row, mark, run=run)
        except CaseIsLive:
            return
        yield finish_case(world, claim)


def _open(world: World, *, run: str, plan: Plan, basis: Basis) -> tuple[Claim, Step] | Reason:
    """Commit the case with its credit's intent in one transaction; a reason where another worker was first.

    The items are listed once more right before it: an invoice may have taken one, or somebody changed it.
    """
    conversion = plan.conversions[0]
    if world.clock.now() - basis.read_at >= LEASE_S or not still_pending(world, conversion, customer=plan.customer):
        return Reason.PLAN_STALE
    now = world.clock.now()
    case = _case(
        world, world.new_id("case"), run=run, conversion=conversion, customer=plan.customer, state=State.CREDITING
    )
    attempt = next_attempt(world, conversion, customer=plan.customer)
    try:
        with world.ledger.writing() as writer:
            writer.end_standing(customer=plan.customer, currency=plan.currency, now=now, run=run)
            claim = writer.open_case(case, worker=world.worker, lease_s=LEASE_S)
            check_newest(world, case, newest=basis.newest)
            step = credit_step(case, attempt=attempt, now=now)
            writer.intend(claim, step)
            writer.sending(claim, step=step.name, attempt=step.attempt, now=now)
    except CaseIsLive:
        return Reason.CASE_LIVE
    except PlannedMeanwhile:
        return Reason.PLAN_STALE
    return claim, step


def _case(world: World, case: str, *, run: str, conversion: Conversion, customer: str, state: State) -> Case:
    return Case(
        id=case,
        run=run,
        account=world.account.id,
        livemode=world.account.livemode,
        plan=conversion_plan(conversion, customer=customer, account=world.account),
        state=state,
        outcome=None,
        reason=None,
        opened_at=world.clock.now(),
        closed_at=None,
        covered_minor=None,
        fence=0,
    )


def conversion_plan(conversion: Conversion, *, customer: str, account: Account) -> Plan:
    """The plan of a case that only moves items: no credit, no refund, so that nothing is counted twice."""
    items = [[item.item, item.amount_minor] for item in conversion.items]
    return Plan(
        customer=customer,
        currency=conversion.currency,
        credit_minor=0,
        excluded_minor=0,
        refundable_minor=0,
        lots=(),
        named_lots=(),
        candidates=(),
        refunds=(),
        reason=None,
        held=False,
        numbers={},
        digest=digest_of(
            {
                "account": account.id,
                "livemode": account.livemode,
                "customer": customer,
                "currency": conversion.currency,
                "items": items,
            }
        ),
        conversions=(conversion,),
    )


def _adopt(world: World, row: CustomerBalanceTransaction, mark: Mark, *, run: str) -> Claim:
    """Make a conversion whose credit Stripe shows a live case that only deletes and corrects.

    Raises:
        CaseIsLive: Where it, or another of the customer in this currency, is live.
    """
    known = world.ledger.case(mark.case)
    conversion = _conversion_of(row, mark)
    ours = known is not None and known.plan.customer == row.customer and _named(known) == set(conversion.items)
    case = _case(
        world,
        mark.case if ours or known is None else world.new_id("case"),
        run=run,
        conversion=conversion,
        customer=row.customer,
        state=State.DELETING,
    )
    steps = known.steps if ours and known is not None else ()
    credit = _credit_of(row, steps, now=case.opened_at)
    with world.ledger.writing() as writer:
        claim = writer.adopt_orphan(case, run=run, worker=world.worker, lease_s=LEASE_S)
        if credit not in steps:
            writer.intend(claim, credit)
        if credit.state is not StepState.ACCEPTED:
            writer.found(
                claim,
                step=credit.name,
                attempt=credit.attempt,
                stripe_id=row.id,
                status=None,
                ending_balance_minor=row.ending_balance_minor,
                now=case.opened_at,
            )
    return claim


def _named(case: Case) -> set[object]:
    return {item for one in case.plan.conversions for item in one.items}


def _conversion_of(row: CustomerBalanceTransaction, mark: Mark) -> Conversion:
    if mark.converted is None:
        raise ValueError(f"{row.id} is no conversion's credit")
    told = mark.converted
    return Conversion(
        subscription=told.subscription,
        currency=row.currency,
        items=mark.items,
        proration_minor=told.proration_minor,
        cause=told.cause,
        credited=told.credited,
        since=told.since,
    )


def _credit_of(row: CustomerBalanceTransaction, steps: Sequence[Step], *, now: int) -> Step:
    """The step of a credit that Stripe shows: the one that the ledger has of it, or without an answer, or a new one."""
    credits_ = [step for step in steps if step.kind == "credit_items"]
    for step in credits_:
        open_ = step.state in {StepState.INTENDED, StepState.UNKNOWN}
        if step.stripe_id == row.id or (open_ and step.amount_minor == -row.amount_minor):
            return step
    return Step(
        name="credit_items",
        attempt=1 + max((step.attempt for step in credits_), default=0),
        key=f"adopted:{row.id}",
        amount_minor=-row.amount_minor,
        target=row.customer,
        params={"amount": row.amount_minor, "metadata": dict(row.metadata)},
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=now,
    )
