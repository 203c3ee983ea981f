"""Too little money in the Stripe balance: a case that does not fit stops the run in its currency, to the cent."""

from dataclasses import replace

import pytest

from refund_worker.domain.funds import FUNDS_READ_EVERY_S
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import Cause
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.sandbox import Fault, Sandbox
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import run_night
from refund_worker.usecases.want_customer import want_customer
from tests.crash.scenes import DAY_S, cancel, subscribe
from tests.usecases.test_nights import make_night, newest
from tests.usecases.working import cancelled, money, work
from tests.worlds import Silence, make_world, night


def limited(count: int, available: int) -> tuple[Sandbox, list[str]]:
    """Customers with 50.00 of credit each, and so much in the Stripe balance."""
    sandbox, customers = cancelled(count)
    sandbox.control.funds("usd", available=available)
    return sandbox, customers


@pytest.mark.parametrize(("available", "refunded"), [(-1, 0), (4_999, 0), (5_000, 1), (9_999, 1), (10_000, 2)])
def test_a_run_stops_where_the_funds_do_not_suffice(available: int, refunded: int) -> None:
    """One below, at, and between; nothing of the case that does not fit is reserved."""
    sandbox, _ = limited(2, available)
    result = night(make_world(sandbox))
    words = sorted((str(one.outcome), str(one.reason)) for one in result.cases)
    assert words == [("planned", "funds_insufficient")] * (2 - refunded) + [("refunded", "None")] * refunded
    assert money(sandbox) == [(-5_000, 0)] * (2 - refunded) + [(0, 5_000)] * refunded
    assert result.status is (RunStatus.FINISHED if refunded == 2 else RunStatus.STOPPED)
    assert [(short.available, short.booked, short.needed) for short in result.shortages] == [
        (available, 5_000 * refunded, 5_000)
    ] * (refunded < 2)
    sums = result.summary()["totals"]["usd"]  # type: ignore[index]  # a summary's values are JSON
    assert sums["refundable_minor"] == sums["refunded_minor"] + sums["planned_minor"]


def _subscribed(sandbox: Sandbox, currency: str) -> str:
    customer = sandbox.post("/v1/customers", {})["id"]
    sandbox.build.payment_method(customer, outcome="succeeds")
    return str(subscribe(sandbox, customer, price=10_000, currency=currency)["id"])


def test_other_currencies_go_on() -> None:
    """And a currency of which Stripe tells no balance has no bounds here."""
    sandbox = Sandbox(seed=7, renewals=False)
    made = [_subscribed(sandbox, currency) for currency in ("usd", "eur", "gbp")]
    sandbox.clock.advance(15 * DAY_S)
    for subscription in made:
        cancel(sandbox, subscription)
    sandbox.control.funds("usd", available=0)
    result = night(make_world(sandbox))
    assert sorted((one.currency, str(one.outcome)) for one in result.cases) == [
        ("eur", "refunded"),
        ("gbp", "refunded"),
        ("usd", "planned"),
    ]
    assert [short.currency for short in result.shortages] == ["usd"]


def test_a_plan_says_where_the_funds_would_not_suffice() -> None:
    """With the sum of all that is planned."""
    sandbox, _ = limited(3, 14_999)
    planned = night(make_world(sandbox), mode=RunMode.PLAN)
    assert planned.status is RunStatus.FINISHED
    assert [(short.needed, short.available) for short in planned.shortages] == [(15_000, 14_999)]
    enough, _ = limited(3, 15_000)
    assert night(make_world(enough), mode=RunMode.PLAN).shortages == ()


class _Listener(Silence):
    """Remembers what it is warned of."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warned(self, line: str) -> None:
        """Keep it."""
        self.lines.append(line)


@pytest.mark.parametrize(("available", "warned"), [(9_999, 1), (10_000, 0)])
def test_what_is_estimated_beyond_the_funds_is_said_at_the_begin(available: int, warned: int) -> None:
    """Before the first case, in one line."""
    sandbox, _ = limited(2, available)
    world, listener = make_world(sandbox), _Listener()
    run_night(world, RunGate(policy=world.policy), listener, mode=RunMode.RUN, command="run", threads=1)
    assert len(listener.lines) == warned
    assert all("100.00 USD of new credit, 99.99 USD available" in line for line in listener.lines)


def test_a_key_that_may_not_read_the_balance_is_told_of_and_goes_on() -> None:
    """Stripe refuses by itself what it cannot pay."""
    sandbox, _ = cancelled(1)
    sandbox.faults.add(Fault(kind="refused", method="GET", path="/v1/balance", status=403, times=0))
    world, listener = make_world(sandbox), _Listener()
    result = run_night(world, RunGate(policy=world.policy), listener, mode=RunMode.RUN, command="run", threads=1)
    assert result.status is RunStatus.FINISHED
    assert ["rak_balance_read" in line for line in listener.lines] == [True]
    assert money(sandbox) == [(0, 5_000)]


@pytest.mark.parametrize(("available", "refunded"), [(9_999, 1), (10_000, 2)])
def test_a_shared_night_books_its_funds_for_all_workers(available: int, refunded: int) -> None:
    """Its report says what was short, and the next night pays."""
    sandbox, _ = limited(2, available)
    world = make_world(sandbox)
    words = sorted(make_night(world).words, key=str)
    assert words == [("planned", "funds_insufficient")] * (2 - refunded) + [("refunded", None)] * refunded
    assert newest(world)["status"] is (RunStatus.STOPPED if refunded < 2 else RunStatus.FINISHED)
    notices = world.queue.claim_notices(now=world.clock.now(), lease_s=10**7, limit=9)
    assert sorted(str(one.kind) for one in notices) == ["funds_short"] * (2 - refunded) + ["night_finished"]
    assert all("99.99 USD available, 50.00 USD booked" in one.body for one in notices) is (refunded < 2)
    sandbox.control.funds("usd", available=50_000)
    make_night(world)
    assert money(sandbox) == [(0, 5_000)] * 2


def test_an_events_run_reads_the_funds_every_ten_minutes_at_most() -> None:
    """What came in meanwhile is seen; what was booked of the last reading is forgotten."""
    sandbox, customers = limited(4, 5_000)
    world = make_world(sandbox, policy=Policy())

    def one(customer: str) -> list[tuple[str, str | None]]:
        want_customer(world, customer=customer, cause=Cause.COMMAND)
        return work(world).words

    def reads() -> int:
        return sum(entry.path == "/v1/balance" for entry in sandbox.request_log)

    assert one(customers[0]) == [("refunded", None)]
    sandbox.control.funds("usd", available=5_000)
    assert one(customers[1]) == [("planned", "funds_insufficient")]
    sandbox.clock.advance(FUNDS_READ_EVERY_S - 10)
    assert one(customers[2]) == [("planned", "funds_insufficient")]
    assert reads() == 1
    sandbox.clock.advance(20)
    assert one(customers[3]) == [("refunded", None)]
    assert reads() == 2


def test_a_worker_of_the_same_run_sees_what_the_other_booked() -> None:
    """Through the ledger, not through the process."""
    sandbox, customers = limited(2, 9_999)
    world = make_world(sandbox)
    for customer, name in zip(customers, ("first", "second"), strict=True):
        want_customer(world, customer=customer, cause=Cause.COMMAND)
        work(replace(world, worker=name))
    assert money(sandbox) == [(-5_000, 0), (0, 5_000)]
