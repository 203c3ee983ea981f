"""Conversions are told with the ordinary case that they made room for: one case per customer and currency."""

from collections import defaultdict
from dataclasses import replace

from refund_worker.domain.results import CaseResult


class ToldTogether:
    """Results of a run in the order in which they came to be; threads do not share it."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[str, str], list[CaseResult]] = defaultdict(list)

    def add(self, result: CaseResult) -> CaseResult | None:
        """Return the result with the movements of the conversions before it; None for such a conversion."""
        if result.ended_conversion:
            self._waiting[result.customer, result.currency].append(result)
            return None
        before = self._waiting.pop((result.customer, result.currency), [])
        moved = tuple(movement for one in before for movement in one.movements)
        return replace(result, movements=moved + result.movements) if moved else result

    def left(self) -> tuple[CaseResult, ...]:
        """Conversions without an ordinary case, where something is to be told of them: a reason."""
        return tuple(one for waiting in self._waiting.values() for one in waiting if one.reason is not None)
