"""From the events API and webhooks over the inbox into the queue: what is read, when it is due, what a kill leaves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from refund_worker.domain.errors import OutcomeUnknown, StripeError
from refund_worker.domain.events import EVENTS_KEPT_S, Event, EventSource
from refund_worker.domain.queueing import Cause, QueueClaim
from refund_worker.domain.runs import RunMode
from refund_worker.ports import StripeGateway
from refund_worker.sandbox import Fault, Sandbox
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.poll_events import OVERLAP_S, begin_watermark, poll_events
from refund_worker.usecases.world import World
from tests.crash.scenes import DAY_S, cancel, goodwill, subscribed
from tests.usecases.working import cancelled, work
from tests.worlds import make_world


def followed() -> tuple[Sandbox, World]:
    """An account whose events are followed since just now."""
    sandbox = Sandbox(seed=7, renewals=False)
    subscribed(sandbox)
    world = make_world(sandbox)
    begin_watermark(world)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    empty_queue(world)
    sandbox.clock.advance(2 * OVERLAP_S)
    return sandbox, world


def empty_queue(world: World) -> None:
    """Take everybody out of it."""
    for claim in waiting(world):
        world.queue.examined(claim, now=world.clock.now())


def waiting(world: World) -> tuple[QueueClaim, ...]:
    """Everybody in the queue, as claims; those not due too."""
    later = world.clock.now() + 10**6
    return world.queue.claim_wanted(worker="nobody", now=later, lease_s=-(10**6), limit=10_000)


def receive(world: World, *events: Event) -> None:
    """As a webhook brings them."""
    world.queue.receive(events, source=EventSource.WEBHOOK, now=world.clock.now())


def an_event(number: int, kind: str, *, at: int, customer: str | None = None, charge: str | None = None) -> Event:
    """An event of the inbox."""
    return Event(id=f"evt_{number}", type=kind, created=at, customer=customer, charge=charge)


def test_a_cancellation_is_found_and_due_after_the_settling_delay() -> None:
    """Four events, one entry; the poll and the webhook tell of the same."""
    sandbox, world = followed()
    customer, subscription = subscribed(sandbox)
    cancel(sandbox, subscription)
    at = sandbox.clock.now
    polled = poll_events(world)
    assert (polled.new >= 2, polled.sweep_needed) == (True, False)
    assert poll_events(world).new == 0
    absorb_events(world, mode=RunMode.RUN)
    (claim,) = waiting(world)
    assert (claim.wanted.customer, claim.wanted.cause, claim.wanted.due_at) == (customer, Cause.EVENT, at + 60)


def test_before_the_settling_delay_nobody_is_examined() -> None:
    """The proration invoice may still be a draft."""
    sandbox, world = followed()
    _, subscription = subscribed(sandbox)
    cancel(sandbox, subscription)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    assert work(world).words == []
    sandbox.clock.advance(59)
    assert work(world).words == []
    sandbox.clock.advance(1)
    assert work(world).words == [("refunded", None)]


def test_a_clock_that_is_behind_stripes_delays_nothing() -> None:
    """An event from the future is due from our now on."""
    _, world = followed()
    now = world.clock.now()
    receive(world, an_event(1, "customer.updated", at=now + 3_600, customer="cus_1"))
    absorb_events(world, mode=RunMode.RUN)
    (claim,) = waiting(world)
    assert claim.wanted.due_at == now + 60


def test_events_of_the_watermarks_second_and_late_ones_are_read() -> None:
    """The overlap: another event of the same second, and one that Stripe lists ten minutes late."""
    sandbox, world = followed()
    first, subscription = subscribed(sandbox)
    cancel(sandbox, subscription)
    poll_events(world)
    mark = world.queue.watermark()
    assert mark == sandbox.clock.now
    second, subscription = subscribed(sandbox)
    cancel(sandbox, subscription)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    assert world.queue.known_to_queue([first, second]) == {first, second}
    assert world.queue.watermark() == mark


def test_the_watermark_is_never_ahead_of_stripes_clock() -> None:
    """Ours is an hour ahead; nothing happens at Stripe meanwhile, then something does."""
    sandbox, world = followed()
    mark = world.queue.watermark()
    ahead = replace(world, clock=Ahead(world))
    poll_events(ahead)
    assert world.queue.watermark() == mark
    customer, subscription = subscribed(sandbox)
    cancel(sandbox, subscription)
    poll_events(ahead)
    absorb_events(ahead, mode=RunMode.RUN)
    assert world.queue.known_to_queue([customer])


class Ahead:
    """A clock that is an hour ahead."""

    def __init__(self, world: World) -> None:
        self._inner = world.clock

    def now(self) -> int:
        """An hour later than it is."""
        return self._inner.now() + 3_600

    def sleep(self, seconds: float) -> None:
        """As long as it is."""
        self._inner.sleep(seconds)


def test_a_poll_that_breaks_off_moves_no_watermark() -> None:
    """The first page is in the inbox, the second has no answer; the next poll reads both."""
    sandbox, world = followed()
    mark = world.queue.watermark()
    customer = sandbox.books()[0].customer
    for number in range(150):
        sandbox.clock.advance(10)
        goodwill(sandbox, customer, 100 + number)
    newest = sandbox.clock.now
    sandbox.faults.add(Fault(kind="refused", method="GET", path="/v1/events", status=500, nth=2, times=4))
    with pytest.raises(StripeError):
        poll_events(world)
    assert world.queue.watermark() == mark
    assert len(world.queue.unabsorbed(limit=1_000)) == 100
    poll_events(world)
    assert len(world.queue.unabsorbed(limit=1_000)) == 150
    assert world.queue.watermark() == newest


def test_a_gap_needs_a_sweep_and_keeps_the_watermark() -> None:
    """Stripe has forgotten a part of it: only the night that sweeps begins anew."""
    sandbox, world = followed()
    mark = world.queue.watermark()
    sandbox.clock.advance(EVENTS_KEPT_S)
    assert poll_events(world).sweep_needed
    assert world.queue.watermark() == mark


def test_only_credit_and_what_may_bring_it_is_kept_of_a_balance() -> None:
    """Our own reserve takes the balance to zero: that is no reason to look at the customer again."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    begin_watermark(world)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    sandbox.clock.advance(60)
    assert work(world).words == [("refunded", None)]
    sandbox.clock.advance(OVERLAP_S + 1)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    assert world.queue.known_to_queue([customer]) == frozenset()


def test_whose_charge_it_is_is_asked_once_a_batch() -> None:
    """A dispute names only its charge; one that is gone is nobody's."""
    sandbox, (customer,) = cancelled(1)
    charge = sandbox.books()[0].charges[0].charge
    world = make_world(sandbox)
    now = world.clock.now()
    kinds = ("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed")
    receive(world, *(an_event(number, kind, at=now, charge=charge) for number, kind in enumerate(kinds)))
    receive(world, an_event(9, kinds[0], at=now, charge="ch_gone"))
    before = len(sandbox.request_log)
    absorb_events(world, mode=RunMode.RUN)
    assert [entry.path for entry in sandbox.request_log[before:]] == ["/v1/charges/{charge}"] * 2
    assert [claim.wanted.customer for claim in waiting(world)] == [customer]
    assert world.queue.unabsorbed(limit=9) == ()


def test_without_an_answer_the_rest_of_the_inbox_waits() -> None:
    """What came before it is absorbed."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    now = world.clock.now()
    receive(
        world,
        an_event(1, "customer.updated", at=now - 1, customer=customer),
        an_event(2, "charge.dispute.created", at=now, charge=sandbox.books()[0].charges[0].charge),
    )
    sandbox.faults.add(Fault(kind="refused", method="GET", path="/v1/charges/{charge}", status=500, times=4))
    with pytest.raises(OutcomeUnknown):
        absorb_events(world, mode=RunMode.RUN)
    assert [event.id for event in world.queue.unabsorbed(limit=9)] == ["evt_2"]
    assert world.queue.known_to_queue([customer])


@pytest.mark.parametrize(
    ("kind", "reads"),
    [("customer.updated", 4), ("invoice.paid", 1)],
)
def test_customers_without_credit_cost_one_call_where_credit_is_unlikely(kind: str, reads: int) -> None:
    """Each renewal brings such events; a moved balance means credit as a rule, and is read like a case."""
    sandbox = Sandbox(seed=7, renewals=False)
    customer, _ = subscribed(sandbox)
    world = make_world(sandbox)
    receive(world, an_event(1, kind, at=world.clock.now() - DAY_S, customer=customer))
    absorb_events(world, mode=RunMode.RUN)
    before = len(sandbox.request_log)
    assert work(world).words == []
    # without any movement on the balance, the customer is read by itself
    assert len(sandbox.request_log) - before == reads + (kind == "customer.updated")
    assert world.queue.known_to_queue([customer]) == frozenset()


def test_an_event_from_the_future_keeps_no_other_from_being_read() -> None:
    """Its time says nothing of what was read."""
    sandbox, world = followed()

    class Dreaming:
        """A gateway whose newest event is of next year."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.stripe, name)

        def events(self, *, since: int) -> Iterator[Event]:
            """The future first."""
            yield an_event(1, "customer.updated", at=world.clock.now() + 365 * DAY_S)
            yield from world.stripe.events(since=since)

    poll_events(replace(world, stripe=cast("StripeGateway", Dreaming())))
    customer, subscription = subscribed(sandbox)
    cancel(sandbox, subscription)
    sandbox.clock.advance(2 * OVERLAP_S)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    assert world.queue.known_to_queue([customer]) == {customer}
