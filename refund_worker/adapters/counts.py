"""Counts of this process, kept in memory and added to the ledger's now and then: one place to scrape them all."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from refund_worker.domain.cases import Outcome
from refund_worker.domain.counting import CASES, CENTS, STRIPE_CALLS, STRIPE_THROTTLES, counter
from refund_worker.domain.results import CaseResult

_NOT_OVER: Final = frozenset({Outcome.UNKNOWN, Outcome.FAILED})
_KINDS: Final = {"reserve": "reserved", "give_back": "given_back", "recredit": "recredited"}

Key = tuple[str, str]


class Counts:
    """Counters by name and labels; threads share it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()

    def add(self, key: Key, by: int = 1) -> None:
        """Count."""
        with self._lock:
            self._counts[key] += by

    def call(self, endpoint: str, status: int | None, throttled_by: str | None) -> None:
        """Count a call to Stripe, and what throttled it."""
        self.add(counter(STRIPE_CALLS, endpoint=endpoint, status="none" if status is None else str(status)))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.add(counter(STRIPE_THROTTLES, reason=throttled_by or "lock_timeout"))

    def case(self, result: CaseResult) -> None:
        """Count how a case ended, and what it moved; a case that is not over is counted when it is."""
        self.add(
            counter(CASES, outcome=str(result.outcome), reason=None if result.reason is None else str(result.reason))
        )
        if result.outcome in _NOT_OVER:
            return
        for movement in result.movements:
            kind = _KINDS.get(movement.step.partition(":")[0])
            if kind is not None:
                self.add(counter(CENTS, currency=result.currency, kind=kind), abs(movement.amount_minor))
        refunded = result.refunded_minor + result.pending_minor
        if refunded:
            self.add(counter(CENTS, currency=result.currency, kind="refunded"), refunded)

    def flush(self, add_counts: Callable[[Mapping[Key, int]], None]) -> None:
        """Add all that was counted since the last time to the ledger; what cannot be written is kept for the next."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        if not taken:
            return
        try:
            add_counts(taken)
        except BaseException:
            with self._lock:
                self._counts.update(taken)
            raise
