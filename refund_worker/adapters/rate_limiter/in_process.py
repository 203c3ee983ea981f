"""Keeps the calls of one process within Stripe's limits: one for the account, one for each endpoint."""

import threading
import time
from collections.abc import Callable

from refund_worker.adapters.rate_limiter.buckets import Buckets, scope_of
from refund_worker.adapters.rate_limiter.waiting import wait_for_slot


class RateLimiter:
    """The limiter of one process, shared by its threads. Implements `ports.RateLimiter`."""

    def __init__(
        self,
        *,
        global_per_second: float,
        endpoint_per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Limit calls.

        Args:
            global_per_second: Calls a second to the account in all, above zero.
            endpoint_per_second: Calls a second to each endpoint, above zero.
            monotonic: Seconds that never go back.
            sleep: Waits for seconds.

        Raises:
            ValueError: If a rate is not above zero.

        Source:
            docs.stripe.com/rate-limits.
        """
        self._buckets = Buckets(global_per_second=global_per_second, endpoint_per_second=endpoint_per_second)
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()

    def wait(self, endpoint: str) -> None:
        """Sleep until a call to the endpoint (method and path template) may be sent."""
        wait_for_slot(lambda: self.book(endpoint), monotonic=self._monotonic, sleep=self._sleep)

    def book(self, endpoint: str) -> float:
        """Book a slot and return when it comes, in monotonic seconds."""
        with self._lock:
            return self._buckets.book(endpoint, now=self._monotonic())

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Learn of a 429; `reason` is the header `Stripe-Rate-Limited-Reason`, None for a lock timeout.

        `global-*` and `endpoint-*` (rate or concurrency) slow that bucket down. A lock timeout or `resource-specific`
        speaks of one object, not of our rate: its caller backs off.
        """
        scope = scope_of(reason)
        if scope is not None:
            with self._lock:
                self._buckets.cut(endpoint if scope == "endpoint" else None, now=self._monotonic())

    def per_second(self, endpoint: str | None = None) -> float:
        """The rate now, of an endpoint or of the account in all."""
        with self._lock:
            return self._buckets.per_second(endpoint, now=self._monotonic())

    def share(self, *, account: str, livemode: bool) -> None:
        """Nothing: without Redis there is nobody to share the limit with."""

    def close(self) -> None:
        """Nothing: it holds no connection."""
