"""What the tests of the limiters share: calls that look for the limit, and how many a second held."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

CALLS_OF_A_CASE = (
    "GET /v1/invoices",
    "GET /v1/charges",
    "GET /v1/customers/{}/balance_transactions",
    "POST movement",
    "POST /v1/refunds",
)

# Books a slot of an endpoint, and returns when it comes.
Book = Callable[[str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot that a caller got, in monotonic seconds, which all processes of a machine share."""

    endpoint: str
    at: float


def busiest_second(times: Iterable[float]) -> int:
    """The most calls that any window of one second holds."""
    ordered, first, most = sorted(times), 0, 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= 1 - 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most


def longest_pause(times: Iterable[float]) -> float:
    """The longest time between two calls, seconds."""
    ordered = sorted(times)
    return max(after - before for before, after in pairwise(ordered))


def call_in_turn(books: Sequence[Book], *, threads_each: int, latency_s: float, until: float) -> list[Slot]:
    """Let threads of each limiter repeat the calls of a case; their slots are what counts, not when a thread awoke."""
    slots: list[Slot] = []

    def caller(book: Book, turn: int) -> None:
        while time.monotonic() < until:
            endpoint = CALLS_OF_A_CASE[turn % len(CALLS_OF_A_CASE)]
            at = book(endpoint)
            time.sleep(max(0.0, at - time.monotonic()))
            slots.append(Slot(endpoint=endpoint, at=at))
            time.sleep(latency_s)
            turn += 1

    threads = [threading.Thread(target=caller, args=(book, number)) for book in books for number in range(threads_each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return slots
