"""The shared limiter while Redis is frozen, killed, flushed or refuses: never open, never stopped, and back again."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from deploy.local import RedisServer
from refund_worker.adapters.rate_limiter import SharedRateLimiter
from refund_worker.adapters.rate_limiter.redis_slots import RedisSlots
from tests.adapters.limits import CALLS_OF_A_CASE, Slot, busiest_second, call_in_turn, longest_pause

pytestmark = pytest.mark.timing
CHARGES, REFUNDS = "GET /v1/charges", "POST /v1/refunds"
PLANTED = "hunter2-planted"


class Workers:
    """Workers whose clock can be put forward, so that no test waits for the next look at Redis."""

    def __init__(self, closing: ExitStack) -> None:
        self._closing = closing
        self._ahead_s = 0.0

    def monotonic(self) -> float:
        """Now."""
        return time.monotonic() + self._ahead_s

    def later(self, seconds: float) -> None:
        """Put the workers' clock forward."""
        self._ahead_s += seconds

    def worker(self, url: str) -> SharedRateLimiter:
        """One more worker, at 100 a second in all and 25 an endpoint."""
        limiter = SharedRateLimiter(
            redis=RedisSlots(url, verify_certificates=True),
            global_per_second=100,
            endpoint_per_second=25,
            monotonic=self.monotonic,
        )
        self._closing.callback(limiter.close)
        limiter.share(account="acct_1", livemode=False)
        return limiter


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Workers that are closed at the end."""
    with ExitStack() as closing:
        yield Workers(closing)


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Any]:
    """An administrator's connection."""
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that happens to Redis, and when, in monotonic seconds."""

    name: str
    at: float


def test_under_load_redis_is_flushed_frozen_and_killed(redis_server: RedisServer, redis: Any) -> None:
    """Three workers look for every slot there is, while everything happens to Redis.

    No second without a fault's first one holds more than 105 calls, and none at all more than 115 (the bound that
    can be proved is 200: what Redis had given, plus the shares that the workers take themselves). There is always
    another call within 1.5 seconds.
    """
    faults: list[Fault] = []

    def happens(name: str) -> None:
        faults.append(Fault(name=name, at=time.monotonic()))

    def fate() -> None:
        time.sleep(1.0)
        happens("flushed")
        redis.flushall()
        time.sleep(1.2)
        happens("frozen")
        redis_server.freeze()
        time.sleep(1.3)
        happens("thawed")
        redis_server.thaw()
        time.sleep(2.0)
        happens("killed")
        redis_server.kill()
        time.sleep(1.2)
        happens("started")
        redis_server.start()

    with ExitStack() as closing, capture_logs() as logs:
        limiters = [Workers(closing).worker(redis_server.url) for _ in range(3)]
        falling = threading.Thread(target=fate)
        falling.start()
        slots = call_in_turn(
            [limiter.book for limiter in limiters], threads_each=10, latency_s=0.08, until=time.monotonic() + 8.7
        )
        falling.join()
    assert [fault.name for fault in faults] == ["flushed", "frozen", "thawed", "killed", "started"]
    at = [slot.at for slot in slots]
    assert busiest_second(at) <= 115
    for seconds in settled(slots, faults=faults):
        assert busiest_second(seconds) <= 105
    assert longest_pause(at) <= 1.5
    for limiter in limiters:
        assert limiter.per_second() == 100
    events = [entry["event"] for entry in logs]
    assert events.count("limiter_on_its_own") == events.count("limiter_shared_again") == 6


def settled(slots: list[Slot], *, faults: list[Fault]) -> list[list[float]]:
    """The calls between the faults, without the second after each."""
    edges = [float("-inf"), *(fault.at for fault in faults), float("inf")]
    return [[slot.at for slot in slots if begin + 1 <= slot.at < end] for begin, end in pairwise(edges)]


def test_a_frozen_redis_costs_one_caller_a_timeout(redis_server: RedisServer, workers: Workers) -> None:
    """32 callers at once: nobody waits for more than one timeout, and after it only one asks at a time."""
    limiter = workers.worker(redis_server.url)
    limiter.book(CHARGES)
    redis_server.freeze()
    first = seconds_of_callers(limiter)
    at_once = seconds_of_callers(limiter)
    workers.later(2.1)
    while_one_asks = seconds_of_callers(limiter)
    redis_server.thaw()
    assert max(first) < 1.2
    assert max(at_once) < 0.3
    assert sum(seconds > 0.3 for seconds in while_one_asks) == 1


def seconds_of_callers(limiter: SharedRateLimiter) -> list[float]:
    """How long each of 32 callers at once takes to know its slot."""
    taken: list[float] = []

    def caller(number: int) -> None:
        begin = time.monotonic()
        limiter.book(CALLS_OF_A_CASE[number % 5])
        taken.append(time.monotonic() - begin)

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def test_a_name_that_nobody_resolves_stops_only_the_caller_that_asked(
    redis_server: RedisServer, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking up a name has no timeout: others wait for their turn no longer than a second, then not at all."""
    resolved = threading.Event()
    lookup = socket.getaddrinfo

    def hangs(*asked: Any, **more: Any) -> Any:
        resolved.wait(20)
        return lookup(*asked, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    limiter = workers.worker(redis_server.url)
    asking = threading.Thread(target=limiter.book, args=(CHARGES,))
    asking.start()
    with capture_logs() as logs:
        first, second = (timed(limiter) for _ in range(2))
        resolved.set()
        asking.join()
    assert first < 1.5
    assert second < 0.1
    assert [entry["event"] for entry in logs] == ["limiter_on_its_own", "limiter_shared_again"]


def timed(limiter: SharedRateLimiter) -> float:
    """How long a caller takes to know its slot, seconds."""
    begin = time.monotonic()
    limiter.book(REFUNDS)
    return time.monotonic() - begin


def test_alone_each_worker_takes_its_share_of_the_rate(redis_server: RedisServer, workers: Workers) -> None:
    """Four workers were seen: each goes on at a quarter of the rate, of the account and of each endpoint."""
    limiters = [workers.worker(redis_server.url) for _ in range(4)]
    for limiter in limiters * 2:
        limiter.book(CHARGES)
    redis_server.kill()
    booked = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(60) for limiter in limiters]
    assert busiest_second(booked) <= 105
    assert [limiter.per_second() for limiter in limiters] == [25.0] * 4
    assert limiters[0].per_second(CHARGES) == 25 / 4


def test_alone_a_worker_keeps_off_the_slots_that_redis_gave(redis_server: RedisServer, workers: Workers) -> None:
    """Slots that others were given are still used: the first one of its own comes after the queue it had seen."""
    limiter, other = workers.worker(redis_server.url), workers.worker(redis_server.url)
    given = [other.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(40)]
    given.append(limiter.book(CHARGES))
    redis_server.kill()
    own = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(20)]
    assert min(own) >= max(given)
    assert busiest_second(given + own) <= 102


def test_alone_a_worker_knows_its_own_slots_of_an_endpoint(redis_server: RedisServer, workers: Workers) -> None:
    """Ten calls wait for one endpoint; alone, the next one to it comes after them, one elsewhere does not wait."""
    limiter = workers.worker(redis_server.url)
    given = [limiter.book(CHARGES) for _ in range(10)]
    redis_server.kill()
    assert limiter.book(REFUNDS) - time.monotonic() < 0.03
    assert limiter.book(CHARGES) >= max(given) + 0.039


def test_a_redis_that_lost_its_data_is_told_the_slots_again(redis: Any, redis_server: RedisServer) -> None:
    """Flushed: what two workers were given before is kept free by both; nobody goes on alone, nothing is logged."""
    with ExitStack() as closing, capture_logs() as logs:
        limiters = [Workers(closing).worker(redis_server.url) for _ in range(2)]
        before = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(40) for limiter in limiters]
        redis.flushall()
        after = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(40) for limiter in limiters]
    assert busiest_second(before + after) <= 105
    assert logs == []


def test_alone_a_throttle_slows_the_worker_down(redis_server: RedisServer, workers: Workers) -> None:
    """x0.7 of its share, without Redis."""
    limiter = workers.worker(redis_server.url)
    limiter.book(CHARGES)
    redis_server.kill()
    limiter.throttled(CHARGES, reason="global-rate")
    assert limiter.per_second() == pytest.approx(70, abs=0.5)


def test_workers_that_come_back_bring_their_slots_and_wait_for_the_others(
    redis_server: RedisServer, redis: Any, workers: Workers
) -> None:
    """One of two is back: its new slots come after those it had taken alone, at half the rate until both are back.

    Redis has lost its data, and the other one still takes its half itself: together they stay within the limit.
    """
    back, late = workers.worker(redis_server.url), workers.worker(redis_server.url)
    for limiter in (back, late, back):
        limiter.book(CHARGES)
    redis_server.kill()
    own = [back.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(150)]
    late_own = [late.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(200)]
    assert (back.per_second(), late.per_second()) == (50, 50)
    redis_server.start()
    redis.flushall()
    workers.later(2.1)
    given = [back.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(40)]
    assert (back.per_second(), late.per_second()) == (100, 50)
    assert max(given) - max(own) == pytest.approx(40 / 50, abs=0.05)
    both = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(40) for limiter in (back, late)]
    assert late.per_second() == 100
    assert busiest_second(own + late_own + given + both) <= 105
    assert max(both) - max(own + late_own + given) <= 1.0


def test_slots_that_lie_together_by_chance_are_each_counted(redis_server: RedisServer, workers: Workers) -> None:
    """Four workers alone all send within the same few milliseconds of each 40: what lies between is not free."""
    limiters = [workers.worker(redis_server.url) for _ in range(4)]
    for limiter in limiters * 2:
        limiter.book(CHARGES)
    redis_server.kill()
    own = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(110) for limiter in limiters]
    redis_server.start()
    workers.later(2.1)
    given = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(30) for limiter in limiters]
    assert [limiter.per_second() for limiter in limiters] == [100] * 4
    assert busiest_second(own + given) <= 105


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("replicaof 127.0.0.1 1", "READONLY"),
        ("config set maxmemory 1", "OOM"),
        ("config set min-replicas-to-write 1", "NOREPLICAS"),
    ],
)
def test_a_redis_that_refuses_is_gone(
    redis_server: RedisServer, redis: Any, workers: Workers, told: str, said: str
) -> None:
    """A replica, one without memory: the worker goes on alone, and does not take an answer to PING for a return."""
    limiter = workers.worker(redis_server.url)
    limiter.book(CHARGES)
    redis.execute_command(*told.split())
    with capture_logs() as logs:
        for _ in range(3):
            limiter.book(CHARGES)
            workers.later(2.1)
    assert [(entry["event"], said in entry["error"]) for entry in logs] == [("limiter_on_its_own", True)]


def test_a_password_that_was_changed_is_told_without_either(
    redis_server: RedisServer, redis: Any, workers: Workers
) -> None:
    """Rotated while running: alone at once, shared again when it fits again; no password in the log or in Redis."""
    password = redis_server.url.partition("://:")[2].partition("@")[0]
    limiter = workers.worker(redis_server.url)
    limiter.book(CHARGES)
    redis.config_set("requirepass", PLANTED)
    redis.execute_command("client", "kill", "type", "normal", "skipme", "yes")
    with capture_logs() as logs:
        limiter.book(CHARGES)
        redis.config_set("requirepass", password)
        workers.later(2.1)
        limiter.book(CHARGES)
    assert [entry["event"] for entry in logs] == ["limiter_on_its_own", "limiter_shared_again"]
    assert logs[0]["error"] == "AuthenticationError"
    for secret in (password, PLANTED, redis_server.url):
        assert secret not in str(logs)
        assert secret not in str([redis.dump(key) for key in redis.scan_iter()])


def test_a_redis_that_was_never_there_is_told_once(workers: Workers) -> None:
    """Nobody listens: the whole rate in process, one line in the log, the password not in it."""
    limiter = workers.worker(f"redis://user:{PLANTED}@127.0.0.1:1/0")
    with capture_logs() as logs:
        booked = [limiter.book(CALLS_OF_A_CASE[turn % 5]) for turn in range(50)]
        workers.later(2.1)
        limiter.book(CHARGES)
    assert booked[-1] - booked[0] == pytest.approx(0.49, abs=0.02)
    assert [entry["event"] for entry in logs] == ["limiter_on_its_own"]
    assert PLANTED not in str(logs)


@pytest.mark.parametrize("url", [f"http://{PLANTED}@127.0.0.1", f"redis://:{PLANTED}#@host:6379", "", "localhost"])
def test_a_malformed_address_is_refused_without_repeating_it(url: str) -> None:
    """Wrong scheme, or a password that is not quoted: one line that does not hold it."""
    with pytest.raises(ValueError, match="malformed") as refused:
        RedisSlots(url, verify_certificates=True)
    assert PLANTED not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("verify", "required"), [(True, "required"), (False, "none")])
def test_certificates_are_verified_unless_told_otherwise(verify: bool, required: str) -> None:
    """What an address says about it does not count: one for Celery asks for no certificate."""
    slots = RedisSlots("rediss://127.0.0.1:6379/0?ssl_cert_reqs=CERT_NONE", verify_certificates=verify)
    options = slots._redis.connection_pool.connection_kwargs
    assert (options["ssl_cert_reqs"], options["ssl_check_hostname"]) == (required, verify)
