"""One delivery of an event to an endpoint, and the log of what became of each attempt."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

LOG_LONGEST: Final = 100_000

Outcome = Literal[
    "accepted",  # answered 2xx
    "refused",  # answered anything else
    "unanswered",  # no connection, a timeout, a connection that broke
    "lost",  # a fault: never sent, only the events API has the event
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to an endpoint.

    Attributes:
        how: `plain`, `doubled` for the second of two, or the kind of spoiling; spoilt ones are not tried again.
        attempt: Counts from 1.
    """

    event: str
    type: str
    body: bytes
    endpoint: str
    how: str = "plain"
    attempt: int = 1


class Attempted(NamedTuple):
    """A line of the log; `sent_at` is real epoch seconds, `clock` the sandbox's, `status` 0 without an answer."""

    event: str
    type: str
    endpoint: str
    how: str
    attempt: int
    sent_at: float
    clock: int
    status: int
    latency_ms: float
    outcome: Outcome


class DeliveryLog:
    """The latest attempts, oldest first, and counters since the start."""

    __slots__ = ("entries", "outcomes")

    def __init__(self) -> None:
        self.entries: deque[Attempted] = deque(maxlen=LOG_LONGEST)
        self.outcomes: Counter[str] = Counter()

    def add(self, entry: Attempted) -> None:
        """Note an attempt."""
        self.entries.append(entry)
        self.outcomes[entry.outcome] += 1

    def clear(self) -> None:
        """Begin counting anew."""
        self.entries.clear()
        self.outcomes.clear()
