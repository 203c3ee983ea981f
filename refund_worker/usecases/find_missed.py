"""Counts the credits that a sweep finds and that no event had told of: a sign that events are lost."""

from collections.abc import Sequence

from refund_worker.domain.balances import stated_credits
from refund_worker.domain.cases import Case
from refund_worker.domain.facts import Customer
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.past_cases import past_cases
from refund_worker.usecases.poll_events import poll_events
from refund_worker.usecases.world import World


def find_missed(world: World, customers: Sequence[Customer], *, mode: RunMode) -> int:
    """How many of these customers, who all have credit, nothing here knows of.

    Known is who stands in the queue, has a live case, is held or skipped with this credit, or was left with it by his
    latest case. What is left may have come a moment ago: the events are read once more before it counts as missed.

    Raises:
        StripeError: If the events could not be read.
    """
    unknown = _unknown(world, [one for one in customers if _credits(one)])
    if unknown:
        poll_events(world)
        absorb_events(world, mode=mode)
        unknown = _unknown(world, unknown)
    return len(unknown)


def _credits(customer: Customer) -> dict[str, int]:
    return {currency: minor for currency, minor in stated_credits(customer).items() if minor > 0}


def _unknown(world: World, customers: Sequence[Customer]) -> list[Customer]:
    known = world.queue.known_to_queue([one.id for one in customers])
    return [one for one in customers if one.id not in known and not _known_to_ledger(world, one)]


def _known_to_ledger(world: World, customer: Customer) -> bool:
    """Whether the credit of each currency is held or skipped as it is, or was left so by the latest case."""
    standing = {(one.plan.currency, one.plan.credit_minor) for one in world.ledger.standings(customer=customer.id)}
    unknown = [(currency, minor) for currency, minor in _credits(customer).items() if (currency, minor) not in standing]
    if not unknown:
        return True
    latest = past_cases(world, customer.id).by_currency
    return all(currency in latest and _left(latest[currency], minor) for currency, minor in unknown)


def _left(case: Case, credit_minor: int) -> bool:
    """Whether a case is live, or ended with just this credit."""
    balances = [step.ending_balance_minor for step in case.steps if step.ending_balance_minor is not None]
    return case.live or (bool(balances) and balances[-1] == -credit_minor)
