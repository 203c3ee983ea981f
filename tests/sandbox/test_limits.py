"""The two rate limits, with a clock of their own."""

from __future__ import annotations

import pytest

from refund_worker.sandbox import RateLimits, Sandbox
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.limits import Limiter
from tests.sandbox.shop import Wire


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def admitted(limiter: Limiter, endpoint: str, count: int) -> tuple[int, set[str]]:
    """How many of `count` requests passed, and the reasons of the others."""
    passed, reasons = 0, set()
    for _ in range(count):
        try:
            limiter.admit(endpoint)
            passed += 1
        except ApiError as refused:
            reasons.add(refused.headers["Stripe-Rate-Limited-Reason"])
    return passed, reasons


def test_an_endpoint_takes_its_rate_and_then_its_pace() -> None:
    clock = Seconds()
    limiter = Limiter(RateLimits(global_per_second=100, endpoint_per_second=25), clock=clock)
    assert admitted(limiter, "GET /v1/charges", 40) == (25, {"endpoint-rate"})
    clock.now += 0.2
    assert admitted(limiter, "GET /v1/charges", 40)[0] == 5
    clock.now += 60
    assert admitted(limiter, "GET /v1/charges", 40)[0] == 25


def test_all_endpoints_share_the_global_limit() -> None:
    limiter = Limiter(RateLimits(global_per_second=30, endpoint_per_second=25), clock=Seconds())
    assert admitted(limiter, "GET /v1/charges", 25) == (25, set())
    assert admitted(limiter, "POST /v1/refunds", 25) == (5, {"global-rate"})


@pytest.mark.parametrize("burst", [0.04, 0.2])
def test_the_burst_can_be_made_small(burst: float) -> None:
    clock = Seconds()
    limits = RateLimits(global_per_second=25, endpoint_per_second=25, burst_seconds=burst)
    limiter = Limiter(limits, clock=clock)
    passed = 0
    for _ in range(1000):
        passed += admitted(limiter, "GET /v1/charges", 1)[0]
        clock.now += 0.01
    assert passed == pytest.approx(250 + burst * 25, abs=2)


def test_the_answer_says_which_limit_it_was() -> None:
    wire = Wire(Sandbox(rate_limits=RateLimits(global_per_second=1, endpoint_per_second=1)))
    assert wire.send("GET", "/v1/customers")[0] == 200
    status, body, headers = wire.send("GET", "/v1/customers")
    assert (status, body["error"]["code"], headers["Stripe-Rate-Limited-Reason"]) == (
        429,
        "rate_limit",
        "endpoint-rate",
    )
