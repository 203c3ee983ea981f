"""Whose unused time a proration credits where it names no subscription.

Recorded of Stripe's API 2026-08-26.dahlia: a cancellation with proration and without an invoice leaves a pending item
that names neither its subscription nor what it credits. What is left of it: it is a proration of a product, and its
period begins in the second in which the subscription ended and ends with the period that the subscription had paid.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from refund_worker.domain.facts import Invoice, PendingItem, Subscription, SubscriptionItem


class Proration(Protocol):
    """A pending item, or a line of an invoice."""

    @property
    def proration(self) -> bool:
        """A change or the end of a subscription made it."""

    @property
    def subscription(self) -> str | None:
        """The one that it names."""

    @property
    def period_start(self) -> int:
        """Epoch seconds."""

    @property
    def period_end(self) -> int:
        """Epoch seconds."""

    @property
    def price(self) -> str | None:
        """What was billed: not the newest price, where that was changed without a proration."""

    @property
    def product(self) -> str | None:
        """What is sold at that price."""


def is_unnamed(one: Proration) -> bool:
    """Whether it is a proration of no subscription that it would name."""
    return one.proration and one.subscription is None


def subscription_of(one: Proration, subscriptions: Iterable[Subscription]) -> str | None:
    """Return the only ended subscription whose unused time an unnamed proration credits; None where none or several do.

    To the second, as every recording has it.

    Args:
        one: What `is_unnamed`.
        subscriptions: All of the customer, also those that go on.
    """
    found = [each.id for each in subscriptions if each.ended and each.ended_at == one.period_start and _had(each, one)]
    return found[0] if len(found) == 1 else None


def items_attributed(items: Iterable[PendingItem], subscriptions: Iterable[Subscription]) -> tuple[PendingItem, ...]:
    """Return the items in their order, each unnamed proration with the subscription found for it, if one was."""
    every = tuple(subscriptions)
    return tuple(
        replace(item, subscription=subscription_of(item, every)) if is_unnamed(item) else item for item in items
    )


def has_unnamed_lines(invoice: Invoice) -> bool:
    """Whether an invoice put credit on the balance that prorations made of which it does not say whose they are."""
    return invoice.total_minor < 0 and any(is_unnamed(line) for line in invoice.lines)


def invoices_attributed(invoices: Iterable[Invoice], subscriptions: Iterable[Subscription]) -> tuple[Invoice, ...]:
    """Return the invoices in their order, with the unnamed prorations of those that have a negative total attributed.

    The subscription that an invoice itself is for says nothing of them: the next invoice of any subscription, or one
    made by hand, takes the pending items that name none.
    """
    every = tuple(subscriptions)
    return tuple(_lines_attributed(invoice, every) if has_unnamed_lines(invoice) else invoice for invoice in invoices)


def _lines_attributed(invoice: Invoice, subscriptions: tuple[Subscription, ...]) -> Invoice:
    lines = tuple(
        replace(line, subscription=subscription_of(line, subscriptions)) if is_unnamed(line) else line
        for line in invoice.lines
    )
    return replace(invoice, lines=lines)


def _had(subscription: Subscription, one: Proration) -> bool:
    return any(item.period_end == one.period_end and _sells(item, one) for item in subscription.items)


def _sells(item: SubscriptionItem, one: Proration) -> bool:
    same_product = one.product is not None and item.product == one.product
    return same_product or (one.price is not None and item.price == one.price)
