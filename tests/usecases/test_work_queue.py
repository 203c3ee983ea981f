"""The crew of a worker: from a wish to a refund, what stays in the queue and why, and what a second worker may not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.facts import Charge
from refund_worker.domain.policy import Policy
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import QUEUE_LEASE_S, RETRY_AFTER_S, TRIES_MAX, Cause, Wanted
from refund_worker.domain.runs import RunMode
from refund_worker.ports import Ledger, LedgerWriter, StripeGateway, WorkQueue
from refund_worker.sandbox import Fault, Sandbox
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.work_queue import Crew
from refund_worker.usecases.world import World
from tests.crash.item_scenes import cancel_pending, invoice_takes_them
from tests.crash.scenes import DAY_S, REFUNDS, cancel, dispute_newest, subscribed
from tests.crash.stops import Killed, StoppingGateway, Stops
from tests.usecases.stage import REFUND, RESERVE, at, die
from tests.usecases.working import Signal, Told, cancelled, money, work
from tests.worlds import Ids, make_world


def wanted(
    count: int, *, policy: Policy | None = None, ledger: SqlLedger | None = None
) -> tuple[Sandbox, World, list[str]]:
    """Customers with a credit of 50.00 each who are due now."""
    sandbox, customers = cancelled(count)
    world = make_world(sandbox, policy=policy, ledger=ledger)
    for customer in customers:
        want_customer(world, customer=customer, cause=Cause.COMMAND)
    return sandbox, world, sorted(customers)


def due_in(world: World) -> int | None:
    """In how many seconds the one entry of the queue is due; None where there is none."""
    for seconds in (0, *(30 << n for n in range(13))):
        now = world.clock.now() + seconds
        depth = world.queue.depth(now=now)
        if depth.oldest_due_at is not None:
            return depth.oldest_due_at - world.clock.now()
    return None


def until_next_night(world: World) -> int:
    """Seconds until the next night has begun and takes over what was left to it."""
    return world.calendar.next_night().at + world.settling_s - world.clock.now()


def test_a_wanted_customer_is_examined_and_refunded() -> None:
    """want, claim, examine, refund: the entry is gone, the case belongs to the events run of the day."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    want_customer(world, customer=customer, cause=Cause.COMMAND)

    told = work(world)

    assert told.words == [("refunded", None)]
    assert told.errors == []
    assert money(sandbox) == [(0, 5_000)]
    assert world.queue.known_to_queue([customer]) == frozenset()
    (case,) = world.ledger.cases_of_customer(customer)
    shared = world.queue.shared(f"events {world.calendar.today()}")
    assert shared is not None
    assert shared.run == case.run
    assert world.ledger.live_cases() == ()


def test_a_task_for_nobody_is_no_failure() -> None:
    """A merchant's application that sends wrong ids neither stops the day's run nor calls a person."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    for number in range(world.policy.failures_max + 1):
        want_customer(world, customer=f"cus_nobody{number}", cause=Cause.TASK)
    want_customer(world, customer=customer, cause=Cause.TASK)
    sandbox.clock.advance(world.settling_s)

    told = work(world)

    assert told.words == [("refunded", None)]
    assert world.queue.depth(now=world.clock.now()).due == 0


def test_a_task_waits_for_the_settling_delay() -> None:
    """The merchant's application sends it with the cancellation: the proration invoice may still be a draft."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    want_customer(world, customer=customer, cause=Cause.TASK)
    assert work(world).words == []
    assert due_in(world) == 60


@pytest.mark.parametrize("threads", [1, 4])
def test_a_crew_holds_no_more_than_it_works_on(threads: int) -> None:
    """Ten are due; the rest stays free for other workers."""
    _sandbox, world, _ = wanted(10)
    crew = Crew(world=world, watcher=Told(), mode=RunMode.RUN, threads=threads, stopping=Signal())
    assert crew.turn() == threads
    assert crew.turn() <= threads
    crew.close()
    left = world.queue.depth(now=world.clock.now())
    assert left.claimed == 0
    assert left.due >= 10 - 2 * threads


def test_many_threads_refund_everybody_once() -> None:
    """Eight threads on twenty customers."""
    sandbox, world, _ = wanted(20)
    told = work(world, threads=8)
    assert told.errors == []
    assert told.words == [("refunded", None)] * 20
    assert money(sandbox) == [(0, 5_000)] * 20
    assert isinstance(world.ledger, SqlLedger)
    assert world.ledger.verify().ok


def test_without_an_answer_the_customer_is_tried_again_later_and_later() -> None:
    """Half a minute, a minute, two; after the last try the next night. It is no failure of the run."""
    sandbox, world, _ = wanted(1, policy=Policy(failures_max=1))
    sandbox.faults.add(Fault(kind="refused", method="GET", path="/v1/invoices", status=500, times=0))
    pauses = []
    for _ in range(TRIES_MAX):
        assert work(world).words == [("failed", "stripe_busy")]
        night = until_next_night(world)
        pauses.append(due_in(world) or 0)
        sandbox.clock.advance(pauses[-1])
    assert pauses[:-1] == [30, 60, 120, 240, 480, 960, 1_920]
    assert pauses[-1] == night
    sandbox.faults.clear()
    assert work(world).words == [("refunded", None)]
    assert money(sandbox) == [(0, 5_000)]


def test_an_unreadable_customer_fails_and_is_looked_at_in_the_next_night() -> None:
    """Another try would bring the same."""
    sandbox, world, _ = wanted(1)
    sandbox.faults.add(Fault(kind="malformed_body", method="GET", path="/v1/invoices", times=0))
    assert work(world).words == [("failed", "facts_unreadable")]
    assert due_in(world) == until_next_night(world)


def test_a_live_case_keeps_its_customer_in_the_queue_until_it_is_closed() -> None:
    """Credit that came meanwhile is looked at when the case has ended."""
    sandbox, world, (customer,) = wanted(1)
    ledger = world.ledger
    stops = Stops(at(REFUND, "before", die))
    with pytest.raises(Killed):
        work(replace(world, stripe=StoppingGateway(world.stripe, stops), worker="killed", new_id=Ids(deployment="k")))
    assert ledger.live_cases() != ()
    sandbox.clock.advance(QUEUE_LEASE_S)
    sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": -300, "currency": "usd"})
    assert work(world).words == [("skipped", "case_live")]
    assert due_in(world) == 60
    sandbox.clock.advance(LEASE_S - QUEUE_LEASE_S)
    told = work(world).words
    assert ("refunded", None) in told
    sandbox.clock.advance(3_600)
    work(world)
    assert money(sandbox) == [(-300, 5_000)]
    assert world.queue.known_to_queue([customer]) == frozenset()


def test_a_bug_in_one_case_fails_it_and_the_crew_goes_on() -> None:
    """It is told with its traceback; the customer is looked at in the next night."""
    _sandbox, world, customers = wanted(3)
    bad = customers[1]
    told = work(replace(world, stripe=Buggy(world.stripe, bad)))
    assert sorted(told.words) == [("failed", "bug"), ("refunded", None), ("refunded", None)]
    assert any("ZeroDivisionError" in (one.detail or "") for one in told.results)
    assert world.queue.known_to_queue(customers) == {bad}


class Buggy:
    """A gateway with a bug for one customer."""

    def __init__(self, inner: StripeGateway, customer: str) -> None:
        self._inner = inner
        self._customer = customer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def charges(self, customer: str) -> tuple[Charge, ...]:
        """Divides by zero for that one."""
        return () if customer == self._customer and 1 // 0 else self._inner.charges(customer)


def test_a_ledger_that_fails_is_waited_for() -> None:
    """Told, and for a while nothing is claimed; then it goes on, and the money is right."""
    sandbox, world, _ = wanted(2)
    failing = Failing(world.ledger, times=3)
    told, crew = _crew(replace(world, ledger=failing))
    for _ in range(40):
        crew.turn()
        crew.wait(timeout_s=5)
        sandbox.clock.advance(10)
    crew.close()
    assert len(told.errors) == 3
    assert all(isinstance(error, LedgerError) for error in told.errors)
    assert money(sandbox) == [(0, 5_000)] * 2


def _crew(world: World) -> tuple[Told, Crew]:
    told = Told()
    return told, Crew(world=world, watcher=told, mode=RunMode.RUN, threads=1, stopping=Signal())


class Failing:
    """A ledger whose first writes fail, as while its database restarts."""

    def __init__(self, inner: Ledger, *, times: int) -> None:
        self._inner = inner
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def writing(self) -> Iterator[LedgerWriter]:
        """Fails at first."""
        if self._times:
            self._times -= 1
            raise LedgerError("the database is gone")
        with self._inner.writing() as writer:
            yield writer


class AnswerLost:
    """A queue of which one claim is committed, and its answer lost with the connection."""

    def __init__(self, inner: WorkQueue, claim: str) -> None:
        self._inner = inner
        self._claim: str | None = claim

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return found if name != self._claim else lambda **asked: self._lose(found(**asked))

    def _lose(self, claims: tuple[object, ...]) -> tuple[object, ...]:
        if claims:
            self._claim = None
            raise LedgerError("the connection is lost")
        return claims


@pytest.mark.parametrize("claim", ["claim_wanted", "claim_live"])
def test_a_claim_whose_answer_was_lost_is_let_go_at_once(claim: str) -> None:
    """The ledger holds it for this worker, which lives and knows nothing of it: nobody waits five minutes for that."""
    sandbox, world, _ = wanted(2)
    if claim == "claim_live":
        sandbox.faults.add(Fault(kind="before_execution", method="POST", path=REFUNDS, times=0))
        work(world)
        sandbox.faults.clear()
        sandbox.clock.advance(RETRY_AFTER_S)
        assert len(world.ledger.live_cases()) == 2
    told, crew = _crew(replace(world, queue=cast(WorkQueue, AnswerLost(world.queue, claim))))
    for _ in range(6):
        crew.turn()
        crew.wait(timeout_s=10)
        sandbox.clock.advance(2)
    crew.close()
    assert len(told.errors) == 1
    assert money(sandbox) == [(0, 5_000)] * 2


def test_a_worker_that_was_paused_past_its_lease_takes_nothing_out_of_the_queue() -> None:
    """Another has the entry; the paused one's case finds the credit gone, and its word about the entry is nothing."""
    sandbox, world, (customer,) = wanted(1)
    told: list[tuple[str, str | None]] = []
    other = replace(world, worker="other", new_id=Ids(deployment="b"))

    def pause() -> None:
        sandbox.clock.advance(QUEUE_LEASE_S + 1)
        told.extend(work(other).words)
        want_customer(other, customer=customer, cause=Cause.TASK)

    stops = Stops(at("stripe.statement", "before", pause))
    paused = work(replace(world, stripe=StoppingGateway(world.stripe, stops)))
    assert told == [("refunded", None)]
    assert paused.words == []
    assert world.queue.known_to_queue([customer]) == {customer}
    assert money(sandbox) == [(0, 5_000)]


@pytest.mark.parametrize("moment", [RESERVE, REFUND])
def test_after_a_signal_what_reserved_is_finished_and_nothing_begun(moment: str) -> None:
    """The rest stays in the queue, due now, for the worker that comes next."""
    sandbox, world, _ = wanted(3)
    signal = Signal()

    def come() -> None:
        signal.came = True

    stops = Stops(at(moment, "before", come))
    work(replace(world, stripe=StoppingGateway(world.stripe, stops)), signal=signal)
    assert money(sandbox).count((0, 5_000)) == 1
    assert world.ledger.live_cases() == ()
    left = world.queue.depth(now=world.clock.now())
    assert (left.due, left.claimed) == (2, 0)
    work(world)
    assert money(sandbox) == [(0, 5_000)] * 3


def test_a_signal_before_the_reserve_gives_the_entry_back() -> None:
    """It is due as it was."""
    sandbox, world, _ = wanted(1)
    signal = Signal()

    def come() -> None:
        signal.came = True

    stops = Stops(at("stripe.statement", "after", come))
    assert work(replace(world, stripe=StoppingGateway(world.stripe, stops)), signal=signal).words == []
    assert money(sandbox) == [(-5_000, 0)]
    assert due_in(world) == 0


def test_with_plans_only_no_live_case_is_touched() -> None:
    """And nothing is reserved."""
    sandbox, world, _ = wanted(2)
    stops = Stops(at(REFUND, "before", die))
    with pytest.raises(Killed):
        work(replace(world, stripe=StoppingGateway(world.stripe, stops)))
    sandbox.clock.advance(LEASE_S)
    before = money(sandbox)
    told = work(world, mode=RunMode.PLAN)
    assert set(told.words) <= {("planned", None), ("skipped", "case_live")}
    assert money(sandbox) == before


def test_who_may_pay_from_noon_on_pays_from_noon_on() -> None:
    """The events run of the morning made plans only: it is another one."""
    sandbox, world, (customer,) = wanted(1)
    assert work(world, mode=RunMode.PLAN).words == [("planned", None)]
    want_customer(world, customer=customer, cause=Cause.COMMAND)
    assert work(world).words == [("refunded", None)]
    assert money(sandbox) == [(0, 5_000)]


def test_during_a_halt_nothing_is_begun_and_after_it_all_is_done() -> None:
    """The entries stay as they are."""
    _sandbox, world, _ = wanted(2)
    world.queue.halt(reason="look first", by="ann", now=world.clock.now())
    assert work(world).words == []
    assert world.queue.depth(now=world.clock.now()).due == 2
    world.queue.unhalt(by="ann", now=world.clock.now())
    assert work(world).words == [("refunded", None)] * 2


def test_what_stripe_refused_is_not_tried_again_before_the_next_night() -> None:
    """Our own give-back moves the balance: its event must not make a loop of reserves and give-backs."""
    sandbox, world, (customer,) = wanted(1)
    sandbox.faults.add(
        Fault(kind="refused", method="POST", path=REFUNDS, code="charge_not_refundable", stored=True, times=0)
    )
    assert work(world).words == [("skipped", "charges_exhausted")]
    writes = sum(entry.method == "POST" for entry in sandbox.request_log)
    for _ in range(5):
        sandbox.clock.advance(120)
        want_customer(world, customer=customer, cause=Cause.COMMAND)
        work(world)
    assert sum(entry.method == "POST" for entry in sandbox.request_log) == writes
    sandbox.clock.advance(2 * 86_400)
    work(world)
    assert sum(entry.method == "POST" for entry in sandbox.request_log) > writes


@pytest.mark.parametrize(
    ("fault", "stopped_by"),
    [
        (Fault(kind="refused", method="POST", path=REFUNDS, status=403, times=0), "permission"),
        (Fault(kind="refused", method="POST", path=REFUNDS, code="balance_insufficient", times=0), "insufficient"),
    ],
)
def test_what_stops_a_run_stops_it_for_all_workers(fault: Fault, stopped_by: str) -> None:
    """The first case gives back; the others wait for the next night, untouched."""
    sandbox, world, _ = wanted(4)
    sandbox.faults.add(fault)
    work(world)
    other = replace(world, worker="other", new_id=Ids(deployment="b"))
    assert work(other).words == []
    assert money(sandbox) == [(-5_000, 0)] * 4
    assert sum(one.metadata != {} for book in sandbox.books() for one in book.balance_transactions) == 2
    shared = world.queue.shared(f"events {world.calendar.today()}")
    assert shared is not None
    assert stopped_by in (shared.stopped_by or "").lower() + str(shared.stop)
    assert due_in(world) == until_next_night(world)


def test_a_permission_to_read_that_one_customer_needs_stops_no_run() -> None:
    """The others are refunded; who could not be read rests until the next night."""
    sandbox, world, _ = wanted(3)
    _, subscription = subscribed(sandbox)
    dispute_newest(sandbox)
    cancel(sandbox, subscription)
    want_customer(world, customer=sandbox.get("/v1/customers", {"limit": 1})["data"][0]["id"], cause=Cause.COMMAND)
    sandbox.faults.add(Fault(kind="forbidden", method="GET", path="/v1/disputes", times=0))
    assert sorted(work(world).words, key=str) == [("failed", "permission_missing")] + [("refunded", None)] * 3
    shared = world.queue.shared(f"events {world.calendar.today()}")
    assert shared is not None
    assert shared.stopped_by is None
    assert due_in(world) == until_next_night(world)


def test_two_workers_share_the_limits_of_a_run() -> None:
    """Two cases a run, one worker each: the third is for the next night, whoever asks."""
    sandbox, world, _ = wanted(4, policy=Policy(run_cases_max=2))
    other = replace(world, worker="other", new_id=Ids(deployment="b"))
    told, crew = _crew(world)
    told_too, crew_too = _crew(other)
    for _ in range(6):
        for one in (crew, crew_too):
            one.turn()
            one.wait(timeout_s=5)
    crew.close()
    crew_too.close()
    assert money(sandbox).count((0, 5_000)) == 2
    assert [*told.words, *told_too.words].count(("refunded", None)) == 2
    assert world.queue.depth(now=world.clock.now()).due == 0


def test_failures_in_a_row_stop_the_run_and_a_refund_ends_the_row() -> None:
    """Of all workers together."""
    sandbox, world, customers = wanted(8, policy=Policy(failures_max=3))
    for customer in (*customers[:2], *customers[3:6]):
        sandbox.faults.add(
            Fault(kind="malformed_body", method="GET", path="/v1/invoices", params={"customer": customer}, times=0)
        )
    assert [str(outcome) for outcome, _ in work(world).words] == [
        "failed",
        "failed",
        "refunded",
        "failed",
        "failed",
        "failed",
    ]


def test_on_postgresql_it_is_the_same(postgres_url: str) -> None:
    """Two workers with four threads each, on a real server."""
    ledger = SqlLedger.open(postgres_url)
    sandbox, world, _ = wanted(12, ledger=ledger)
    other = replace(world, worker="other", new_id=Ids(deployment="b"))
    crews = [Crew(world=one, watcher=Told(), mode=RunMode.RUN, threads=4, stopping=Signal()) for one in (world, other)]
    while sum(crew.turn() + crew.running for crew in crews):
        for crew in crews:
            crew.wait(timeout_s=5)
    for crew in crews:
        crew.close()
    assert money(sandbox) == [(0, 5_000)] * 12
    assert ledger.verify().ok
    ledger.close()


@pytest.mark.parametrize("taken_by_an_invoice", [False, True])
def test_a_conversion_that_was_resumed_has_its_customer_examined_again(*, taken_by_an_invoice: bool) -> None:
    """Its worker was killed before a deletion; the customer's entry is gone. No event and no night is needed."""
    sandbox = Sandbox(seed=7, renewals=False)
    customer, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S)
    cancel_pending(sandbox, subscription)
    world = make_world(sandbox)
    now = world.clock.now()
    world.queue.want([Wanted(customer=customer, cause=Cause.COMMAND, due_at=now)], now=now)
    stops = Stops(at("stripe.delete_item", "before", die))
    with pytest.raises(Killed):
        work(replace(world, stripe=StoppingGateway(world.stripe, stops), worker="killed", new_id=Ids(deployment="k")))
    if taken_by_an_invoice:
        invoice_takes_them(sandbox)
    (claim,) = world.queue.claim_wanted(worker="w", now=now + QUEUE_LEASE_S, lease_s=QUEUE_LEASE_S, limit=9)
    world.queue.examined(claim, now=now)
    sandbox.clock.advance(LEASE_S)
    assert ("refunded", None) not in work(world).words
    sandbox.clock.advance(world.settling_s)
    assert work(world).words == [("refunded", None)]
    assert money(sandbox) == [(0, 5_000)]
