"""Finds reservations without a live case and mends them: a lost ledger, a dead deployment, a refund that failed later.

Never finishes one, always gives its rest back (rule ORPHAN_RESERVATION_IS_GIVEN_BACK); the next run plans anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, islice

from refund_worker.domain.cases import Case, Claim, State, Step, StepState
from refund_worker.domain.errors import CaseIsLive, NotFound, StripeError, Unauthorized
from refund_worker.domain.facts import Charge, CustomerBalanceTransaction
from refund_worker.domain.mark_rest import MarkRest, mark_rests
from refund_worker.domain.marks import MarkUnreadable, read_mark
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S, LEASE_S
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.usecases.examine_customer import finish_case
from refund_worker.usecases.give_back import MarkView, record_what_stripe_shows, view_of
from refund_worker.usecases.world import World

EVENTS_S = 30 * 24 * 3600  # Stripe keeps events for 30 days (docs.stripe.com/api/events)


class Finding(StrEnum):
    """What a mark's rest says, and what was made of it."""

    GIVEN_BACK = "given_back"
    TOO_YOUNG = "too_young"
    LIVE = "live"
    NEGATIVE = "negative"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """One debit of ours whose rest is not zero.

    Attributes:
        rest_minor: Reserve - give-backs - re-credits - standing refunds, before it was mended.
        at: When a young one may be mended, epoch seconds; else None.
    """

    customer: str
    currency: str
    case: str
    debit: str
    rest_minor: int
    finding: Finding
    at: int | None = None
    result: CaseResult | None = None


@dataclass(slots=True, kw_only=True)
class RecoverResult:
    """What `recover` read and found."""

    run: str
    customers_read: int = 0
    found: list[Recovered] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def recover(world: World, *, full: bool) -> RecoverResult:
    """Look for orphan reservations and give them back.

    Args:
        full: Read all customers; else those whose balance changed, or whose refund failed, in 30 days of events.

    Raises:
        StripeError: If the customers could not be listed.
    """
    run = Run(
        id=world.new_id("run"),
        account=world.account.id,
        livemode=world.account.livemode,
        command="recover",
        mode=RunMode.RUN,
        sweep=full,
        policy_digest=world.policy.digest(),
        started_at=world.clock.now(),
    )
    customers = _customers(world, full=full)
    # The first page is read before anything is written: a key that may not read it changes nothing.
    first = list(islice(customers, 1))
    with world.ledger.writing() as writer:
        writer.start_run(run, policy=world.policy)
    result = RecoverResult(run=run.id)
    status = RunStatus.STOPPED
    try:
        _mend(world, run, result, customers=chain(first, customers))
        status = RunStatus.FINISHED
    finally:
        _finish(world, run, result, status=status)
    return result


def _mend(world: World, run: Run, result: RecoverResult, *, customers: Iterable[str]) -> None:
    for customer in customers:
        result.customers_read += 1
        try:
            result.found.extend(_mend_customer(world, run, customer))
        except Unauthorized:
            raise
        except NotFound:
            continue  # deleted for good: nothing can be read of it, nothing given back
        except StripeError as error:
            result.unreadable[customer] = str(error)


def _finish(world: World, run: Run, result: RecoverResult, *, status: RunStatus) -> None:
    summary = {
        "run": run.id,
        "customers_read": result.customers_read,
        "found": len(result.found),
        "unreadable": len(result.unreadable),
        "standings": [],
    }
    with world.ledger.writing() as writer:
        writer.finish_run(run=run.id, status=status, summary=summary, now=world.clock.now())


def _customers(world: World, *, full: bool) -> Iterator[str]:
    if full:
        yield from (customer.id for customer in world.stripe.customers() if not customer.deleted)
        return
    yield from dict.fromkeys(world.stripe.changed_customers(since=world.clock.now() - EVENTS_S))


def _mend_customer(world: World, run: Run, customer: str) -> Iterator[Recovered]:
    transactions = tuple(world.stripe.customer_balance_transactions(customer))
    if not any(_is_ours(transaction) for transaction in transactions):
        return
    charges = world.stripe.charges(customer)
    for rest in mark_rests(transactions, charges):
        if rest.rest_minor == 0:
            continue
        found = _judge(world, rest, customer=customer)
        if found.finding is Finding.GIVEN_BACK:
            found = _give_back(world, run, found, transactions=transactions, charges=charges)
        yield found


def _judge(world: World, rest: MarkRest, *, customer: str) -> Recovered:
    at = rest.created + CLOSE_BY_MARK_AFTER_S
    case = world.ledger.case(rest.case)
    found = Recovered(
        customer=customer,
        currency=rest.currency,
        case=rest.case,
        debit=rest.debit,
        rest_minor=rest.rest_minor,
        finding=Finding.GIVEN_BACK,
    )
    if rest.rest_minor < 0:
        return replace(found, finding=Finding.NEGATIVE)
    if case is not None and case.live:
        return replace(found, finding=Finding.LIVE)
    if world.clock.now() < at:
        return replace(found, finding=Finding.TOO_YOUNG, at=at)
    return found


def _give_back(
    world: World,
    run: Run,
    found: Recovered,
    *,
    transactions: tuple[CustomerBalanceTransaction, ...],
    charges: tuple[Charge, ...],
) -> Recovered:
    view = view_of(transactions=transactions, charges=charges, debit_id=found.debit)
    debit = next(one for one in transactions if one.id == found.debit)
    try:
        claim = _adopt(world, run, found, debit=debit, view=view)
    except CaseIsLive:
        return replace(found, finding=Finding.LIVE)
    adopted = world.ledger.case(found.case)
    if adopted is not None:
        # A closed case knows nothing of a refund that failed since: without this it would close again as it was.
        record_what_stripe_shows(world, claim, adopted, view)
    result = finish_case(world, claim)
    after = world.ledger.case(found.case)
    finding = Finding.UNFINISHED if after is None or after.live else Finding.GIVEN_BACK
    return replace(found, finding=finding, result=result)


def _adopt(world: World, run: Run, found: Recovered, *, debit: CustomerBalanceTransaction, view: MarkView) -> Claim:
    """Make the orphan a live case that only gives back, with the steps that Stripe shows of it."""
    known = world.ledger.case(found.case)
    now = world.clock.now()
    case = known or Case(
        id=found.case,
        run=run.id,
        account=world.account.id,
        livemode=world.account.livemode,
        plan=_plan_of_orphan(found, debit),
        state=State.CLOSING,
        outcome=None,
        reason=None,
        opened_at=now,
        closed_at=None,
        covered_minor=0,
        fence=0,
    )
    steps = [] if known is not None else _steps_of_orphan(debit, view, now=now)
    with world.ledger.writing() as writer:
        claim = writer.adopt_orphan(case, worker=world.worker, lease_s=LEASE_S)
        for step in steps:
            writer.intend(claim, replace(step, state=StepState.INTENDED, stripe_id=None))
            writer.found(
                claim,
                step=step.name,
                attempt=step.attempt,
                stripe_id=str(step.stripe_id),
                status=step.status,
                ending_balance_minor=step.ending_balance_minor,
                now=now,
            )
    return claim


def _steps_of_orphan(debit: CustomerBalanceTransaction, view: MarkView, *, now: int) -> list[Step]:
    reserve = Step(
        name="reserve",
        attempt=1,
        key=f"adopted:{debit.id}",
        amount_minor=debit.amount_minor,
        target=debit.customer,
        params={"metadata": dict(debit.metadata)},
        before_minor=None,
        state=StepState.ACCEPTED,
        intended_at=now,
        stripe_id=debit.id,
        ending_balance_minor=debit.ending_balance_minor,
    )
    refunds = [
        Step(
            name=mark.step,
            attempt=1,
            key=f"adopted:{refund.id}",
            amount_minor=refund.amount_minor,
            target=refund.charge,
            params={"metadata": dict(refund.metadata)},
            before_minor=None,
            state=StepState.ACCEPTED,
            intended_at=now,
            stripe_id=refund.id,
            status=refund.status,
        )
        for refund in reversed(view.refunds)
        if (mark := read_mark(refund.metadata)) is not None
    ]
    return [reserve, *refunds]


def _plan_of_orphan(found: Recovered, debit: CustomerBalanceTransaction) -> Plan:
    mark = read_mark(debit.metadata)
    return Plan(
        customer=found.customer,
        currency=found.currency,
        credit_minor=debit.amount_minor,
        excluded_minor=0,
        refundable_minor=debit.amount_minor,
        lots=(),
        named_lots=mark.lots if mark is not None else (),
        candidates=(),
        refunds=(),
        reason=None,
        held=False,
        numbers={"rest_minor": found.rest_minor},
        digest="",
    )


def _is_ours(transaction: CustomerBalanceTransaction) -> bool:
    try:
        return read_mark(transaction.metadata) is not None
    except MarkUnreadable:
        return False
