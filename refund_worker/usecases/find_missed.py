"""Counts the credits that a sweep finds and that no event had told of: a sign that events are lost."""

from collections.abc import Sequence

from refund_worker.domain.facts import Customer
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.poll_events import poll_events
from refund_worker.usecases.world import World


def find_missed(world: World, customers: Sequence[Customer], *, mode: RunMode) -> int:
    """How many of these customers, who all have credit, nothing here knows of.

    Known is who stands in the queue, has a live case, is held or skipped with this credit, or was left with it by his
    latest case. What is left may have come a moment ago: the events are read once more before it counts as missed.

    Raises:
        StripeError: If the events could not be read.
    """
    unknown = _unknown(world, [one for one in customers if one.credit_minor > 0])
    if unknown:
        poll_events(world)
        absorb_events(world, mode=mode)
        unknown = _unknown(world, unknown)
    return len(unknown)


def _unknown(world: World, customers: Sequence[Customer]) -> list[Customer]:
    known = world.queue.known_to_queue([one.id for one in customers])
    return [one for one in customers if one.id not in known and not _stands(world, one) and not _left(world, one)]


def _stands(world: World, customer: Customer) -> bool:
    currency, credit = customer.currency or "usd", customer.credit_minor
    return any(
        (one.plan.currency, one.plan.credit_minor) == (currency, credit)
        for one in world.ledger.standings(customer=customer.id)
    )


def _left(world: World, customer: Customer) -> bool:
    """Whether the customer's latest case is live, or ended with just this balance."""
    case = next(world.ledger.cases_of_customer(customer.id), None)
    if case is None:
        return False
    balances = [step.ending_balance_minor for step in case.steps if step.ending_balance_minor is not None]
    return case.live or (bool(balances) and balances[-1] == -customer.credit_minor)
