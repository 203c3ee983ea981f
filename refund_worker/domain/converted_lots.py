"""The lots of a conversion: what its credit opens, and what a correction takes back. Positive minor units.

Only the first credit of an item opens a lot of known origin: what two deployments credited twice stays unknown, and
never leaves as cash, until a correction takes it off again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from refund_worker.domain.conversions import NamedItem
from refund_worker.domain.credit import Origin
from refund_worker.domain.marks import Mark
from refund_worker.domain.origins import Part


class ConvertedItems:
    """Which credit moved how much of which item, movement by movement."""

    def __init__(self) -> None:
        self._carried: Counter[str] = Counter()
        self._credits: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)

    def credit(self, mark: Mark, *, transaction: str) -> tuple[NamedItem, ...]:
        """Book a credit; return those of its items of which nothing was carried."""
        fresh = tuple(item for item in mark.items if not self._carried[item.item])
        for item in mark.items:
            self._carried[item.item] += item.amount_minor
            if item.amount_minor < 0:
                self._credits[item.item].append((transaction, -item.amount_minor))
        return fresh

    def correct(self, mark: Mark) -> Iterator[tuple[str | None, int]]:
        """Book a correction; return what it takes of which credit, the newest first; None = of none that is known."""
        return iter([taken for item in mark.items for taken in self._correct(item)])

    def _correct(self, item: NamedItem) -> Iterator[tuple[str | None, int]]:
        self._carried[item.item] -= item.amount_minor
        left = max(0, -item.amount_minor)
        credits_ = self._credits[item.item]
        while left and credits_:
            transaction, credited = credits_.pop()
            taken = min(left, credited)
            left -= taken
            if credited > taken:
                credits_.append((transaction, credited - taken))
            yield transaction, taken
        if left:
            yield None, left


def conversion_parts(mark: Mark, *, credit_minor: int, fresh: Sequence[NamedItem]) -> tuple[Part | None, Part | None]:
    """Split a conversion's credit into its proration and the rest.

    Args:
        mark: Of the credit.
        credit_minor: The credit, positive.
        fresh: Those of its items that no older credit carries.
    """
    converted = mark.converted
    if converted is None:
        return None, Part(amount_minor=credit_minor, origin=Origin.UNKNOWN)
    proration, rest = converted.proration_minor, Origin.OTHER
    if len(fresh) < len(mark.items):
        again = -sum(min(0, item.amount_minor) for item in mark.items if item not in fresh)
        first = min(credit_minor, -sum(item.amount_minor for item in fresh))
        proration, rest = max(0, min(proration - again, first)), Origin.UNKNOWN
    return (
        Part(
            amount_minor=proration,
            origin=Origin.PRORATION,
            cause=converted.cause,
            subscription=converted.subscription,
        )
        if proration
        else None,
        Part(amount_minor=credit_minor - proration, origin=rest) if credit_minor > proration else None,
    )
