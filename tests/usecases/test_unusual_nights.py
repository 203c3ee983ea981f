"""Nights unlike their past: nothing moves before they are weighed, and what is unusual waits for a person, once."""

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.events import Event, EventSource
from refund_worker.domain.nights import UNUSUAL, Phase
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import Cause
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.domain.unusual import Weight
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.let_through import let_through
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import RunResult, run_night
from refund_worker.usecases.tend_night import tend_night
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.world import World
from tests.crash.scenes import DAY_S, cancel, goodwill, subscribed
from tests.usecases.test_nights import make_night, newest, until_night
from tests.usecases.working import Signal, cancelled, money, work
from tests.worlds import Silence, make_world, night

# Three customers with 50.00 each are one too many, or 150.00 a cent too much.
FEW = Policy(unusual_floor_customers=2)
LITTLE = Policy(unusual_floor_minor={"usd": 14_999})
ENOUGH = Policy(unusual_floor_customers=3, unusual_floor_minor={"usd": 15_000})


def letting(world: World) -> list[str]:
    """A person lets through what waits; the names of the runs."""
    done = let_through(world.queue, by="ann", reason="prices", settling_s=world.settling_s, now=world.clock.now())
    return [run.name for run in done]


def weights(world: World) -> list[Weight]:
    """What the past nights weigh, newest first."""
    return list(world.ledger.past_weights(limit=14))


def run(world: World, *, mode: RunMode = RunMode.RUN, by: str | None = None) -> RunResult:
    """A sweep in one process."""
    gate = RunGate(policy=world.policy)
    return run_night(world, gate, Silence(), mode=mode, command=str(mode), let_through_by=by, threads=1)


@pytest.mark.parametrize("policy", [FEW, LITTLE])
def test_an_unusual_run_begins_no_case(policy: Policy) -> None:
    """All are read, nothing is written; let through, it refunds all, and the trail says by whom."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=policy)
    stopped = run(world)
    assert (stopped.status, stopped.customers_read, stopped.cases, stopped.failed) == (RunStatus.STOPPED, 3, [], False)
    assert stopped.stopped_by is not None
    assert "the limit" in stopped.stopped_by
    assert "run --unusual" in stopped.stopped_by
    assert money(sandbox) == [(-5_000, 0)] * 3
    assert [entry.path for entry in sandbox.request_log if entry.method != "GET"][-1:] != ["/v1/refunds"]
    assert weights(world) == []
    assert run(world, by="ann").status is RunStatus.FINISHED
    assert money(sandbox) == [(0, 5_000)] * 3
    assert weights(world) == [Weight(customers=3, credit_minor={"usd": 15_000})]
    assert isinstance(world.ledger, SqlLedger)
    assert world.ledger.verify().ok


def test_a_run_at_its_limits_is_not_unusual() -> None:
    """As many customers and cents as the floors."""
    sandbox, _ = cancelled(3)
    assert run(make_world(sandbox, policy=ENOUGH)).status is RunStatus.FINISHED
    assert money(sandbox) == [(0, 5_000)] * 3


def test_a_plan_says_that_a_run_would_stop_and_goes_on() -> None:
    """Nothing is weighed for later nights."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    planned = run(world, mode=RunMode.PLAN)
    assert (planned.status, len(planned.cases), len(planned.unusual)) == (RunStatus.FINISHED, 3, 1)
    assert weights(world) == []


def test_named_customers_are_not_weighed() -> None:
    """A person named them."""
    sandbox, customers = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    assert night(world, *customers).status is RunStatus.FINISHED
    assert weights(world) == []


def test_holds_that_stand_are_not_new_and_do_not_add_up() -> None:
    """Three customers are held with their credit: the next night weighs none of them, until one has a cent more."""
    sandbox, customers = cancelled(3)
    held = Policy(unusual_floor_customers=3, case_limit_minor={"usd": 100})
    world = make_world(sandbox, policy=held)
    run(world)
    run(world)
    goodwill(sandbox, customers[0], 1)
    run(world)
    assert weights(world) == [
        Weight(customers=1, credit_minor={"usd": 5_001}),
        Weight(),
        Weight(customers=3, credit_minor={"usd": 15_000}),
    ]


def test_an_unusual_night_of_the_workers_waits_until_it_is_let_through() -> None:
    """Nobody takes its entries; one notice; then the workers go on as if nothing had been."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    assert make_night(world).words == []
    shared = world.queue.shared(f"night {world.calendar.today()}")
    assert shared is not None
    assert (shared.phase, shared.stop) == (Phase.WAITING, UNUSUAL)
    assert "unlike the past nights: 3 customers with new credit; there is" in str(shared.stopped_by)
    for _ in range(2):
        tend_night(world, mode=RunMode.RUN, stopping=Signal())
        assert work(world).words == []
    assert money(sandbox) == [(-5_000, 0)] * 3
    (notice,) = world.queue.claim_notices(now=world.clock.now(), lease_s=10**7, limit=9)
    assert notice.kind == "night_unusual"
    assert "3 customers with new credit; there is no earlier night to compare with, the limit 2" in notice.body
    assert "refund-worker let-through" in notice.body
    assert (letting(world), letting(world)) == ([shared.name], [])
    assert work(world).words == [("refunded", None)] * 3
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    assert newest(world)["status"] is RunStatus.FINISHED
    assert weights(world) == [Weight(customers=3, credit_minor={"usd": 15_000})]
    assert isinstance(world.ledger, SqlLedger)
    assert world.ledger.verify().ok


def test_a_waiting_night_keeps_nobody_else_waiting() -> None:
    """Whoever cancels meanwhile is refunded in the events run."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    make_night(world)
    other, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S // 10)
    cancel(sandbox, subscription)
    want_customer(world, customer=other, cause=Cause.COMMAND)
    assert [one.customer for one in work(world).results] == [other]


def test_the_next_night_takes_over_what_still_waits_and_is_weighed_itself() -> None:
    """The one before ends without a case; nobody is lost, and there is one notice each."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    make_night(world)
    first = world.queue.shared(f"night {world.calendar.today()}")
    told = list(world.queue.claim_notices(now=world.clock.now(), lease_s=10**7, limit=9))
    assert make_night(world).words == []
    second = world.queue.shared(f"night {world.calendar.today()}")
    assert first is not None
    assert second is not None
    ended = world.ledger.run(first.run)
    assert ended is not None
    assert (ended.status, ended.summary["counts"]["examined"]) == (RunStatus.STOPPED, 0)  # type: ignore[index]  # JSON
    assert second.phase is Phase.WAITING
    assert world.queue.left_of(second.run) == 3
    told += world.queue.claim_notices(now=world.clock.now(), lease_s=10**7, limit=9)
    assert [notice.kind for notice in told] == ["night_unusual"] * 2
    assert letting(world) == [second.name]
    assert work(world).words == [("refunded", None)] * 3


def test_a_night_of_events_knows_the_credit_that_events_told() -> None:
    """Without a call for it: the balance came with `customer.updated`."""
    sandbox, _ = cancelled(1)
    world = make_world(sandbox)
    make_night(world)
    made = [subscribed(sandbox) for _ in range(3)]
    sandbox.clock.advance(2 * DAY_S)
    for _, subscription in made:
        cancel(sandbox, subscription)
    credit = -sum(balance for balance, _ in money(sandbox))
    make_night(world)
    assert newest(world)["sweep"] is False
    assert weights(world)[0] == Weight(customers=3, credit_minor={"usd": credit})


def test_an_event_without_a_balance_weighs_nothing() -> None:
    """What is not known is not guessed: it is counted neither in number nor in sum."""
    sandbox, customers = cancelled(1)
    world = make_world(sandbox)
    make_night(world)
    until_night(world)
    now = world.clock.now()
    hint = Event(id="evt_x", type="invoice.voided", created=now - 600, customer=customers[0])
    world.queue.receive([hint], source=EventSource.POLL, now=now)
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    work(world)
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    assert weights(world)[0] == Weight()


def test_a_night_of_plans_does_not_wait() -> None:
    """No money moves by it, and it says nothing of later nights."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    assert make_night(world, mode=RunMode.PLAN).words == [("planned", None)] * 3
    assert weights(world) == []


@pytest.mark.parametrize(("policy", "refunded"), [(FEW, 2), (LITTLE, 2), (ENOUGH, 3)])
def test_events_runs_are_weighed_case_by_case(policy: Policy, refunded: int) -> None:
    """The case beyond the limit stops the day's run; let through, the rest is refunded the same day."""
    sandbox, customers = cancelled(3)
    world = make_world(sandbox, policy=policy)
    for customer in customers:
        want_customer(world, customer=customer, cause=Cause.COMMAND)
    told = work(world).words
    assert told == [("refunded", None)] * refunded + [("planned", "night_unusual")] * (3 - refunded)
    notices = world.queue.claim_notices(now=world.clock.now(), lease_s=10**7, limit=9)
    assert [notice.kind for notice in notices] == ["night_unusual"] * (3 - refunded)
    assert work(world).words == []
    sandbox.clock.advance(1)
    assert len(letting(world)) == 3 - refunded
    sandbox.clock.advance(1)
    assert work(world).words == [("refunded", None)] * (3 - refunded)
    assert money(sandbox) == [(0, 5_000)] * 3


def test_what_an_unusual_events_run_left_is_weighed_with_the_night() -> None:
    """Nobody let it through: it is the night's. What was refunded by day is none of the night's weight."""
    sandbox, customers = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    for customer in customers:
        want_customer(world, customer=customer, cause=Cause.COMMAND)
    work(world)
    assert money(sandbox) == [(-5_000, 0), (0, 5_000), (0, 5_000)]
    assert make_night(world).words == [("refunded", None)]
    assert weights(world) == [Weight(customers=1, credit_minor={"usd": 5_000})]


def test_the_medians_rest_on_nights_that_finished_or_were_let_through() -> None:
    """One that waited in vain says nothing of what is usual."""
    sandbox = Sandbox(seed=7, renewals=False)
    world = make_world(sandbox, policy=Policy(unusual_floor_customers=1))
    made = [subscribed(sandbox) for _ in range(4)]
    sandbox.clock.advance(15 * DAY_S)
    for _, subscription in made[:2]:
        cancel(sandbox, subscription)
    assert run(world).status is RunStatus.STOPPED
    assert weights(world) == []
    run(world, by="ann")
    for _, subscription in made[2:]:
        cancel(sandbox, subscription)
    assert run(world).status is RunStatus.FINISHED
    assert [one.customers for one in weights(world)] == [2, 2]
