"""A night unlike its past: what of it is weighed, against what, and beyond which limit it waits for a person.

Weighed are the customers with new credit, by number, and their sum in each currency. Each figure is held against the
same figure of the past nights: beyond `unusual_multiple` times their median, and beyond the floor, it is unusual.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from refund_worker.domain.currencies import plain_amount
from refund_worker.domain.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a night found: customers with new credit, and per currency its sum, positive minor units."""

    customers: int = 0
    credit_minor: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A figure that is unusual; of a currency's sum in minor units, of the number of customers without currency.

    Attributes:
        found: Tonight's figure.
        twice_median: Of the past nights' figures, doubled: the median of an even number of nights may be a half.
        limit: What `found` is above.
    """

    currency: str | None
    found: int
    twice_median: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """A weight with what it was held against.

    Attributes:
        nights: How many past nights the medians rest on.
    """

    weight: Weight
    nights: int
    excesses: tuple[Excess, ...] = ()

    @property
    def unusual(self) -> bool:
        """Whether some figure is beyond its limit."""
        return bool(self.excesses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual by the past nights and the policy: the limits, and what is beyond them."""

    past: Sequence[Weight]
    policy: Policy

    def customers_limit(self) -> int:
        """The most customers with new credit that are not unusual."""
        customers, _ = self.policy.unusual_floors("usd", nights=len(self.past))
        return self._limit(self._twice_customers(), floor=customers)

    def credit_limit(self, currency: str) -> int:
        """The largest sum of new credit that is not unusual, minor units."""
        _, minor = self.policy.unusual_floors(currency, nights=len(self.past))
        return self._limit(self._twice_credit(currency), floor=minor)

    def weigh(self, weight: Weight) -> Weighing:
        """Hold a weight against the limits."""
        excesses = []
        if weight.customers > self.customers_limit():
            excesses.append(self.excess_of_customers(weight.customers))
        for currency, minor in sorted(weight.credit_minor.items()):
            if minor > self.credit_limit(currency):
                excesses.append(self.excess_of_credit(minor, currency=currency))
        return Weighing(weight=weight, nights=len(self.past), excesses=tuple(excesses))

    def excesses_with(self, booked: Weight, *, currency: str, planned_minor: int) -> tuple[Excess, ...]:
        """What is beyond the limits when one more case is added to those that a run has booked."""
        found = booked.credit_minor.get(currency, 0) + planned_minor
        return self.weigh(Weight(customers=booked.customers + 1, credit_minor={currency: found})).excesses

    def excess_of_customers(self, found: int) -> Excess:
        """A number of customers, with what it was held against."""
        return Excess(currency=None, found=found, twice_median=self._twice_customers(), limit=self.customers_limit())

    def excess_of_credit(self, found: int, *, currency: str) -> Excess:
        """A sum in minor units, with what it was held against."""
        twice = self._twice_credit(currency)
        return Excess(currency=currency, found=found, twice_median=twice, limit=self.credit_limit(currency))

    def _limit(self, twice_median: int, *, floor: int) -> int:
        # Rounded down: a whole number is above it just where it is above the exact one.
        return max(floor, self.policy.unusual_multiple * twice_median // 2)

    def _twice_customers(self) -> int:
        return _twice_median([night.customers for night in self.past])

    def _twice_credit(self, currency: str) -> int:
        return _twice_median([night.credit_minor.get(currency, 0) for night in self.past])


def lines_of(weighing: Weighing) -> tuple[str, ...]:
    """What is unusual of a night, one line a figure."""
    return tuple(
        line_of(excess, nights=weighing.nights, customers="customers with new credit", credit="of new credit")
        for excess in weighing.excesses
    )


def why_it_waits(lines: Sequence[str]) -> str:
    """What stops a shared run that is unusual, figures and all: whoever lets it through reads this, in `doctor` too."""
    return f"unlike the past nights: {'; '.join(lines)}"


def line_of(excess: Excess, *, nights: int, customers: str, credit: str) -> str:
    """One figure in words: what it counts, what is usual, and the limit."""
    what = customers if excess.currency is None else credit
    if not nights:
        usual = "there is no earlier night to compare with"
    else:
        past = "last night's figure" if nights == 1 else f"the median of the last {nights} nights"
        usual = f"{past} is {_median_text(excess)}"
    return f"{_text(excess.found, excess)} {what}; {usual}, the limit {_text(excess.limit, excess)}"


def _text(figure: int, excess: Excess) -> str:
    return str(figure) if excess.currency is None else plain_amount(figure, currency=excess.currency)


def _median_text(excess: Excess) -> str:
    half = excess.twice_median % 2
    if excess.currency is not None:
        return plain_amount(excess.twice_median // 2, currency=excess.currency)
    return f"{excess.twice_median // 2}{'.5' if half else ''}"


def _twice_median(figures: Sequence[int]) -> int:
    """The median, doubled; 0 of none. Of an even number it is the mean of the two in the middle."""
    if not figures:
        return 0
    ordered = sorted(figures)
    middle = len(ordered) // 2
    return 2 * ordered[middle] if len(ordered) % 2 else ordered[middle - 1] + ordered[middle]
