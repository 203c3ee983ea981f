"""Finds the customers to examine: all of them page by page, or the named ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from refund_worker.domain.balances import pending_credits
from refund_worker.domain.facts import Customer, PendingItem
from refund_worker.domain.new_credit import credits_known
from refund_worker.ports import StripeGateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A customer that was read; `to_examine` where there is credit or a pending credit item.

    Attributes:
        pending_items: There are some, or may be: whoever examines the customer lists them afresh.
        credit_minor: Per currency as the lists tell it, positive minor units: what weighs a night.
    """

    customer: Customer
    pending_items: bool
    to_examine: bool
    credit_minor: Mapping[str, int] = field(default_factory=dict)


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
        if has_credit(customer, items):
            credit = credits_known(customer, items)
            yield Found(customer=customer, pending_items=bool(items), to_examine=True, credit_minor=credit)
        else:
            yield Found(customer=customer, pending_items=bool(items), to_examine=False)


def has_credit(customer: Customer, pending_items: tuple[PendingItem, ...]) -> bool:
    """Whether a customer is to be examined: credit in any currency, or pending items of which some group is one.

    Of another currency than the customer's own any balance counts: which sign is a credit there is documented, and
    found out by comparing it with the movements (`domain.balances`).
    """
    credit = customer.credit_minor > 0 or any(customer.other_credits.values())
    return not customer.deleted and (credit or bool(pending_credits(pending_items)))


def _named(stripe: StripeGateway, name: str) -> Found:
    customer = stripe.customer(name)
    return Found(customer=customer, pending_items=not customer.deleted, to_examine=True)
