"""Judges a customer's pending invoice items: which are converted into credit, which are left, which need a person."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from refund_worker.domain.facts import PendingItem

# Of one subscription, in one currency.
Group = tuple[PendingItem, ...]


def groups_of(items: Iterable[PendingItem]) -> Mapping[tuple[str, str | None], Group]:
    """Return the items by currency and subscription, each group by id."""
    found: defaultdict[tuple[str, str | None], list[PendingItem]] = defaultdict(list)
    for item in items:
        found[item.currency, item.subscription].append(item)
    return {name: tuple(sorted(group, key=lambda item: item.id)) for name, group in found.items()}


def subscriptions_to_read(items: Iterable[PendingItem]) -> tuple[str, ...]:
    """Return the subscriptions whose state decides about their items: those whose items are a credit in the sum."""
    credit = {name: group for name, group in groups_of(items).items() if net_minor(group) < 0}
    return tuple(sorted({subscription for _, subscription in credit if subscription is not None}))


def net_minor(group: Sequence[PendingItem]) -> int:
    """The sum of a group, minor units with Stripe's sign: negative = credit."""
    return sum(item.amount_minor for item in group)
