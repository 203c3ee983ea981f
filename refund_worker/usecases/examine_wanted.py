"""Takes one customer of the queue through a run: only the id is known, and often there is nothing to refund."""

from enum import Enum

from refund_worker.domain.cases import Case, Outcome
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import Customer, CustomerFacts, PendingItem
from refund_worker.domain.plans import Plan
from refund_worker.domain.queueing import Cause, QueueClaim, Wanted
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.discover_credits import has_credit
from refund_worker.usecases.examine_customer import Basis, act_on, newest_case, plan_of, read_or_fail, unplanned
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.read_facts import read_facts_of
from refund_worker.usecases.recover import mend_shown
from refund_worker.usecases.world import World

# What Stripe refused to the end it would refuse again: such a plan is not tried twice before the next night, though
# our own give-back brings an event that wants the customer at once.
REFUSED_LATELY_S = 20 * 3600
_REFUSED = frozenset({Reason.CHARGES_EXHAUSTED, Reason.RESERVE_REFUSED, Reason.REFUND_FAILED})


class Nothing(Enum):
    """Why an examination brought no case."""

    NOT_BEGUN = "the gate is closed"
    NO_CREDIT = "there is no credit"


def examine_wanted(world: World, gate: Gate, *, run: str, mode: RunMode, claim: QueueClaim) -> CaseResult | Nothing:
    """Examine a customer of the queue; one without credit ends its hold or skip.

    Pending items that discovery read are used at the first claim only: later they are read again.
    """
    if gate.closed:
        return Nothing.NOT_BEGUN
    holder = Customer(id=claim.wanted.customer)
    newest = newest_case(world, holder.id)
    found = read_or_fail(world, gate, holder, lambda: _read(world, run=run, mode=mode, claim=claim))
    if isinstance(found, CaseResult):
        return found
    if found is None:
        _end_standings(world, run=run, customer=holder.id)
        return Nothing.NO_CREDIT
    plan = plan_of(world, found)
    refused = None if plan.reason is not None else _refused_lately(world, plan)
    if refused is not None:
        return unplanned(refused.id, found.customer, outcome=Outcome.SKIPPED, reason=Reason.CHARGES_EXHAUSTED)
    basis = Basis(newest=newest, read_at=found.read_at)
    return act_on(world, gate, run=run, mode=mode, plan=plan, basis=basis) or Nothing.NOT_BEGUN


def _read(world: World, *, run: str, mode: RunMode, claim: QueueClaim) -> CustomerFacts | CaseResult | None:
    """The customer's facts; None where there is no credit, a case where one is live, or was adopted to give back."""
    customer = claim.wanted.customer
    try:
        # Most of these have no credit: one call passes them over, which for the others is one too many.
        if claim.wanted.cause is Cause.HINT and not _may_have_credit(world, claim):
            return None
        if claim.wanted.cause is Cause.TASK:
            # Another program's word: an id that Stripe does not know is no failure of ours, and must not stop a run.
            world.stripe.customer(customer)
        items = _pending_items(world, claim)
        facts = read_facts_of(stripe=world.stripe, clock=world.clock, customer=customer, pending_items=items)
    except NotFound:
        return None
    mended = None if mode is RunMode.PLAN else _mended(world, run=run, claim=claim, facts=facts)
    if mended is not None:
        return mended
    if not has_credit(facts.customer, items):
        return None
    live = world.ledger.live_case_of(customer=customer, currency=facts.customer.currency or "usd")
    if live is not None:
        return unplanned(live, facts.customer, outcome=Outcome.SKIPPED, reason=Reason.CASE_LIVE)
    return facts


def _mended(world: World, *, run: str, claim: QueueClaim, facts: CustomerFacts) -> CaseResult | None:
    """Give back what a forgotten or dead case still reserves; its customer is wanted again, or when it is old enough.

    So a ledger that was put back from an older copy mends itself, as the events since then are read again.
    """
    customer, result, later = claim.wanted.customer, None, list[int]()
    shown = mend_shown(
        world,
        run=run,
        customer=customer,
        transactions=facts.transactions,
        charges=facts.charges,
        by_itself=True,
    )
    for found in shown:
        result = found.result or result
        later += [found.at] if found.at is not None else []
    if result is not None:
        now = world.clock.now()
        world.queue.want([Wanted(customer=customer, cause=Cause.AGAIN, due_at=now + world.settling_s)], now=now)
    elif later:
        # The entry waits for it by itself; what is done with it from here on no longer finds its claim.
        world.queue.postpone(claim, until=min(later), leaves_run=True)
    return result


def _may_have_credit(world: World, claim: QueueClaim) -> bool:
    """One call for most; of who is held, pending items are read too: what is held for them still stands."""
    customer = world.stripe.customer(claim.wanted.customer)
    if has_credit(customer, ()):
        return True
    stands = next(iter(world.ledger.standings(customer=customer.id)), None)
    return stands is not None and has_credit(customer, _pending_items(world, claim))


def _pending_items(world: World, claim: QueueClaim) -> tuple[PendingItem, ...]:
    hints = claim.wanted.pending_items
    if hints is not None and claim.attempts == 1:
        return hints
    return tuple(world.stripe.pending_items(claim.wanted.customer))


def _refused_lately(world: World, plan: Plan) -> Case | None:
    """The customer's newest case where Stripe refused this very plan lately."""
    newest = next(world.ledger.cases_of_customer(plan.customer), None)
    if newest is None or newest.plan.digest != plan.digest or newest.reason not in _REFUSED:
        return None
    lately = newest.closed_at is not None and newest.closed_at > world.clock.now() - REFUSED_LATELY_S
    return newest if lately else None


def _end_standings(world: World, *, run: str, customer: str) -> None:
    standing = [one.plan.currency for one in world.ledger.standings(customer=customer)]
    if not standing:
        return
    with world.ledger.writing() as writer:
        for currency in standing:
            writer.end_standing(customer=customer, currency=currency, now=world.clock.now(), run=run)
