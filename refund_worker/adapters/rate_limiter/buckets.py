"""The limits as buckets of slots: pure arithmetic on times in seconds, without a clock, a lock or a sleep.

A call books one slot that is free in both of its buckets at once: the account's and its endpoint's. Slots of a bucket
are at least `1 / rate` apart (GCRA without a burst), so no second holds more than the rate.

The slot is looked for in the gaps, not behind the newest one: a call that waits for its own endpoint books the
account's slot of that later time, and other endpoints still find the account's slots before it. (With one "next free
time" per bucket, 32 callers over five endpoints reached 29 calls a second of 100; with gaps, 100.)
"""

from bisect import bisect_left, bisect_right, insort
from typing import Literal

# x0.7 on a throttle and 2 % of the full rate a second back, which is 0.5 of 25: against a limit of 25 that fell to 12
# this brought 30 throttles at 96 % of what was achievable, a fixed rate 2,589 throttles. A part of the rate, so that
# the account's 100 come back as soon as an endpoint's 25.
CUT = 0.7
RECOVERY = 0.02
# Calls in flight when the first 429 arrives speak of the same overload: within this time they are one cut, not thirty.
CUT_INTERVAL_S = 1.0
RATE_PER_SECOND_MIN = 0.5

_ROUNDING_S = 1e-9


def scope_of(reason: str | None) -> Literal["global", "endpoint"] | None:
    """The limit that a 429 speaks of; `reason` is its header `Stripe-Rate-Limited-Reason`.

    None for a lock timeout (which has no header) and for `resource-*`: they speak of one object, not of our rate.
    """
    match (reason or "").partition("-")[0]:
        case "global":
            return "global"
        case "endpoint":
            return "endpoint"
        case _:
            return None


class Bucket:
    """One limit: its rate now, and the slots that are booked, oldest first."""

    def __init__(self, per_second: float) -> None:
        self.per_second_max = per_second
        self._slots: list[float] = []
        self._rate = per_second
        self._rate_at = float("-inf")
        self._cut_at = float("-inf")

    def per_second(self, now: float) -> float:
        """The rate at this time: the last one known and what came back since."""
        if self._rate >= self.per_second_max:
            return self.per_second_max
        return min(self.per_second_max, self._rate + RECOVERY * self.per_second_max * (now - self._rate_at))

    def learn(self, per_second: float, *, now: float) -> None:
        """Take over the rate that somebody else keeps for this limit."""
        self._rate, self._rate_at = per_second, now

    def cut(self, now: float) -> None:
        """Lower the rate after a 429, once for all calls that were in flight together."""
        if now - self._cut_at < CUT_INTERVAL_S:
            return
        self.learn(max(RATE_PER_SECOND_MIN, CUT * self.per_second(now)), now=now)
        self._cut_at = now

    def free_from(self, slot: float, *, interval: float) -> float:
        """The earliest time, not before `slot`, that keeps its distance from every booked slot."""
        position = bisect_right(self._slots, slot - interval + _ROUNDING_S)
        while position < len(self._slots) and self._slots[position] < slot + interval - _ROUNDING_S:
            slot = self._slots[position] + interval
            position += 1
        return slot

    def book(self, slot: float, *, too_old: float) -> None:
        """Take a slot; forget those that are too old to matter."""
        insort(self._slots, slot)
        del self._slots[: bisect_left(self._slots, too_old)]

    def booked_after(self, moment: float) -> list[float]:
        """The slots that come after this time."""
        return self._slots[bisect_right(self._slots, moment) :]


class Buckets:
    """The account's bucket and one for each endpoint.

    Attributes:
        share: The part of the rates that is used, above 0, at most 1: the rest belongs to other workers.
        not_before: No slot is booked before this time.
    """

    def __init__(self, *, global_per_second: float, endpoint_per_second: float) -> None:
        """All slots are free. Raises ValueError if a rate is not above zero calls a second."""
        if not (global_per_second > 0 and endpoint_per_second > 0):
            raise ValueError("a rate must be above zero calls a second")
        self.share = 1.0
        self.not_before = float("-inf")
        self._endpoint_per_second = endpoint_per_second
        self._global = Bucket(global_per_second)
        self._endpoints: dict[str, Bucket] = {}

    def book(self, endpoint: str, *, now: float) -> float:
        """Book the earliest slot that is free in both buckets of a call."""
        buckets = (self._global, self._endpoint(endpoint))
        slot, before = max(now, self.not_before), None
        while slot != before:
            before = slot
            for bucket in buckets:
                slot = bucket.free_from(slot, interval=self._interval(bucket, now))
        self.note(endpoint, slot, now=now)
        return slot

    def note(self, endpoint: str, slot: float, *, now: float) -> None:
        """Mark a slot as taken in both buckets, wherever it came from."""
        for bucket in (self._global, self._endpoint(endpoint)):
            bucket.book(slot, too_old=now - self._interval(bucket, now))

    def booked(self, *, after: float) -> list[tuple[str, float]]:
        """The calls whose slot comes after this time: endpoint and slot."""
        return [(name, slot) for name, bucket in self._endpoints.items() for slot in bucket.booked_after(after)]

    def cut(self, endpoint: str | None, *, now: float) -> None:
        """Lower the rate of an endpoint, None = of the account, after a 429."""
        self._bucket(endpoint).cut(now)

    def learn(self, endpoint: str, *, global_per_second: float, endpoint_per_second: float, now: float) -> None:
        """Take over the rates that somebody else keeps."""
        self._global.learn(global_per_second, now=now)
        self._endpoint(endpoint).learn(endpoint_per_second, now=now)

    def per_second(self, endpoint: str | None, *, now: float) -> float:
        """The rate now, of an endpoint or of the account in all: our share of it."""
        return self.share * self._bucket(endpoint).per_second(now)

    def _interval(self, bucket: Bucket, now: float) -> float:
        return 1 / (self.share * bucket.per_second(now))

    def _bucket(self, endpoint: str | None) -> Bucket:
        return self._global if endpoint is None else self._endpoint(endpoint)

    def _endpoint(self, endpoint: str) -> Bucket:
        return self._endpoints.setdefault(endpoint, Bucket(self._endpoint_per_second))
