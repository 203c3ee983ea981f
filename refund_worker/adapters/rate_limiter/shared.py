"""Keeps the calls of all workers of an account within Stripe's limits, through Redis."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from refund_worker.adapters.rate_limiter.buckets import Buckets, scope_of
from refund_worker.adapters.rate_limiter.redis_slots import RedisGone, RedisSlots
from refund_worker.adapters.rate_limiter.waiting import wait_for_slot

# While Redis is gone, one caller asks for it this often; the others do not wait for that.
PROBE_S = 2.0
# How long a caller waits for its turn before it asks what the one before it is waiting for (looking up a name has no
# timeout of its own).
TURN_S = 1.0

T = TypeVar("T")
log = structlog.get_logger("refund_worker")


class SharedRateLimiter:
    """The limiter of one worker, shared by its threads, and through Redis with all workers of the account.

    Implements `ports.RateLimiter`. Never open and never stopped: while Redis is gone, and until `share` says whose
    limit it is, slots are booked in this process, at the rate divided by the number of workers seen last. This
    worker's slots are noted here whoever gave them. So what comes from here keeps its distance from what Redis gave
    before, and what was taken here is booked in Redis before Redis gives again.
    """

    def __init__(
        self,
        *,
        redis: RedisSlots,
        global_per_second: float,
        endpoint_per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Limit calls; nothing is sent to Redis before `share`.

        Args:
            redis: The slots that the workers share.
            global_per_second: Calls a second to the account in all, above zero; the same for all workers.
            endpoint_per_second: Calls a second to each endpoint, above zero; the same for all workers.
            monotonic: Seconds that never go back.
            sleep: Waits for seconds.

        Raises:
            ValueError: If a rate is not above zero.

        Source:
            docs.stripe.com/rate-limits.
        """
        self._own = Buckets(global_per_second=global_per_second, endpoint_per_second=endpoint_per_second)
        self._rates = {"global_per_second": global_per_second, "endpoint_per_second": endpoint_per_second}
        self._redis = redis
        self._monotonic = monotonic
        self._sleep = sleep
        self._workers = 0  # as seen last; 0 = Redis never answered
        # None while Redis gives the slots; else when it is asked again.
        self._asked_again_at: float | None = float("inf")
        self._gone_since: float | None = None
        self._joined = False
        self._lock = threading.Lock()  # of all above; never held while Redis is waited for, but once when coming back
        self._turn = threading.Lock()  # to ask Redis
        self._turn_since = 0.0

    def share(self, *, account: str, livemode: bool) -> None:
        """Share the limit with all workers of this account and mode from now on; before, it is this worker's alone."""
        with self._turn, self._lock:
            self._redis.name(account=account, livemode=livemode)
            self._asked_again_at = None

    def wait(self, endpoint: str) -> None:
        """Sleep until a call to the endpoint (method and path template) may be sent."""
        wait_for_slot(lambda: self.book(endpoint), monotonic=self._monotonic, sleep=self._sleep)

    def book(self, endpoint: str) -> float:
        """Book a slot and return when it comes, in monotonic seconds."""
        while True:
            slot = self._asked(lambda: self._granted(endpoint))
            if slot is not None:
                return slot
            with self._lock:
                if self._asked_again_at is not None:
                    return self._own.book(endpoint, now=self._monotonic())

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Learn of a 429; `reason` is the header `Stripe-Rate-Limited-Reason`, None for a lock timeout.

        `global-*` and `endpoint-*` (rate or concurrency) slow that bucket down, for all workers. A lock timeout or
        `resource-specific` speaks of one object, not of our rate: its caller backs off.
        """
        scope = scope_of(reason)
        if scope is None:
            return
        limited = endpoint if scope == "endpoint" else None
        with self._lock:
            self._own.cut(limited, now=self._monotonic())
        self._asked(lambda: self._redis.cut(limited, per_second=self._rates[f"{scope}_per_second"]))

    def per_second(self, endpoint: str | None = None) -> float:
        """The rate now, of an endpoint or of the account in all, as this worker last saw it; its share when alone."""
        with self._lock:
            return self._own.per_second(endpoint, now=self._monotonic())

    def close(self) -> None:
        """Give this worker's share to the others, and close the connection."""
        with self._turn, suppress(RedisGone):  # gone: the share ends by itself
            if self._joined:
                self._redis.leave()
        self._redis.close()

    def _asked(self, question: Callable[[], T]) -> T | None:
        """The answer of Redis; None where it is gone, or is not asked now."""
        if not self._take_turn():
            return None
        try:
            if not self._joined:
                self._come_back()
            return question()
        except RedisGone as gone:
            self._go_alone(gone)
            return None
        finally:
            self._turn.release()

    def _take_turn(self) -> bool:
        """Whether this caller may ask now. While Redis is gone only one does, and the others do not wait for it."""
        while True:
            again_at = self._asked_again_at
            if again_at is not None:
                if self._monotonic() < again_at or not self._turn.acquire(blocking=False):
                    return False
            elif not self._turn.acquire(timeout=TURN_S):
                if self._monotonic() - self._turn_since >= TURN_S:
                    self._go_alone(RedisGone("NoAnswer"))
                continue
            if self._asked_again_at in (None, again_at):
                self._turn_since = self._monotonic()
                return True
            self._turn.release()

    def _granted(self, endpoint: str) -> float:
        granted = self._redis.book(endpoint, **self._rates)
        if granted is None:
            with self._lock:
                self._join()
            granted = self._redis.book(endpoint, **self._rates)
        if granted is None:
            raise RedisGone("NoMemory")
        now = self._monotonic()
        slot = now + granted.wait_s
        with self._lock:
            self._workers = granted.workers
            self._own.learn(
                endpoint,
                global_per_second=granted.global_per_second,
                endpoint_per_second=granted.endpoint_per_second,
                now=now,
            )
            self._own.note(endpoint, slot, now=now)
            self._own.not_before = now + granted.account_free_s
        return slot

    def _come_back(self) -> None:
        """Bring our slots to Redis, which gives them from now on. Whoever books here meanwhile waits for the lock."""
        self._redis.ping()
        with self._lock:
            self._join()
            self._joined = True
            self._own.share = 1.0
            self._asked_again_at = None
            since, self._gone_since = self._gone_since, None
        if since is not None:
            log.info("limiter_shared_again", seconds_alone=round(self._monotonic() - since, 1))

    def _join(self) -> None:
        now = self._monotonic()
        booked = [(endpoint, slot - now) for endpoint, slot in self._own.booked(after=now)]
        self._redis.join(workers_before=self._workers, booked=booked, **self._rates)

    def _go_alone(self, gone: RedisGone) -> None:
        """Book here, at this worker's share of the rate, until Redis is asked again."""
        with self._lock:
            now = self._monotonic()
            self._joined = False
            self._asked_again_at = now + PROBE_S
            if self._gone_since is not None:
                return
            self._gone_since = now
            self._own.share = 1 / max(1, self._workers)
            per_second = self._own.per_second(None, now=now)
        log.warning("limiter_on_its_own", error=str(gone), workers=self._workers, per_second=round(per_second, 2))
