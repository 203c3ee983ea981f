"""Takes one customer of the queue through a run: only the id is known, and often there is nothing to refund."""

from refund_worker.domain.balances import currencies_with_credit
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import Customer, CustomerFacts
from refund_worker.domain.queueing import Cause, QueueClaim, Wanted
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.discover_credits import has_credit
from refund_worker.usecases.examine_currencies import (
    NOT_BEGUN,
    Examined,
    Reading,
    end_standings,
    examine_currencies,
    read_customer,
)
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.mend_orphans import mend_shown
from refund_worker.usecases.read_facts import read_facts_of
from refund_worker.usecases.without_plan import read_or_fail
from refund_worker.usecases.world import World


def examine_wanted(world: World, gate: Gate, *, run: str, mode: RunMode, claim: QueueClaim) -> Examined:
    """Examine a customer of the queue in each currency; one without credit ends its holds and skips.

    That discovery saw no pending items is believed at the first claim only: later they are looked for again.
    """
    if gate.closed:
        return NOT_BEGUN
    holder = Customer(id=claim.wanted.customer)
    found = read_or_fail(world, gate, holder, lambda: _read(world, run=run, mode=mode, claim=claim))
    if isinstance(found, tuple):
        return Examined(results=found)
    if found is None:
        end_standings(world, run=run, customer=holder.id)
        return Examined()
    return examine_currencies(world, gate, run=run, mode=mode, reading=found, again=False)


def _read(world: World, *, run: str, mode: RunMode, claim: QueueClaim) -> Reading | tuple[CaseResult, ...] | None:
    """The customer's facts; None where there is no credit, cases where some were adopted to give back."""
    customer = claim.wanted.customer
    try:
        # Most of these have no credit: a call or two pass them over, which for the others is too many. Not where a
        # night's discovery saw pending items meanwhile: what stands in the queue stays a hint.
        hinted = claim.wanted.cause in {Cause.HINT, Cause.ENDED} and not claim.wanted.pending_items
        if hinted and not _may_have_credit(world, claim):
            return None
        if claim.wanted.cause is Cause.TASK:
            # Another program's word: an id that Stripe does not know is no failure of ours, and must not stop a run.
            world.stripe.customer(customer)
        items = _may_have_items(claim)
        found = read_customer(world, customer, lambda: read_facts_of(world, customer=customer, pending_items=items))
    except NotFound:
        return None
    mended = () if mode is RunMode.PLAN else _mended(world, run=run, claim=claim, facts=found.facts)
    if mended:
        return mended
    return found if currencies_with_credit(found.facts) else None


def _mended(world: World, *, run: str, claim: QueueClaim, facts: CustomerFacts) -> tuple[CaseResult, ...]:
    """Give back what forgotten or dead cases still reserve; the customer is wanted again, or when it is old enough.

    So a ledger that was put back from an older copy mends itself, as the events since then are read again.
    """
    customer = claim.wanted.customer
    shown = list(
        mend_shown(
            world,
            run=run,
            customer=customer,
            transactions=facts.transactions,
            charges=facts.charges,
            by_itself=True,
        )
    )
    results = tuple(found.result for found in shown if found.result is not None)
    later = [found.at for found in shown if found.at is not None]
    if results:
        now = world.clock.now()
        world.queue.want([Wanted(customer=customer, cause=Cause.AGAIN, due_at=now + world.settling_s)], now=now)
    elif later:
        # The entry waits for it by itself; what is done with it from here on no longer finds its claim.
        world.queue.postpone(claim, until=min(later), leaves_run=True)
    return results


def _may_have_credit(world: World, claim: QueueClaim) -> bool:
    """One call for most; pending items are read too where a subscription ended, and of who is held, maybe for them."""
    customer = world.stripe.customer(claim.wanted.customer)
    if has_credit(customer, ()):
        return True
    if customer.deleted or not _may_have_items(claim):
        return False
    ended = claim.wanted.cause is Cause.ENDED
    if not ended and next(iter(world.ledger.standings(customer=customer.id)), None) is None:
        return False
    return has_credit(customer, tuple(world.stripe.pending_items(customer.id)))


def _may_have_items(claim: QueueClaim) -> bool:
    hints = claim.wanted.pending_items
    return hints is None or bool(hints) or claim.attempts > 1
