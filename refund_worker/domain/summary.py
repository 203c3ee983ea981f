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


def counts_of(results: Iterable[CaseResult]) -> dict[str, int]:
    """Return `examined` and one count an outcome; examined is the sum of the others."""
    counts = {"examined": 0} | {str(outcome): 0 for outcome in Outcome}
    for result in results:
        counts["examined"] += 1
        counts[str(result.outcome)] += 1
    return counts


def totals_of(results: Iterable[CaseResult]) -> dict[str, dict[str, int]]:
    """Return the sums per currency, minor units; currencies never mix."""
    totals: dict[str, dict[str, int]] = {}
    for result in results:
        sums = totals.setdefault(result.currency, dict.fromkeys(TOTALS, 0))
        for name in TOTALS:
            sums[name] += getattr(result, name)
    return {currency: totals[currency] for currency in sorted(totals)}
