"""The halt that stands, read so often that every worker sees it within a second, and not before every single write."""

import threading
import time
from collections.abc import Callable
from typing import Final

from refund_worker.domain.halts import Halt

# 25 writes a second are one question each half second.
KNOWN_FOR_S: Final = 0.5


class HaltWatch:
    """Asks the ledger at most every half second, for all threads. Implements `World.halted`."""

    def __init__(self, ask: Callable[[], Halt | None], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Keep what to ask.

        Args:
            ask: Reads the halt that stands; raises LedgerError.
            monotonic: Seconds that never go back.
        """
        self._ask = ask
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._found: Halt | None = None
        self._asked_at = float("-inf")

    def __call__(self) -> Halt | None:
        """The halt that stands, as it was at most half a second ago. Raises LedgerError: then nothing may be sent."""
        with self._lock:
            now = self._monotonic()
            if now - self._asked_at >= KNOWN_FOR_S:
                self._found = self._ask()
                self._asked_at = now
            return self._found
