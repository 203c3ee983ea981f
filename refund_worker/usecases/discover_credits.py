"""Finds the customers to examine: all of them page by page, or the named ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from refund_worker.domain.facts import Customer, PendingItem
from refund_worker.ports import StripeGateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A customer that was read; `to_examine` where there is credit or a pending credit item."""

    customer: Customer
    pending_items: tuple[PendingItem, ...]
    to_examine: bool


def discover_credits(stripe: StripeGateway, *, customers: Sequence[str] = ()) -> Iterator[Found]:
    """Yield every customer read, streamed; those with credit are to be examined.

    Args:
        customers: Ids of the named customers, which are always examined; empty = a sweep over all.

    Raises:
        NotFound: If a named customer does not exist.
    """
    if customers:
        # All names are read before the first is examined: a wrong one leaves nothing half done.
        yield from [_named(stripe, name) for name in dict.fromkeys(customers)]
        return
    pending: dict[str, list[PendingItem]] = {}
    for item in stripe.pending_items():
        pending.setdefault(item.customer, []).append(item)
    for customer in stripe.customers():
        items = tuple(pending.get(customer.id, ()))
        yield Found(customer=customer, pending_items=items, to_examine=has_credit(customer, items))


def has_credit(customer: Customer, pending_items: Iterable[PendingItem]) -> bool:
    """Whether a customer is to be examined: credit in any currency, or pending items that are one in the sum."""
    credit = customer.credit_minor > 0 or any(amount > 0 for amount in customer.other_credits.values())
    return not customer.deleted and (credit or sum(item.amount_minor for item in pending_items) < 0)


def _named(stripe: StripeGateway, name: str) -> Found:
    customer = stripe.customer(name)
    items = () if customer.deleted else tuple(stripe.pending_items(name))
    return Found(customer=customer, pending_items=items, to_examine=True)
