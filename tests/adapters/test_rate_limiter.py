"""The limiter: no second above the limit, nothing of it wasted, slower after a 429 and back again."""

import heapq
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refund_worker.adapters.rate_limiter import RateLimiter
from refund_worker.adapters.rate_limiter.waiting import wait_for_slot
from tests.adapters.limits import CALLS_OF_A_CASE, busiest_second

CHARGES, REFUNDS = "GET /v1/charges", "POST /v1/refunds"


class SimulatedTime:
    """A time that only its sleepers move: `slept` is what the last wait took."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept = seconds

    def limiter(self, *, global_per_second: float, endpoint_per_second: float) -> RateLimiter:
        return RateLimiter(
            global_per_second=global_per_second,
            endpoint_per_second=endpoint_per_second,
            monotonic=self.monotonic,
            sleep=self.sleep,
        )

    def slot(self, limiter: RateLimiter, endpoint: str, *, at: float) -> float:
        """When a caller that asks at this time may send."""
        self.now, self.slept = at, 0.0
        limiter.wait(endpoint)
        return at + self.slept


def simulate(
    *, global_per_second: float, endpoint_per_second: float, callers: int, latency_s: float, until_s: float
) -> dict[str, list[float]]:
    """Let callers repeat the five calls of a case, and note when each was sent, by endpoint."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=global_per_second, endpoint_per_second=endpoint_per_second)
    sent: dict[str, list[float]] = {endpoint: [] for endpoint in CALLS_OF_A_CASE}
    asking = [(0.001 * caller, caller, 0) for caller in range(callers)]
    while asking[0][0] < until_s:
        at, caller, call = heapq.heappop(asking)
        endpoint = CALLS_OF_A_CASE[call % len(CALLS_OF_A_CASE)]
        slot = clock.slot(limiter, endpoint, at=at)
        sent[endpoint].append(slot)
        heapq.heappush(asking, (slot + latency_s, caller, call + 1))
    return sent


@pytest.mark.parametrize(
    ("global_per_second", "endpoint_per_second", "achievable"),
    [(100, 25, 100), (60, 20, 60), (200, 20, 100), (15, 20, 15), (25, 25, 25)],
)
def test_32_callers_get_all_that_the_limits_allow_and_never_more(
    global_per_second: float, endpoint_per_second: float, achievable: float
) -> None:
    """The account's limit and each endpoint's are kept in every second, and 98 % of the smaller one is used."""
    sent = simulate(
        global_per_second=global_per_second,
        endpoint_per_second=endpoint_per_second,
        callers=32,
        latency_s=0.2,
        until_s=20,
    )
    together = [moment for moments in sent.values() for moment in moments]
    used = sum(5 <= moment < 15 for moment in together) / 10
    assert used >= 0.98 * achievable
    assert busiest_second(together) <= global_per_second
    assert max(map(busiest_second, sent.values())) <= endpoint_per_second


def test_real_threads_stay_within_five_percent() -> None:
    """32 threads at 100 a second for two seconds: at most 105 in any second, and at least 80 on average."""
    limiter = RateLimiter(global_per_second=100, endpoint_per_second=25)
    sent: list[tuple[str, float]] = []
    end = time.monotonic() + 2.0

    def call_in_turn(first: int) -> None:
        turn = first
        while time.monotonic() < end:
            endpoint = CALLS_OF_A_CASE[turn % len(CALLS_OF_A_CASE)]
            limiter.wait(endpoint)
            sent.append((endpoint, time.monotonic()))
            time.sleep(0.05)
            turn += 1

    threads = [threading.Thread(target=call_in_turn, args=(caller,)) for caller in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    within = [moment for _, moment in sent if moment <= end]
    assert busiest_second(moment for _, moment in sent) <= 105
    assert len(within) / 2.0 >= 80
    for endpoint in CALLS_OF_A_CASE:
        assert busiest_second(moment for called, moment in sent if called == endpoint) <= 27


def test_a_queue_at_one_endpoint_does_not_hold_up_another() -> None:
    """Ten calls wait for an endpoint of 10 a second; a call elsewhere goes at once."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=10)
    queued = [clock.slot(limiter, CHARGES, at=0.0) for _ in range(10)]
    assert queued[-1] == pytest.approx(0.9)
    assert clock.slot(limiter, REFUNDS, at=0.0) == pytest.approx(0.01)


def test_a_slot_that_one_limit_moves_is_free_in_the_other() -> None:
    """An endpoint that was slowed down would send 15 ms after a booked slot of the account's 10 a second."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=10, endpoint_per_second=3)
    limiter.throttled(CHARGES, reason="endpoint-rate")
    asked = ((CHARGES, 0.27), (REFUNDS, 0.31), (REFUNDS, 0.32), (CHARGES, 0.59))
    slots = sorted(clock.slot(limiter, endpoint, at=at) for endpoint, at in asked)
    assert all(after - before >= 0.1 - 1e-6 for before, after in pairwise(slots))


def test_an_idle_limiter_saves_nothing_up() -> None:
    """After a minute without a call there is still no burst: slots stay apart."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=10, endpoint_per_second=10)
    clock.slot(limiter, CHARGES, at=0.0)
    assert [clock.slot(limiter, CHARGES, at=60.0) for _ in range(3)] == pytest.approx([60.0, 60.1, 60.2])


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
def test_a_throttle_slows_down_the_limit_it_names(reason: str | None, account: float, endpoint: float) -> None:
    """x0.7 for the limit that the header names; a lock timeout, which has no header, changes nothing."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=25)
    limiter.throttled(CHARGES, reason=reason)
    assert limiter.per_second() == pytest.approx(account)
    assert limiter.per_second(CHARGES) == pytest.approx(endpoint)
    assert limiter.per_second(REFUNDS) == 25.0


def test_a_throttled_endpoint_comes_back_half_a_call_a_second() -> None:
    """From 17.5 back to 25 in 15 seconds, and not beyond."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=25)
    limiter.throttled(CHARGES, reason="endpoint-rate")
    rates = []
    for clock.now in (0.0, 5.0, 14.0, 15.0, 60.0):
        rates.append(limiter.per_second(CHARGES))
    assert rates == pytest.approx([17.5, 20.0, 24.5, 25.0, 25.0])


def test_the_accounts_rate_comes_back_as_soon_as_an_endpoints() -> None:
    """Two calls a second of 100, as half a call of 25: else a night would stay slow long after its account was not."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=25)
    limiter.throttled(CHARGES, reason="global-rate")
    rates = []
    for clock.now in (0.0, 5.0, 15.0):
        rates.append(limiter.per_second())
    assert rates == pytest.approx([70.0, 80.0, 100.0])


def test_thirty_throttles_at_once_are_one_overload() -> None:
    """All calls in flight are refused together: the rate is cut once, and again only a second later."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=25)
    for _ in range(30):
        limiter.throttled(CHARGES, reason="endpoint-rate")
    assert limiter.per_second(CHARGES) == pytest.approx(17.5)
    clock.now = 1.0
    limiter.throttled(CHARGES, reason="endpoint-rate")
    assert limiter.per_second(CHARGES) == pytest.approx(12.6)


def test_throttles_never_stop_it() -> None:
    """However often it is throttled, a call goes out every two seconds."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=25)
    for clock.now in range(100):
        limiter.throttled(CHARGES, reason="endpoint-rate")
    first = clock.slot(limiter, CHARGES, at=100.0)
    assert clock.slot(limiter, CHARGES, at=100.0) - first <= 2.0


def test_a_limit_that_drops_is_followed() -> None:
    """An endpoint that takes 12 a second and not 25: few throttles in a minute, and most of the 12 are used."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=100, endpoint_per_second=25)
    passed: list[float] = []
    throttles = 0
    asking = [(0.01 * caller, caller) for caller in range(8)]
    while asking[0][0] < 60:
        at, caller = heapq.heappop(asking)
        slot = clock.slot(limiter, CHARGES, at=at)
        if sum(slot - 1 < moment <= slot for moment in passed) < 12:
            passed.append(slot)
        else:
            throttles += 1
            clock.now = slot + 0.2
            limiter.throttled(CHARGES, reason="endpoint-rate")
        heapq.heappush(asking, (slot + 0.2, caller))
    assert throttles <= 30
    assert sum(moment >= 20 for moment in passed) / 40 >= 0.8 * 12


@given(
    steps=st.lists(st.tuples(st.sampled_from(CALLS_OF_A_CASE), st.floats(0, 0.05)), min_size=1, max_size=120),
    rates=st.tuples(st.integers(1, 120), st.integers(1, 40)),
)
@settings(max_examples=100, deadline=None)
def test_whatever_is_asked_slots_keep_their_distance(
    steps: Sequence[tuple[str, float]], rates: tuple[int, int]
) -> None:
    """Any order of calls, one endpoint slowed down: slots of each limit are an interval apart, none in the past."""
    clock = SimulatedTime()
    limiter = clock.limiter(global_per_second=rates[0], endpoint_per_second=rates[1])
    limiter.throttled(CHARGES, reason="endpoint-rate")
    booked: dict[str, list[float]] = {"": []}
    at = 0.0
    for endpoint, pause in steps:
        at += pause
        slot = clock.slot(limiter, endpoint, at=at)
        assert slot >= at
        booked[""].append(slot)
        booked.setdefault(endpoint, []).append(slot)
    for endpoint, slots in booked.items():
        interval = 1 / (rates[1] if endpoint else rates[0])
        ordered = sorted(slots)
        assert all(after - before >= interval - 1e-6 for before, after in pairwise(ordered))


def test_a_worker_that_was_paused_does_not_use_the_slots_of_the_past() -> None:
    """Five seconds asleep instead of one: that slot is lost, another one is waited for."""
    now, slept = [0.0], [5.0, 0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds + slept.pop(0)

    limiter = RateLimiter(global_per_second=1, endpoint_per_second=1, monotonic=lambda: now[0], sleep=sleep)
    limiter.wait(CHARGES)
    limiter.book(REFUNDS)
    limiter.wait(CHARGES)
    assert (now[0], slept) == (7.0, [0.0])
    limiter.wait(CHARGES)
    assert (now[0], slept) == (8.0, [])


def test_a_machine_that_always_oversleeps_is_not_stopped() -> None:
    """Each sleep is a second too long: after three lost slots the call goes out."""
    now, sleeps = [0.0], []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        now[0] += seconds + 1

    wait_for_slot(lambda: now[0] + 1, monotonic=lambda: now[0], sleep=sleep)
    assert len(sleeps) == 3


@pytest.mark.parametrize("rates", [(0, 25), (100, 0), (-1, 25)])
def test_a_rate_of_nothing_is_refused(rates: tuple[float, float]) -> None:
    """A rate of zero would wait for ever."""
    with pytest.raises(ValueError, match="above zero"):
        RateLimiter(global_per_second=rates[0], endpoint_per_second=rates[1])
