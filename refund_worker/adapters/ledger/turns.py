"""Who waits for a connection gets it in turn.

A pool wakes a waiter when a connection comes back, but whoever gave it back may take it again first: with 32 threads on
10 connections one of them waited for 16 seconds. Here a place is handed to the one who has waited longest.
"""

import threading
from collections import deque
from types import TracebackType


class TurnMissed(Exception):
    """No place came free in time."""


class Turns:
    """So many at once, the others in the order in which they came. A context manager that threads share."""

    def __init__(self, places: int, *, patience_s: float) -> None:
        """Set the number of places, and how long one waits for one."""
        self._free = places
        self._patience_s = patience_s
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        """Take a place. Raises TurnMissed."""
        with self._guard:
            if self._free > 0:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(self._patience_s):
            return
        with self._guard:
            if turn.is_set():  # it came in the very last moment
                return
            self._waiting.remove(turn)
        raise TurnMissed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand the place to the one who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
