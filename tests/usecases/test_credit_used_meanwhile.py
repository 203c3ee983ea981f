"""Invariant 10: a credit that others use between reading and reserving, with goodwill beside it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import QUEUE_LEASE_S, Cause
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.want_customer import want_customer
from tests.crash.scenes import DAY_S, cancel, goodwill, subscribed, use_credit
from tests.crash.stops import StoppingQueue, Stops
from tests.usecases.stage import RESERVE, Stage, at
from tests.usecases.working import work
from tests.worlds import Ids, make_world, night

PRORATION = 5_000  # of a plan of 100.00, cancelled at half of its month


def _stage(*, first: str, granted: int) -> Stage:
    """Proration credit of 50.00 and goodwill, one of them first."""
    sandbox = Sandbox(seed=7, renewals=False)
    customer, subscription = subscribed(sandbox)
    if first == "goodwill":
        goodwill(sandbox, customer, granted)
    sandbox.clock.advance(15 * DAY_S)
    cancel(sandbox, subscription)
    if first == "proration":
        goodwill(sandbox, customer, granted)
    return Stage(sandbox)


def _meanwhile(stage: Stage, act: Callable[[], object]) -> None:
    night(stage.world(meet=at(RESERVE, "before", act)))


USES = (1, 1_999, 2_000, 2_001, 4_999, 5_000, 5_001, 6_999, 7_000)


@pytest.mark.parametrize("used", USES)
@pytest.mark.parametrize("first", ["proration", "goodwill"])
def test_an_invoice_in_between_costs_no_cent_of_goodwill(first: str, used: int) -> None:
    """An invoice uses the oldest credit first: what it leaves of the proration credit is refunded, and no more."""
    stage = _stage(first=first, granted=2_000)
    if first == "proration":
        goodwill_left = 2_000 - max(0, used - PRORATION)
        cash = max(0, PRORATION - used)
    else:
        goodwill_left = max(0, 2_000 - used)
        cash = PRORATION - max(0, used - 2_000)

    _meanwhile(stage, lambda: use_credit(stage.sandbox, used))

    stage.check_at_rest(balance=-goodwill_left, refunded=cash)
    night(stage.world("again"))
    stage.check_at_rest(balance=-goodwill_left, refunded=cash)


@pytest.mark.parametrize("granted", [1, 2_000, 5_000, 9_000])
@pytest.mark.parametrize("first", ["proration", "goodwill"])
def test_goodwill_of_any_size_stays(first: str, granted: int) -> None:
    """Undisturbed: all of the proration credit leaves, all of the goodwill stays."""
    stage = _stage(first=first, granted=granted)
    night(stage.world())
    stage.check_at_rest(balance=-granted, refunded=PRORATION)


@pytest.mark.parametrize("granted", [1, 3_000])
def test_goodwill_granted_in_between_stays(granted: int) -> None:
    """More credit than read: what was planned leaves, nothing more."""
    stage = _stage(first="proration", granted=2_000)
    customer = stage.book.customer
    _meanwhile(stage, lambda: goodwill(stage.sandbox, customer, granted))
    stage.check_at_rest(balance=-2_000 - granted, refunded=PRORATION)


@pytest.mark.parametrize("debited", [1, 2_000, 5_000])
def test_a_debit_by_hand_in_between_counts_as_a_refund_by_hand(debited: int) -> None:
    """Somebody's debit takes the proration credit first: it may stand for cash paid otherwise."""
    stage = _stage(first="goodwill", granted=2_000)
    customer = stage.book.customer
    path = f"/v1/customers/{customer}/balance_transactions"
    _meanwhile(stage, lambda: stage.sandbox.post(path, {"amount": debited, "currency": "usd"}))
    stage.check_at_rest(balance=-2_000, refunded=PRORATION - debited)


def _small_credit() -> tuple[Stage, str]:
    """A credit so small that its charge could be refunded twice over."""
    sandbox = Sandbox(seed=7, renewals=False)
    customer, subscription = subscribed(sandbox)
    sandbox.clock.advance(25 * DAY_S)
    cancel(sandbox, subscription)
    return Stage(sandbox), customer


@pytest.mark.parametrize("who", ["another worker", "a person"])
def test_a_worker_paused_between_its_look_and_its_case_pays_no_goodwill(who: str) -> None:
    """The credit goes, and goodwill of the same sum brings the balance to where the paused worker saw it."""
    stage, customer = _small_credit()
    credit = -stage.book.balance

    def meanwhile() -> None:
        if who == "another worker":
            other = make_world(stage.sandbox, ledger=stage.ledger, worker="other", ids=Ids(deployment="other"))
            want_customer(other, customer=customer, cause=Cause.COMMAND)
            stage.sandbox.clock.advance(QUEUE_LEASE_S)
            assert ("refunded", None) in work(other).words
        else:
            stage.sandbox.clock.advance(LEASE_S)
            use_credit(stage.sandbox, credit)
        goodwill(stage.sandbox, customer, credit)

    paused = stage.world("paused")
    want_customer(paused, customer=customer, cause=Cause.COMMAND)
    stops = Stops(at("queue.admit", "before", meanwhile))
    told = work(replace(paused, queue=StoppingQueue(paused.queue, stops)))
    assert ("skipped", "plan_stale") in told.words
    stage.check_at_rest(balance=-credit, refunded=credit if who == "another worker" else 0)
