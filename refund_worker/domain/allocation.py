"""Splitting what is to be refunded over the charges: newest first, each charge within its limits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final

from refund_worker.domain.plans import Candidate, PlannedRefund

# The key for credit that belongs to no subscription and may go back over a charge of any.
ANY_SUBSCRIPTION: Final = "*"
_NOTHING_USED: Final[Mapping[tuple[str, str], int]] = MappingProxyType({})


def allocate(
    *,
    amounts: Mapping[str, int],
    candidates: Sequence[Candidate],
    used: Mapping[tuple[str, str], int] = _NOTHING_USED,
    closed: AbstractSet[str] = frozenset(),
    step_minor: int = 1,
) -> tuple[PlannedRefund, ...]:
    """Split amounts over charges, newest charge first, then by charge id descending.

    Args:
        amounts: Per subscription what to refund, minor units, zero or more; under ANY_SUBSCRIPTION what may go
            back over any of the candidates.
        candidates: With their before-images, in any order; a charge that paid for two subscriptions is there
            twice.
        used: What was already refunded since the before-images, by (charge, subscription).
        closed: Charges that refused and take nothing more.
        step_minor: Each refund is rounded down to a multiple of it.

    Returns:
        At most one refund per charge and subscription. What no charge can take is left out; no charge gets more
        than its before-image says is left on it, over all subscriptions together.

    Source:
        Stripe's support article on refunding a credit balance (newest invoice first).
    """
    wanted = Counter(amounts)
    used_of_charge: Counter[str] = Counter()
    for (charge, _), amount in used.items():
        used_of_charge[charge] += amount
    refunds: list[PlannedRefund] = []
    for candidate in sorted(candidates, key=_newest_first):
        if candidate.charge in closed:
            continue
        left = min(
            candidate.refundable_minor - used.get((candidate.charge, candidate.subscription), 0),
            candidate.captured_minor - candidate.refunded_minor - used_of_charge[candidate.charge],
        )
        own = min(left, wanted[candidate.subscription])
        for_any = min(left - own, wanted[ANY_SUBSCRIPTION])
        amount = own + for_any
        amount -= amount % step_minor
        if amount <= 0:
            continue
        own = min(own, amount)
        wanted[candidate.subscription] -= own
        wanted[ANY_SUBSCRIPTION] -= amount - own
        used_of_charge[candidate.charge] += amount
        refunds.append(
            PlannedRefund(
                charge=candidate.charge,
                invoice=candidate.invoice,
                subscription=candidate.subscription,
                amount_minor=amount,
            )
        )
    return tuple(refunds)


def _newest_first(candidate: Candidate) -> tuple[int, tuple[int, ...], str]:
    # Ids compare by code point; negated, so that one ascending sort gives descending ids.
    return -candidate.created, tuple(-ord(letter) for letter in candidate.charge), candidate.subscription
