"""Counts and totals over the results of a run: the part of `--json` that adds up."""

from collections.abc import Iterable

from refund_worker.domain.cases import Outcome
from refund_worker.domain.results import CaseResult

TOTALS = (
    "credit_minor",
    "excluded_minor",
    "refundable_minor",
    "refunded_minor",
    "pending_minor",
    "planned_minor",
    "held_minor",
    "left_minor",
)


class Tally:
    """Counts and totals of results that come one by one: a night of 100,000 cases takes no more memory than one."""

    def __init__(self) -> None:
        self._counts = {"examined": 0} | {str(outcome): 0 for outcome in Outcome}
        self._totals: dict[str, dict[str, int]] = {}

    def add(self, result: CaseResult) -> None:
        """Count one more."""
        self._counts["examined"] += 1
        self._counts[str(result.outcome)] += 1
        sums = self._totals.setdefault(result.currency, dict.fromkeys(TOTALS, 0))
        for name in TOTALS:
            sums[name] += getattr(result, name)

    @property
    def counts(self) -> dict[str, int]:
        """`examined` and one count an outcome; examined is the sum of the others."""
        return dict(self._counts)

    @property
    def totals(self) -> dict[str, dict[str, int]]:
        """The sums per currency, minor units; currencies never mix."""
        return {currency: dict(self._totals[currency]) for currency in sorted(self._totals)}


def tally(results: Iterable[CaseResult]) -> Tally:
    """Count all of them."""
    counted = Tally()
    for result in results:
        counted.add(result)
    return counted


def counts_of(results: Iterable[CaseResult]) -> dict[str, int]:
    """Return `examined` and one count an outcome; examined is the sum of the others."""
    return tally(results).counts


def totals_of(results: Iterable[CaseResult]) -> dict[str, dict[str, int]]:
    """Return the sums per currency, minor units; currencies never mix."""
    return tally(results).totals
