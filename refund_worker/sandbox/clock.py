"""The sandbox's time: simulated, or real with an offset; and what falls due as it moves."""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Due(NamedTuple):
    """Something that happens at `at` (epoch seconds); kept as values so that a snapshot can hold it."""

    at: int
    number: int
    kind: str
    arguments: tuple[Any, ...]


class Clock:
    """Epoch seconds. `advance` runs what falls due on the way, each at its own time."""

    def __init__(self, *, start: int | Literal["real"], turn: Callable[[Due], None]) -> None:
        self._real = start == "real"
        self._offset = 0 if start == "real" else start
        self._at: int | None = None
        self._turn = turn
        self._number = 0
        self._queue: list[Due] = []

    @property
    def now(self) -> int:
        """Epoch seconds; while something due is turned, the second it was due."""
        if self._at is not None:
            return self._at
        return int(time.time()) + self._offset if self._real else self._offset

    def schedule(self, at: int, kind: str, *arguments: Any) -> None:
        """Let `kind` happen at `at`."""
        self._number += 1
        heapq.heappush(self._queue, Due(at, self._number, kind, arguments))

    def advance(self, seconds: int) -> int:
        """Move time forward and turn what falls due; returns the new time.

        Raises:
            ValueError: If `seconds` is negative: Stripe's time does not run back.
        """
        if seconds < 0:
            raise ValueError(f"the clock only moves forward, not by {seconds} seconds")
        self._run_until(self.now + seconds)
        self._offset += seconds
        return self.now

    def tick(self) -> None:
        """Go on in real time from the simulated moment reached."""
        if not self._real:
            self._real, self._offset = True, self._offset - int(time.time())

    def catch_up(self) -> None:
        """Turn what has fallen due by now; real time moves without being told."""
        if self._queue and self._at is None and self._queue[0].at <= self.now:
            self._run_until(self.now)

    def _run_until(self, target: int) -> None:
        try:
            while self._queue and self._queue[0].at <= target:
                due = heapq.heappop(self._queue)
                self._at = max(due.at, self._at or 0)
                self._turn(due)
        finally:
            self._at = None

    def state(self) -> tuple[bool, int, int, tuple[Due, ...]]:
        """What a snapshot keeps."""
        return self._real, self._offset, self._number, tuple(self._queue)

    def adopt(self, state: tuple[bool, int, int, tuple[Due, ...]]) -> None:
        """Become the clock a snapshot was taken of."""
        self._real, self._offset, self._number, queue = state
        self._queue = list(queue)
