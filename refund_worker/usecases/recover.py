"""Finds reservations without a live case and mends them: a lost ledger, a dead deployment, a refund that failed later.

Never finishes one, always gives its rest back (rule ORPHAN_RESERVATION_IS_GIVEN_BACK); the next run plans anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, islice

from refund_worker.domain.carried import carried_items, items_to_look_at
from refund_worker.domain.cases import Case, Claim, State, Step, StepState
from refund_worker.domain.errors import CaseIsLive, LedgerError, NotFound, StripeError, Unauthorized
from refund_worker.domain.facts import Charge, CustomerBalanceTransaction
from refund_worker.domain.mark_rest import MarkRest, mark_rests
from refund_worker.domain.marks import MarkUnreadable, read_mark
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S, LEASE_S
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.domain.steps import debit_of, returned_minor
from refund_worker.usecases.convert_items import complete_shown
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.mark_view import record_what_stripe_shows, view_of
from refund_worker.usecases.read_facts import with_charges_of_payments
from refund_worker.usecases.world import World

EVENTS_S = 30 * 24 * 3600  # Stripe keeps events for 30 days (docs.stripe.com/api/events)


class Finding(StrEnum):
    """What a mark's rest says, and what was made of it."""

    GIVEN_BACK = "given_back"
    COMPLETED = "completed"
    TOO_YOUNG = "too_young"
    LIVE = "live"
    NEGATIVE = "negative"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """One debit of ours whose rest is not zero, or one credit of ours for pending items that is not settled.

    Attributes:
        debit: The movement; of pending items, the credit.
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
        except LedgerError:
            raise
        except Exception as bug:  # noqa: BLE001  one customer's odd marks must not keep the others from being mended
            result.unreadable[customer] = f"a bug, please report it: {type(bug).__name__}: {bug}"


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
    yield from _complete_items(world, run, customer, transactions)
    charges = with_charges_of_payments(world.stripe, world.stripe.invoices(customer), world.stripe.charges(customer))
    yield from mend_shown(world, run=run.id, customer=customer, transactions=transactions, charges=charges)


def _complete_items(
    world: World, run: Run, customer: str, transactions: tuple[CustomerBalanceTransaction, ...]
) -> Iterator[Recovered]:
    """Settle the items of conversions that are not finished (rule CONVERSION_COMPLETED_FIRST)."""
    now = world.clock.now()
    carried = carried_items(transactions)
    names = set(items_to_look_at(transactions, now=now))
    names |= {one.item for one in carried.values() if one.newest > now - EVENTS_S}
    open_ = {carried[item].conversion for item in names if not carried[item].settled(world.stripe.item(item))}
    for row in (row for row in transactions if row.id in open_):
        for result in complete_shown(world, run=run.id, transactions=[row]):
            yield Recovered(
                customer=customer,
                currency=row.currency,
                case=result.case,
                debit=row.id,
                rest_minor=-row.amount_minor,
                finding=Finding.COMPLETED if result.ended_conversion else Finding.UNFINISHED,
                result=result,
            )


def mend_shown(
    world: World,
    *,
    run: str,
    customer: str,
    transactions: tuple[CustomerBalanceTransaction, ...],
    charges: tuple[Charge, ...],
    by_itself: bool = False,
) -> Iterator[Recovered]:
    """Give back every orphan reservation that these facts of a customer show, and that is old enough.

    Args:
        run: To which the cases that are adopted for it belong.
        transactions: Newest first; of a debit that is not among them nothing is said.
        by_itself: No person asked for it: a mark of a case that the ledger knows without this debit is passed over. It
            was copied by hand, or the case has no answer yet and will look for it.
    """
    for rest in mark_rests(transactions, charges):
        if rest.rest_minor == 0 or rest.incomplete:
            continue
        known = _known(world, customer=customer, case=rest.case, debit=rest.debit)
        if by_itself and known is None and world.ledger.case(rest.case) is not None:
            continue
        found = _judge(world, rest, customer=customer)
        if found.finding is Finding.GIVEN_BACK:
            found = _give_back(world, run, found, transactions=transactions, charges=charges)
        yield found


def _judge(world: World, rest: MarkRest, *, customer: str) -> Recovered:
    at = rest.created + CLOSE_BY_MARK_AFTER_S
    case = _known(world, customer=customer, case=rest.case, debit=rest.debit)
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


def _known(world: World, *, customer: str, case: str, debit: str) -> Case | None:
    """The ledger's case of a debit; a mark that was copied elsewhere names a case of which it is not."""
    known = world.ledger.case(case)
    reserve = debit_of(known) if known is not None else None
    ours = known is not None and known.plan.customer == customer and reserve is not None and reserve.stripe_id == debit
    return known if ours else None


def _give_back(
    world: World,
    run: str,
    found: Recovered,
    *,
    transactions: tuple[CustomerBalanceTransaction, ...],
    charges: tuple[Charge, ...],
) -> Recovered:
    debit = next(one for one in transactions if one.id == found.debit)
    try:
        claim = _adopt(world, run, found, debit=debit, transactions=transactions, charges=charges)
    except CaseIsLive:
        return replace(found, finding=Finding.LIVE)
    before = world.ledger.case(claim.case)
    result = finish_case(world, claim)
    after = world.ledger.case(claim.case)
    done = (
        after is not None and not after.live and before is not None and returned_minor(after) > returned_minor(before)
    )
    return replace(found, finding=Finding.GIVEN_BACK if done else Finding.UNFINISHED, result=result)


def _adopt(
    world: World,
    run: str,
    found: Recovered,
    *,
    debit: CustomerBalanceTransaction,
    transactions: tuple[CustomerBalanceTransaction, ...],
    charges: tuple[Charge, ...],
) -> Claim:
    """Make the orphan a live case that only gives back, with the steps that Stripe shows of it."""
    known = _known(world, customer=found.customer, case=found.case, debit=found.debit)
    now = world.clock.now()
    taken = known is None and world.ledger.case(found.case) is not None
    case = (
        replace(known, opened_at=now)
        if known is not None
        else Case(
            id=world.new_id("case") if taken else found.case,
            run=run,
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
    )
    reserve = _reserve_of_orphan(debit, now=now)
    with world.ledger.writing() as writer:
        claim = writer.adopt_orphan(case, run=run, worker=world.worker, lease_s=LEASE_S)
        if known is None:
            writer.intend(claim, replace(reserve, state=StepState.INTENDED, stripe_id=None))
            writer.found(
                claim,
                step=reserve.name,
                attempt=reserve.attempt,
                stripe_id=debit.id,
                status=None,
                ending_balance_minor=debit.ending_balance_minor,
                now=now,
            )
    adopted = world.ledger.case(case.id) or case
    view = view_of(transactions=transactions, charges=charges, debit=debit_of(adopted) or reserve, case=adopted)
    record_what_stripe_shows(world, claim, adopted, view)
    return claim


def _reserve_of_orphan(debit: CustomerBalanceTransaction, *, now: int) -> Step:
    return Step(
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
