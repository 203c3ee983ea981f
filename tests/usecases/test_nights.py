"""Nights from their begin to their end: whom they find, when they sweep, what they tell, and that each is made once."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.errors import Unauthorized
from refund_worker.domain.events import Event, EventSource
from refund_worker.domain.facts import PendingItem
from refund_worker.domain.nights import DISCOVERY_SILENT, Phase
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.ports import Calendar, StripeGateway
from refund_worker.sandbox import Fault, Sandbox
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.end_runs import end_runs, tally_of_run
from refund_worker.usecases.poll_events import OVERLAP_S, poll_events
from refund_worker.usecases.report_run import report_run
from refund_worker.usecases.start_night import start_night
from refund_worker.usecases.tend_night import tend_night
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.world import World
from tests.crash.item_scenes import cancel_pending
from tests.crash.scenes import DAY_S, cancel, goodwill, subscribed
from tests.crash.stops import Killed, StoppingQueue, Stops
from tests.usecases.stage import at, die
from tests.usecases.working import Signal, Told, cancelled, money, work
from tests.worlds import make_world


def until_night(world: World) -> None:
    """Let time pass until the next night's time."""
    world.clock.sleep(world.calendar.next_night().at - world.clock.now() + 1)


def make_night(world: World, *, mode: RunMode = RunMode.RUN) -> Told:
    """One whole night: begun, discovered, worked off, ended."""
    until_night(world)
    tend_night(world, mode=mode, stopping=Signal())
    world.clock.sleep(world.settling_s)
    told = work(world, mode=mode)
    tend_night(world, mode=mode, stopping=Signal())
    return told


def newest(world: World) -> dict[str, object]:
    """The summary of the newest run."""
    run = world.ledger.newest_run()
    assert run is not None
    return {**run.summary, "status": run.status, "sweep": run.sweep}


def test_the_first_night_sweeps_and_refunds_everybody() -> None:
    """Then it is over, and told of with its sums."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox)
    told = make_night(world)
    assert told.words == [("refunded", None)] * 3
    assert money(sandbox) == [(0, 5_000)] * 3
    night = newest(world)
    assert (night["status"], night["sweep"], night["customers_read"]) == (RunStatus.FINISHED, True, 3)
    assert night["counts"]["refunded"] == 3  # type: ignore[index]  # a summary's values are JSON
    (notice,) = world.queue.claim_notices(now=world.clock.now(), lease_s=60, limit=10)
    assert (notice.kind, notice.title.startswith("The night run of ")) == ("night_finished", True)
    assert "3 refunded" in notice.body
    assert "refunded 150.00 USD" in notice.body


def test_the_second_night_follows_the_events() -> None:
    """No customer is listed; the one that changed is refunded."""
    sandbox, _ = cancelled(2)
    world = make_world(sandbox)
    make_night(world)
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * 3600)
    cancel(sandbox, subscription)
    before = len(sandbox.request_log)
    told = make_night(world)
    assert told.words == [("refunded", None)]
    assert "/v1/customers" not in {entry.path for entry in sandbox.request_log[before:]}
    assert newest(world)["sweep"] is False


def test_1000_changes_take_at_most_60_calls_of_discovery() -> None:
    """Pages of events and of pending items only: the number of customers is in none of them."""
    sandbox, world = swept()
    made = [subscribed(sandbox) for _ in range(1_000)]
    sandbox.clock.advance(DAY_S)
    for _, subscription in made:
        cancel(sandbox, subscription)
    until_night(world)
    before = len(sandbox.request_log)
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    assert len(sandbox.request_log) - before <= 60
    assert world.queue.depth(now=world.clock.now()).due == 1_000


def swept(count: int = 1) -> tuple[Sandbox, World]:
    """An account after its first night."""
    sandbox, _ = cancelled(count)
    world = make_world(sandbox)
    make_night(world)
    return sandbox, world


def calls(sandbox: Sandbox, before: int) -> dict[str, int]:
    """How often each path was called since then."""
    return dict(Counter(f"{entry.method} {entry.path}" for entry in sandbox.request_log[before:]))


def test_a_case_of_a_sweep_takes_five_calls() -> None:
    """Three lists and two writes; customers and pending items come with the sweep's pages."""
    sandbox, _ = cancelled(20)
    world = make_world(sandbox)
    until_night(world)
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    before = len(sandbox.request_log)
    work(world)
    assert money(sandbox) == [(0, 5_000)] * 20
    assert set(calls(sandbox, before).values()) == {20}
    assert len(calls(sandbox, before)) == 5


@pytest.mark.parametrize("stops", [1, 2, 3])
def test_a_sweep_goes_on_where_a_signal_stopped_it(stops: int) -> None:
    """Behind the cursor: no page is read twice."""
    sandbox = Sandbox(seed=7, renewals=False)
    sandbox.build.customers(350)
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(DAY_S)
    cancel(sandbox, subscription)
    world = make_world(sandbox)
    until_night(world)

    def stop() -> bool:
        shared = world.queue.shared(f"night {world.calendar.today()}")
        return shared is not None and shared.customers_read >= 100 * stops

    tend_night(world, mode=RunMode.RUN, stopping=stop)
    assert newest(world)["status"] is RunStatus.RUNNING
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    pages = calls(sandbox, 0)["GET /v1/customers"]
    work(world)
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    assert (pages, newest(world)["customers_read"]) == (4, 351)
    assert money(sandbox)[-1] == (0, 9_667)


def test_a_credit_that_no_event_told_of_is_counted_and_three_more_nights_sweep() -> None:
    """The events of the account are lost; the weekly sweep finds the customer."""
    sandbox, world = swept()
    sweeps = []
    for night in range(12):
        if night == 3:
            _, subscription = subscribed(sandbox)
            sandbox.clock.advance(3_600)
            cancel(sandbox, subscription)
            world.queue.read_up_to(sandbox.clock.now + 2 * OVERLAP_S)  # as if all of it had been read, and lost
        make_night(world)
        sweeps.append((newest(world)["sweep"], newest(world)["missed"]))
    found = sweeps.index((True, 1))
    assert found == 6
    assert [sweep for sweep, _ in sweeps] == [False] * 6 + [True] * 4 + [False] * 2
    assert world.queue.counts()[("refund_worker_missed_credits_total", "{}")] == 1
    assert money(sandbox)[-1][0] == 0


def test_goodwill_that_a_case_left_was_not_missed() -> None:
    """It stays on the balance for ever, without a standing where the event that wanted the customer again was lost."""
    sandbox, (customer,) = cancelled(1)
    goodwill(sandbox, customer, 700)
    world = make_world(sandbox)
    make_night(world)
    assert money(sandbox) == [(-700, 5_000)]
    world.queue.read_up_to(sandbox.clock.now + 2 * OVERLAP_S)  # as if what tells of the reserve had been read, and lost
    for _ in range(8):
        make_night(world)
        assert newest(world)["missed"] == 0


def test_holds_are_looked_at_each_night_and_end_with_the_credit() -> None:
    """Nothing happens at Stripe that an event tells of: the hold ends because time has passed."""
    sandbox, world = swept()
    customer, subscription = subscribed(sandbox, price=200_000)
    sandbox.clock.advance(3_600)
    cancel(sandbox, subscription)
    assert make_night(world).words == [("held", "above_limit")]
    assert make_night(world).words == [("held", "above_limit")]
    assert newest(world)["counts"]["held"] == 1  # type: ignore[index]  # a summary's values are JSON
    sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": 199_732, "currency": "usd"})
    assert make_night(world).words == []
    assert list(world.ledger.standings()) == []


def test_a_sweep_ends_what_stands_without_credit() -> None:
    """A skip is looked at only when an event tells of it; these events were lost."""
    sandbox, world = swept()
    customer = sandbox.post("/v1/customers", {})["id"]
    goodwill(sandbox, customer, 500)
    assert make_night(world).words == [("skipped", "no_refundable_credit")]
    sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": 500, "currency": "usd"})
    for _ in range(5):
        make_night(world)
        assert len(list(world.ledger.standings())) == 1
    make_night(world)
    assert newest(world)["sweep"] is True
    assert list(world.ledger.standings()) == []


def test_another_policy_sweeps() -> None:
    """What stood before may leave now."""
    _, world = swept()
    make_night(replace(world, policy=Policy(failures_max=7)))
    assert newest(world)["sweep"] is True
    make_night(replace(world, policy=Policy(failures_max=7)))
    assert newest(world)["sweep"] is False


def test_a_night_is_begun_once_by_whoever_asks() -> None:
    """Two workers and a second message."""
    sandbox, _ = cancelled(1)
    first = make_world(sandbox)
    second = replace(first, worker="second")
    until_night(first)
    begun = [start_night(world, mode=RunMode.RUN) for world in (first, second, first)]
    assert len({night.run for night in begun if night is not None}) == 1
    tend_night(first, mode=RunMode.RUN, stopping=Signal())
    work(first)
    tend_night(second, mode=RunMode.RUN, stopping=Signal())
    assert start_night(first, mode=RunMode.RUN) is None


def test_a_missed_night_is_told_of_once_and_not_made_up_for() -> None:
    """All workers were down; a fresh installation has missed nothing."""
    sandbox, world = swept()
    world.queue.claim_notices(now=world.clock.now(), lease_s=10**7, limit=9)
    until_night(world)
    sandbox.clock.advance(6 * 3_600)
    for _ in range(2):
        assert tend_night(world, mode=RunMode.RUN, stopping=Signal()) == ()
    told = world.queue.claim_notices(now=world.clock.now(), lease_s=60, limit=9)
    assert [notice.kind for notice in told] == ["night_missed"]
    fresh = make_world(sandbox)
    tend_night(fresh, mode=RunMode.RUN, stopping=Signal())
    assert fresh.queue.claim_notices(now=fresh.clock.now(), lease_s=60, limit=9) == ()


def test_a_night_of_plans_reserves_nothing_and_the_first_that_pays_sweeps() -> None:
    """Whoever switches from plans to money has customers whom no event will tell of again."""
    sandbox, _ = cancelled(2)
    world = make_world(sandbox)
    assert make_night(world, mode=RunMode.PLAN).words == [("planned", None)] * 2
    assert money(sandbox) == [(-5_000, 0)] * 2
    assert (newest(world)["mode"], newest(world)["status"]) == ("plan", RunStatus.FINISHED)
    assert make_night(world).words == [("refunded", None)] * 2


def test_what_a_limit_kept_back_waits_for_the_next_night() -> None:
    """One case a run: the night is stopped, told of, and the next one goes on with the rest."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=Policy(run_cases_max=1))
    told = make_night(world)
    assert told.words == [("refunded", None), ("planned", "run_limit")]
    assert money(sandbox).count((0, 5_000)) == 1
    assert newest(world)["status"] is RunStatus.STOPPED
    assert newest(world)["stopped_by"] == "the limit of 1 cases a run is reached"
    sandbox.clock.advance(3_600)
    assert work(world).words == []
    make_night(world)
    make_night(world)
    assert money(sandbox) == [(0, 5_000)] * 3


def test_a_stopped_night_loses_nobody_whoever_looks_first() -> None:
    """A worker looks each second, and may claim what waits for the night before the night has begun."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=Policy(run_cases_max=1))
    make_night(world)
    for _ in range(2):
        until_night(world)
        assert work(world).words == []
        make = partial(tend_night, world, mode=RunMode.RUN, stopping=Signal())
        make()
        world.clock.sleep(world.settling_s)
        work(world)
        make()
    assert money(sandbox) == [(0, 5_000)] * 3


@pytest.mark.parametrize(("kind", "waits"), [(DISCOVERY_SILENT, False), ("failures", True)])
def test_whom_a_night_found_before_its_discovery_fell_silent_is_refunded_by_day(kind: str, *, waits: bool) -> None:
    """It is given up; a night that was stopped for its cases leaves everybody to the next one."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    until_night(world)
    night = start_night(world, mode=RunMode.RUN)
    assert night is not None
    now = world.clock.now()
    world.queue.want([Wanted(customer=customer, cause=Cause.EVENT, due_at=now, run=night.run)], now=now)
    assert work(world).words == []  # not before it is weighed
    world.queue.stop_shared(night.run, message="it goes no further", kind=kind)
    end_runs(world)
    assert work(world).words == ([] if waits else [("refunded", None)])


def test_what_is_only_planned_is_paid_once_money_may_move() -> None:
    """Plans of some nights in between: no event tells of these customers again, and no sweep comes for days."""
    sandbox, world = swept()
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(DAY_S // 2)
    cancel(sandbox, subscription)
    for _ in range(2):
        assert make_night(world, mode=RunMode.PLAN).words == [("planned", None)]
    assert make_night(world).words == [("refunded", None)]
    assert newest(world)["sweep"] is False
    assert [balance for balance, _ in money(sandbox)] == [0, 0]


def test_whom_events_bring_while_a_night_discovers_goes_on() -> None:
    """Worked at once in the events run, as the night is not weighed yet; who settles when it is, is the night's."""
    sandbox, world = swept()
    early, late = (subscribed(sandbox) for _ in range(2))
    until_night(world)
    cancel(sandbox, early[1])
    found = Told()

    def meanwhile() -> None:
        if not found.results:
            poll_events(world)
            absorb_events(world, mode=RunMode.RUN)
            sandbox.clock.advance(world.settling_s)
            found.results.extend(work(world).results)
            cancel(sandbox, late[1])

    inner = world.stripe
    watched = replace(world, stripe=_Listing(inner, meanwhile))
    tend_night(watched, mode=RunMode.RUN, stopping=Signal())
    night = world.queue.shared(f"night {world.calendar.today()}")
    assert night is not None
    events = world.queue.shared(f"events {world.calendar.today()}")
    assert events is not None
    assert [(one.customer, one.run) for one in found.results] == [(early[0], events.run)]
    assert end_runs(world) == ()
    sandbox.clock.advance(world.settling_s)
    assert [(one.customer, one.run) for one in work(world).results] == [(late[0], night.run)]
    assert end_runs(world) == (night.name,)
    assert {case.plan.customer for case in world.ledger.cases_of_run(night.run)} == {late[0]}


class _Listing:
    """A gateway where something happens whenever pending items are listed, which a discovery does."""

    def __init__(self, inner: StripeGateway, act: Callable[[], None]) -> None:
        self._inner = inner
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def pending_items(self, customer: str | None = None) -> Iterator[PendingItem]:
        """Act first."""
        self._act()
        return iter(self._inner.pending_items(customer))


def test_the_events_run_of_a_day_to_come_is_not_over() -> None:
    """A worker whose clock is ahead began it; and where it is over all the same, the day gets another."""
    sandbox, (first, second) = cancelled(2)
    world = make_world(sandbox)
    sandbox.clock.advance(DAY_S)
    want_customer(world, customer=first, cause=Cause.COMMAND)
    work(world)
    ahead = world.calendar.today()
    behind = replace(world, calendar=_Calendar(world.calendar, today="2026-01-01"))
    for _ in range(2):
        assert end_runs(behind) == ()
        sandbox.clock.advance(3_600)
    events = world.queue.shared(f"events {ahead}")
    assert events is not None
    assert events.cursor is None
    world.queue.end_shared(events.run, status="finished", summary={}, now=world.clock.now())
    want_customer(world, customer=second, cause=Cause.COMMAND)
    assert work(world).words == [("refunded", None)]
    again = world.queue.shared(f"events {ahead} 2")
    assert again is not None
    assert len(list(world.ledger.cases_of_run(again.run))) == 1


class _Calendar:
    """A calendar with another date."""

    def __init__(self, inner: Calendar, *, today: str) -> None:
        self._inner = inner
        self._today = today

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def today(self) -> str:
        """The other date."""
        return self._today


def test_a_sum_that_is_reached_keeps_only_what_does_not_fit() -> None:
    """Smaller ones behind it are refunded; the night says that a limit kept something back."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=Policy(run_limit_minor={"usd": 10_000}))
    assert sorted(make_night(world).words) == [("planned", "run_limit"), ("refunded", None), ("refunded", None)]
    assert (newest(world)["status"], newest(world)["stopped_by"]) == (RunStatus.STOPPED, None)
    assert newest(world)["counts"]["planned"] == 1  # type: ignore[index]  # a summary's values are JSON
    assert make_night(world).words == [("refunded", None)]


def test_a_halted_night_waits_and_ends_stopped_before_the_next() -> None:
    """Nothing reserves; when the halt ends in time, the night goes on."""
    sandbox, _ = cancelled(2)
    world = make_world(sandbox)
    world.queue.halt(reason="wrong prices", by="ann", now=world.clock.now())
    assert make_night(world).words == []
    assert newest(world)["status"] is RunStatus.RUNNING
    sandbox.clock.advance(21 * 3_600)
    for _ in range(2):
        tend_night(world, mode=RunMode.RUN, stopping=Signal())
    assert (newest(world)["status"], newest(world)["stopped_by"]) == (RunStatus.STOPPED, "halted: wrong prices")
    world.queue.unhalt(by="ann", now=world.clock.now())
    assert make_night(world).words == [("refunded", None)] * 2
    assert money(sandbox) == [(0, 5_000)] * 2


def test_a_refused_key_stops_the_night_for_all_workers() -> None:
    """The discovery may not list events: the night ends, and says why."""
    sandbox, _ = cancelled(1)
    world = make_world(sandbox)
    sandbox.faults.add(Fault(kind="refused", method="GET", path="/v1/events", status=403, times=1))
    until_night(world)
    with pytest.raises(Unauthorized):
        tend_night(world, mode=RunMode.RUN, stopping=Signal())
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    assert newest(world)["status"] is RunStatus.STOPPED
    assert make_night(world).words == [("refunded", None)]


def test_the_events_run_ends_on_a_later_date() -> None:
    """When what was begun before midnight has had its time; its report holds what it saw."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    name = f"events {world.calendar.today()}"
    want_customer(world, customer=customer, cause=Cause.COMMAND)
    work(world)
    assert tend_night(world, mode=RunMode.RUN, stopping=Signal()) == ()
    sandbox.clock.advance(DAY_S)
    ended: list[str] = []
    for _ in range(8):
        ended += end_runs(world)
        sandbox.clock.advance(60)
    assert ended == [name]
    shared = world.queue.shared(name)
    assert shared is not None
    assert shared.phase is Phase.ENDED
    report = report_run(world.ledger, shared.run)
    assert report is not None
    assert [str(row.result.outcome) for row in report.rows] == ["refunded"]
    assert report.run.summary["counts"]["refunded"] == 1  # type: ignore[index]  # a summary's values are JSON


def test_who_could_not_be_read_is_in_the_nights_report_and_sums() -> None:
    """It has no row in the ledger but in the trail, which verifies; the next night looks again."""
    sandbox, customers = cancelled(2)
    world = make_world(sandbox)
    fault = Fault(kind="malformed_body", method="GET", path="/v1/invoices", params={"customer": customers[0]}, times=0)
    sandbox.faults.add(fault)
    assert sorted(make_night(world).words) == [("failed", "facts_unreadable"), ("refunded", None)]
    night = newest(world)
    assert (night["counts"]["failed"], night["counts"]["examined"]) == (1, 2)  # type: ignore[index]  # JSON
    report = report_run(world.ledger, "latest")
    assert report is not None
    assert next((row.result.customer, str(row.result.outcome)) for row in report.rows) == (customers[0], "failed")
    assert tally_of_run(world, report.run).counts == night["counts"]
    assert isinstance(world.ledger, SqlLedger)
    assert world.ledger.verify().ok
    sandbox.faults.clear()
    assert make_night(world).words == [("refunded", None)]


def test_a_worker_killed_as_it_ends_a_night_leaves_its_message() -> None:
    """It is put into the outbox before the end is committed."""
    sandbox, _ = cancelled(1)
    world = make_world(sandbox)
    until_night(world)
    tend_night(world, mode=RunMode.RUN, stopping=Signal())
    work(world)
    stops = Stops(at("queue.end_shared", "after", die))
    with pytest.raises(Killed):
        end_runs(replace(world, queue=StoppingQueue(world.queue, stops)))
    assert end_runs(world) == ()
    (notice,) = world.queue.claim_notices(now=world.clock.now(), lease_s=60, limit=9)
    assert notice.kind == "night_finished"


def test_an_event_does_not_end_the_hold_of_pending_items() -> None:
    """The balance is zero, but the hold stands: the event is about something else, and its customer's items remain."""
    sandbox, world = swept()
    customer, _ = subscribed(sandbox)
    sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": -700, "currency": "usd"})
    assert make_night(world).words == [("skipped", "pending_items_left")]
    paid = Event(id="evt_paid", type="invoice.paid", created=world.clock.now(), customer=customer)
    world.queue.receive([paid], source=EventSource.WEBHOOK, now=world.clock.now())
    absorb_events(world, mode=RunMode.RUN)
    sandbox.clock.advance(world.settling_s)
    assert work(world).words == [("skipped", "pending_items_left")]
    assert len(list(world.ledger.standings(customer=customer))) == 1


def test_a_cancellation_that_leaves_its_credit_pending_is_found_by_the_night_that_hears_of_it() -> None:
    """The balance is zero and the event is only a hint; the list of pending items says that there is credit."""
    sandbox, world = swept()
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S)
    cancel_pending(sandbox, subscription)
    assert make_night(world).words == [("refunded", None)]
    assert (0, 5_000) in money(sandbox)


@pytest.mark.parametrize("hinted_before", [False, True])
def test_right_after_a_cancellation_its_pending_credit_is_refunded(*, hinted_before: bool) -> None:
    """By day too, and where a mere hint of the same customer stood in the queue already."""
    sandbox, world = swept()
    customer, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S)
    if hinted_before:
        now = world.clock.now()
        world.queue.want([Wanted(customer=customer, cause=Cause.HINT, due_at=now)], now=now)
    cancel_pending(sandbox, subscription)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    sandbox.clock.advance(world.settling_s)
    assert work(world).words == [("refunded", None)]
    assert (0, 5_000) in money(sandbox)
