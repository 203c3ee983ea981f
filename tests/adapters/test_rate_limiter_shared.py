"""The limiter that workers share through a real Redis: one limit, one round trip, nothing that stays."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis

from refund_worker.adapters.rate_limiter import RateLimiter, SharedRateLimiter, limiter_of
from tests.adapters.limited_worker import work
from tests.adapters.limits import CALLS_OF_A_CASE, Slot, busiest_second
from tests.processes import race

pytestmark = pytest.mark.timing

CHARGES, REFUNDS = "GET /v1/charges", "POST /v1/refunds"
PREFIX = "{refund-worker:acct_1:test}:limit:"


class Workers:
    """Workers of one account, and what they left in Redis."""

    def __init__(self, url: str, closing: ExitStack) -> None:
        self.redis: Any = closing.enter_context(Redis.from_url(url, decode_responses=True))
        self._url = url
        self._closing = closing

    def worker(
        self, *, share: bool = True, global_per_second: float = 100, endpoint_per_second: float = 25
    ) -> SharedRateLimiter:
        """One more worker; of the account's where it shares."""
        limiter = limiter_of(self._url, global_per_second=global_per_second, endpoint_per_second=endpoint_per_second)
        assert isinstance(limiter, SharedRateLimiter)
        self._closing.callback(limiter.close)
        if share:
            limiter.share(account="acct_1", livemode=False)
        return limiter

    def slots(self, endpoint: str | None = None) -> list[int]:
        """The slots in Redis, microseconds, oldest first."""
        key = f"{PREFIX}slots" + (f":{endpoint}" if endpoint else "")
        return [int(slot) for slot in self.redis.zrange(key, 0, -1)]

    def calls(self, command: str) -> int:
        """How often Redis ran a command."""
        stats: dict[str, Any] = self.redis.info("commandstats")
        return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


@pytest.fixture
def workers(redis_url: str) -> Iterator[Workers]:
    """Workers that meet in a Redis of their own."""
    with ExitStack() as closing:
        yield Workers(redis_url, closing)


def test_four_workers_book_one_limit_without_a_gap(workers: Workers) -> None:
    """320 slots over five endpoints: the account's 10 ms apart, each endpoint's 40 ms, and all in 3.2 seconds."""
    limiters = [workers.worker() for _ in range(4)]
    begin = time.monotonic()
    booked = [limiters[turn % 4].book(CALLS_OF_A_CASE[turn % 5]) for turn in range(320)]
    assert max(booked) - begin == pytest.approx(3.19, abs=0.15)
    assert busiest_second(booked) <= 102
    slots = workers.slots()
    assert len(slots) >= 200
    assert all(after - before >= 10_000 for before, after in pairwise(slots))
    for endpoint in CALLS_OF_A_CASE:
        of_endpoint = workers.slots(endpoint)
        assert set(of_endpoint) <= {*slots, *of_endpoint[:5]}, "booked in both, but for what was forgotten"
        assert all(after - before >= 40_000 for before, after in pairwise(of_endpoint))


def test_processes_with_sixteen_threads_each_share_the_limit(redis_url: str) -> None:
    """Two processes, 32 threads in all: 100 calls a second, at most 105 in any, at most 27 at an endpoint."""
    said = race(work, [(redis_url, 16, 1.6)] * 2)
    slots = [Slot(endpoint=endpoint, at=at) for line in said for endpoint, at in json.loads(line)]
    begin = min(slot.at for slot in slots)
    used = sum(begin + 0.3 <= slot.at < begin + 1.5 for slot in slots) / 1.2
    assert used >= 95
    assert busiest_second(slot.at for slot in slots) <= 105
    for endpoint in CALLS_OF_A_CASE:
        assert busiest_second(slot.at for slot in slots if slot.endpoint == endpoint) <= 27


def test_a_queue_at_one_endpoint_does_not_hold_up_another(workers: Workers) -> None:
    """Ten calls of one worker wait for an endpoint of 10 a second; another worker's call elsewhere goes at once."""
    one, other = (workers.worker(endpoint_per_second=10) for _ in range(2))
    begin = time.monotonic()
    queued = [one.book(CHARGES) for _ in range(10)]
    assert queued[-1] - begin == pytest.approx(0.9, abs=0.1)
    assert other.book(REFUNDS) - time.monotonic() < 0.015


def test_a_grant_is_one_round_trip(workers: Workers) -> None:
    """The first one says that the worker is there; each later one is one script, nothing else."""
    limiter = workers.worker()
    limiter.book(CHARGES)
    before = {command: workers.calls(command) for command in ("evalsha", "ping", "script|load", "eval")}
    for _ in range(20):
        limiter.book(CHARGES)
    after = {command: workers.calls(command) for command in before}
    assert after == {**before, "evalsha": before["evalsha"] + 20}


def test_a_script_that_redis_forgot_is_loaded_again(workers: Workers) -> None:
    """NOSCRIPT, as after a restart: the slot is granted in Redis all the same."""
    limiter = workers.worker()
    limiter.book(CHARGES)
    workers.redis.script_flush()
    limiter.book(REFUNDS)
    assert len(workers.slots(REFUNDS)) == 1


@pytest.mark.parametrize(
    ("reason", "account", "endpoint"),
    [
        ("global-rate", 70.0, 25.0),
        ("global-concurrency", 70.0, 25.0),
        ("endpoint-rate", 100.0, 17.5),
        ("endpoint-concurrency", 100.0, 17.5),
        ("resource-specific", 100.0, 25.0),
        (None, 100.0, 25.0),
    ],
)
def test_a_throttle_slows_down_all_workers(
    workers: Workers, reason: str | None, account: float, endpoint: float
) -> None:
    """x0.7 for the limit that the header names, seen by another worker with its next call."""
    one, other = workers.worker(), workers.worker()
    one.book(CHARGES)
    one.throttled(CHARGES, reason=reason)
    slots = [other.book(CHARGES) for _ in range(3)]
    other.book(REFUNDS)
    assert other.per_second() == pytest.approx(account, abs=0.5)
    assert other.per_second(CHARGES) == pytest.approx(endpoint, abs=0.5)
    assert other.per_second(REFUNDS) == pytest.approx(25, abs=0.01)
    assert slots[2] - slots[1] == pytest.approx(1 / endpoint, abs=0.015)


def test_throttles_that_several_workers_see_at_once_are_one_overload(workers: Workers) -> None:
    """Thirty refusals within a second, told by two workers: one cut. A second later they are another one."""
    one, other = workers.worker(), workers.worker()
    for _ in range(15):
        one.throttled(CHARGES, reason="endpoint-rate")
        other.throttled(CHARGES, reason="endpoint-rate")
    one.book(CHARGES)
    assert one.per_second(CHARGES) == pytest.approx(17.5, abs=0.3)
    long_ago(workers, CHARGES, seconds=1)
    other.throttled(CHARGES, reason="endpoint-rate")
    one.book(CHARGES)
    assert one.per_second(CHARGES) == pytest.approx(0.7 * 18, abs=0.3)


def test_a_throttled_endpoint_comes_back_by_the_clock_of_redis(workers: Workers) -> None:
    """Half a call a second: from 17.5 to 22.5 in ten seconds, to 25 and not beyond in a minute."""
    limiter = workers.worker()
    limiter.throttled(CHARGES, reason="endpoint-rate")
    found = []
    for seconds in (10, 50):
        long_ago(workers, CHARGES, seconds=seconds)
        limiter.book(CHARGES)
        found.append(limiter.per_second(CHARGES))
    assert found == pytest.approx([22.5, 25.0], abs=0.3)


def test_throttles_never_stop_it(workers: Workers) -> None:
    """However often it is throttled, a call goes out every two seconds."""
    limiter = workers.worker()
    limiter.book(CHARGES)
    for _ in range(30):
        limiter.throttled(CHARGES, reason="endpoint-rate")
        workers.redis.hdel(f"{PREFIX}state", f"cut_at:{CHARGES}")
    slots = [limiter.book(CHARGES) for _ in range(3)]
    assert slots[2] - slots[1] <= 2.0


def test_slots_taken_before_sharing_are_kept_free_by_all(workers: Workers) -> None:
    """A worker that began on its own brings its slots along: another one books around them."""
    early, other = workers.worker(share=False), workers.worker()
    own = [early.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(30)]
    early.share(account="acct_1", livemode=False)
    shared = [early.book(REFUNDS), *(other.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(30))]
    assert len(workers.slots()) > 45
    assert busiest_second(own + shared) <= 102
    assert all(after - before >= 0.004 for before, after in pairwise(sorted(own + shared)))


def test_accounts_and_modes_have_limits_of_their_own(workers: Workers) -> None:
    """A queue in one account holds up nobody in another one, nor in the other mode."""
    busy = workers.worker(global_per_second=10, endpoint_per_second=10)
    for _ in range(10):
        busy.book(CHARGES)
    for account, livemode in (("acct_2", False), ("acct_1", True)):
        quiet = workers.worker(share=False, global_per_second=10, endpoint_per_second=10)
        quiet.share(account=account, livemode=livemode)
        assert quiet.book(CHARGES) - time.monotonic() < 0.05


def test_all_that_is_in_redis_ends_by_itself_and_is_small(workers: Workers) -> None:
    """Every key has an expiry of at most a day and the same hash tag; slots that have passed do not pile up."""
    limiter = workers.worker(global_per_second=5_000, endpoint_per_second=5_000)
    limiter.throttled(CHARGES, reason="global-rate")
    for _ in range(500):
        limiter.wait(CHARGES)
    keys = workers.redis.keys()
    assert {key.removeprefix(PREFIX) for key in keys} == {"state", "workers", "slots", f"slots:{CHARGES}"}
    assert all(0 < workers.redis.pttl(key) <= 86_400_000 for key in keys)
    assert len(workers.slots()) <= 50
    assert sum(workers.redis.memory_usage(key) for key in keys) < 20_000


def test_a_worker_that_leaves_gives_up_its_share(workers: Workers) -> None:
    """Three are seen, then two, then those of more than a minute ago no more."""
    limiters = [workers.worker() for _ in range(3)]
    for limiter in limiters:
        limiter.book(CHARGES)
    assert workers.redis.zcard(f"{PREFIX}workers") == 3
    limiters[0].close()
    assert workers.redis.zcard(f"{PREFIX}workers") == 2
    for name in workers.redis.zrange(f"{PREFIX}workers", 0, -1):
        workers.redis.zincrby(f"{PREFIX}workers", -61_000_000, name)
    limiters[1].book(CHARGES)
    assert workers.redis.zcard(f"{PREFIX}workers") == 1


def test_a_wait_lasts_until_the_slot(workers: Workers) -> None:
    """`wait` itself, by the wall clock: 60 calls at 100 a second take 0.59 s, and little more."""
    limiter = workers.worker()
    begin = time.monotonic()
    for turn in range(60):
        limiter.wait(CALLS_OF_A_CASE[turn % 5])
    assert 0.59 <= time.monotonic() - begin <= 1.5


def test_without_redis_the_limit_is_this_workers_alone() -> None:
    """No address: the limiter in process, which may be told to share and to close all the same."""
    limiter = limiter_of(None, global_per_second=50, endpoint_per_second=10)
    limiter.share(account="acct_1", livemode=False)
    limiter.wait(CHARGES)
    limiter.close()
    assert isinstance(limiter, RateLimiter)
    assert (limiter.per_second(), limiter.per_second(CHARGES)) == (50, 10)


def long_ago(workers: Workers, bucket: str, *, seconds: int) -> None:
    """Move the last cut of a bucket into the past."""
    names: Sequence[str] = (f"rate_at:{bucket}", f"cut_at:{bucket}")
    for name in names:
        workers.redis.hincrby(f"{PREFIX}state", name, -seconds * 1_000_000)
