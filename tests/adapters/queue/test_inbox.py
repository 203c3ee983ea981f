"""The inbox: each event once, each absorbed together with the wishes it makes."""

import pytest

from refund_worker.domain.events import EventSource
from refund_worker.domain.queueing import Wanted
from refund_worker.ports import WorkQueue
from tests.adapters.queue.examples import NOW, claimed, event, names, notice, wish


def test_an_event_comes_in_once_however_often_it_is_sent(queue: WorkQueue) -> None:
    """By webhook, by webhook again, by the poll; also twice in one batch."""
    assert queue.receive([event(2), event(1)], source=EventSource.WEBHOOK, now=NOW) == 2
    assert queue.receive([event(2)], source=EventSource.WEBHOOK, now=NOW) == 0
    assert queue.receive([event(3), event(1), event(3)], source=EventSource.POLL, now=NOW) == 1
    assert queue.receive([], source=EventSource.POLL, now=NOW) == 0
    assert queue.unabsorbed(limit=9) == (event(1), event(2), event(3))


def test_all_that_is_kept_of_an_event_comes_out_again(queue: WorkQueue) -> None:
    """The oldest first, no more than asked for."""
    dispute = event(1, customer=None, charge="ch_1")
    refund = event(2, customer=None, charge="ch_2", refund="re_1")
    queue.receive([event(3), refund, dispute], source=EventSource.POLL, now=NOW)
    assert queue.unabsorbed(limit=2) == (dispute, refund)


def test_absorbed_is_what_put_its_customers_into_the_queue(queue: WorkQueue) -> None:
    """Both or none."""
    queue.receive([event(1), event(2)], source=EventSource.WEBHOOK, now=NOW)
    queue.absorb(["evt_0001"], [wish("cus_1"), wish("cus_2")], now=NOW)
    assert queue.unabsorbed(limit=9) == (event(2),)
    assert names(claimed(queue)) == ["cus_1", "cus_2"]
    queue.absorb(["evt_0002"], [], now=NOW)
    assert queue.unabsorbed(limit=9) == ()


def test_a_wish_that_cannot_be_written_leaves_the_event_unabsorbed(queue: WorkQueue) -> None:
    """A run that does not exist: the transaction is undone whole."""
    queue.receive([event(1)], source=EventSource.WEBHOOK, now=NOW)
    broken: list[Wanted] = [wish("cus_0"), wish("cus_1", run="run_of_nobody")]
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        queue.absorb(["evt_0001"], broken, now=NOW)
    assert queue.unabsorbed(limit=9) == (event(1),)
    assert queue.known_to_queue(["cus_0", "cus_1"]) == frozenset()


def test_old_events_are_forgotten_once_they_are_absorbed(queue: WorkQueue) -> None:
    """And notices as old."""
    queue.receive([event(1), event(2)], source=EventSource.WEBHOOK, now=NOW)
    queue.receive([event(3)], source=EventSource.WEBHOOK, now=NOW + 10)
    queue.absorb(["evt_0001", "evt_0003"], [], now=NOW + 10)
    queue.notify(notice("old"), now=NOW)
    queue.notify(notice("new"), now=NOW + 10)
    queue.forget_events(before=NOW + 10)
    assert queue.receive([event(1), event(2), event(3)], source=EventSource.POLL, now=NOW + 20) == 1
    assert [queue.notify(notice(key), now=NOW + 20) for key in ("old", "new")] == [True, False]


def test_the_watermark_moves_forward_only(queue: WorkQueue) -> None:
    """Two polls may end in another order than they began."""
    assert queue.watermark() is None
    queue.read_up_to(NOW)
    queue.read_up_to(NOW - 5)
    assert queue.watermark() == NOW
    queue.read_up_to(NOW + 5)
    assert queue.watermark() == NOW + 5
