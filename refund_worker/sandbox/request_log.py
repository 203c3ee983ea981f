"""What was asked, and how often: for tests that count calls and benchmarks that divide them."""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple


class Logged(NamedTuple):
    """One request; `time` is the sandbox's, `key_kind` is secret, restricted or empty."""

    time: int
    request_id: str
    method: str
    path: str  # the template, or the path itself where no route matched
    status: int  # 0 when the answer was lost
    idempotency_key: str | None
    key_kind: str


class RequestLog:
    """The latest requests (`longest` of them, None for all) and counters since the start."""

    def __init__(self, *, longest: int | None = 10_000) -> None:
        self.entries: deque[Logged] = deque(maxlen=longest)
        self.per_endpoint: Counter[str] = Counter()
        self.per_status: Counter[int] = Counter()

    def add(self, entry: Logged) -> None:
        """Note one request."""
        self.entries.append(entry)
        self.per_endpoint[f"{entry.method} {entry.path}"] += 1
        self.per_status[entry.status] += 1

    def clear(self) -> None:
        """Begin counting anew."""
        self.entries.clear()
        self.per_endpoint.clear()
        self.per_status.clear()
