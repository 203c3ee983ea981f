"""Which change of a subscription made its prorations: a cancellation, a price, a quantity, or another one."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from refund_worker.domain.credit import Cause


class Proration(Protocol):
    """A line of an invoice or a pending item: what it bills (positive) or credits (negative), in minor units."""

    @property
    def amount_minor(self) -> int:
        """With Stripe's sign."""

    @property
    def price(self) -> str | None:
        """The price that it bills or credits; None where Stripe names none."""

    @property
    def quantity(self) -> int | None:
        """How many of it."""


def cause_of(prorations: Iterable[Proration]) -> Cause:
    """Say which change made the prorations of one subscription.

    A cancellation credits unused time and bills none. A change bills the new state beside the credit for the old one:
    at other prices, or at the same prices in other quantities. What was billed and credited again in between says
    nothing; where nothing else is left - a billing date that was moved, say - or a price is not named, it is another
    change.
    """
    told = [one for one in prorations if one.amount_minor]
    credited = Counter((one.price, one.quantity) for one in told if one.amount_minor < 0)
    billed = Counter((one.price, one.quantity) for one in told if one.amount_minor > 0)
    if not billed:
        return Cause.CANCELLATION
    if any(price is None for price, _ in credited | billed):
        return Cause.OTHER_CHANGE
    before, after = credited - billed, billed - credited
    if not before:
        return Cause.OTHER_CHANGE
    if not after:
        return Cause.CANCELLATION
    return Cause.QUANTITY if {price for price, _ in before} == {price for price, _ in after} else Cause.PRICE
