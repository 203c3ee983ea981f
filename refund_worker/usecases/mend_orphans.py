"""Mends the reservations of one customer that no live case finishes: what their marks still reserve is given back.

Never finishes one, always gives its rest back (rule ORPHAN_RESERVATION_IS_GIVEN_BACK); the next run plans anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from refund_worker.domain.cases import Case, Claim, State, Step, StepState
from refund_worker.domain.errors import CaseIsLive
from refund_worker.domain.facts import Charge, CustomerBalanceTransaction
from refund_worker.domain.mark_rest import MarkRest, mark_rests
from refund_worker.domain.marks import read_mark
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S, LEASE_S
from refund_worker.domain.results import CaseResult
from refund_worker.domain.steps import debit_of, returned_minor
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.mark_view import record_what_stripe_shows, view_of
from refund_worker.usecases.world import World


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
