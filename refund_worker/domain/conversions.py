"""Conversions: pending invoice items of one subscription and currency that are moved onto the customer's balance.

An ended subscription is never invoiced again, so what its prorations left pending would wait for ever. Its net credit
is put on the balance by one marked customer balance transaction, then the items are deleted; from there on it is
credit like any other.
"""

from dataclasses import dataclass

from refund_worker.domain.credit import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedItem:
    """An invoice item that a conversion moves: its amount has Stripe's sign, negative = credit. Minor units."""

    item: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The pending items of one subscription in one currency, credits and debits together.

    Attributes:
        items: By id; their sum is below zero.
        proration_minor: What of the credit is proration, zero or more: the rest never leaves as cash.
        cause: Which change made the prorations.
        credited: The invoices whose time is credited, as far as Stripe says; empty = it does not say.
        since: When the oldest of the credited time was given up, epoch seconds: so old is the credit.
        earlier: Movements of ours that named one of these items before; a part of the credit's key, so that items that
            came back are not taken for those of the first time.
    """

    subscription: str
    currency: str
    items: tuple[NamedItem, ...]
    proration_minor: int
    cause: Cause
    credited: tuple[str, ...] = ()
    since: int = 0
    earlier: int = 0

    @property
    def credit_minor(self) -> int:
        """The credit that is put on the balance, positive."""
        return -sum(item.amount_minor for item in self.items)
