"""The queue of customers: one entry each, whatever happens at the same time."""

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.facts import PendingItem
from refund_worker.domain.nights import Phase
from refund_worker.domain.queueing import Cause, QueueDepth
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import POLICY, a_run, started
from tests.adapters.queue.examples import LEASE_S, NOW, claimed, names, wish

ITEMS = (PendingItem(id="ii_1", customer="cus_1", amount_minor=-300, currency="usd"),)


def test_a_wish_is_claimed_when_it_is_due_and_gone_when_examined(queue: WorkQueue) -> None:
    """With all that the wish said."""
    queue.want([wish(due_at=NOW + 60, cause=Cause.NIGHT, run="run_1", pending_items=ITEMS)], now=NOW)
    assert claimed(queue, at=NOW + 59) == ()
    (claim,) = claimed(queue, at=NOW + 60)
    assert claim.wanted == wish(due_at=NOW + 60, cause=Cause.NIGHT, run="run_1", pending_items=ITEMS)
    assert (claim.requested, claim.attempts, claim.worker, claim.lease_until) == (1, 1, "first", NOW + 60 + LEASE_S)
    assert claimed(queue, at=NOW + 60, worker="second") == ()
    queue.examined(claim, now=NOW + 61)
    assert queue.known_to_queue(["cus_1"]) == frozenset()


def test_the_longest_due_come_first_and_no_more_than_asked_for(queue: WorkQueue) -> None:
    """A batch."""
    queue.want([wish(f"cus_{due}", due_at=NOW - due) for due in (5, 30, 1, 20)], now=NOW)
    assert names(claimed(queue, limit=3)) == ["cus_30", "cus_20", "cus_5"]
    assert names(claimed(queue, limit=3)) == ["cus_1"]
    assert names(claimed(queue, limit=3)) == []


def test_a_second_wish_keeps_the_earlier_time_its_run_and_its_cause(queue: WorkQueue) -> None:
    """It is counted, and no second entry."""
    queue.want([wish(due_at=NOW + 60)], now=NOW)
    queue.want([wish(due_at=NOW + 90, cause=Cause.SWEEP, run="run_1")], now=NOW)
    queue.want([wish(due_at=NOW + 10)], now=NOW)
    (claim,) = claimed(queue, at=NOW + 10)
    assert claim.wanted == wish(due_at=NOW + 10, run="run_1")
    assert claim.requested == 3


def test_a_run_that_stands_is_not_taken_over(queue: WorkQueue, ledger: SqlLedger) -> None:
    """The night that waits for the entry finds it."""
    started(ledger, "run_2")
    queue.want([wish(run="run_1")], now=NOW)
    queue.want([wish(run="run_2")], now=NOW)
    assert (queue.left_of("run_1"), queue.left_of("run_2")) == (1, 0)


def test_the_newest_wish_brings_the_pending_items_or_drops_them(queue: WorkQueue) -> None:
    """Items read before an event would be stale."""
    queue.want([wish(pending_items=ITEMS)], now=NOW)
    queue.want([wish(pending_items=())], now=NOW)
    queue.want([wish("cus_2", pending_items=ITEMS)], now=NOW)
    queue.want([wish("cus_2")], now=NOW)
    first, second = claimed(queue)
    assert first.wanted.pending_items == ()
    assert second.wanted.pending_items is None


def test_one_batch_may_want_a_customer_twice(queue: WorkQueue) -> None:
    """A page of events often does."""
    queue.want([wish(due_at=NOW + 5), wish("cus_2"), wish(due_at=NOW, pending_items=ITEMS)], now=NOW)
    first, second = claimed(queue)
    assert (first.wanted, first.requested) == (wish(pending_items=ITEMS), 2)
    assert (second.wanted, second.requested) == (wish("cus_2"), 1)


def test_a_batch_may_be_long_and_want_one_customer_very_often(queue: WorkQueue) -> None:
    """More rows than one statement takes; each wish counts, the last one's pending items stand."""
    often = [wish(due_at=NOW + 2_000 - number, pending_items=()) for number in range(1_500)]
    queue.want([*often, *(wish(f"cus_{number}") for number in range(2, 12_000)), wish(due_at=NOW - 1)], now=NOW)
    assert queue.depth(now=NOW).due == 11_999
    (first,) = claimed(queue, limit=1)
    assert (first.wanted, first.requested) == (wish(due_at=NOW - 1), 1_501)


def test_wanted_again_while_it_is_examined_it_comes_back_at_the_new_time(queue: WorkQueue) -> None:
    """What the examination read may have been older than the wish."""
    queue.want([wish(due_at=NOW - 100, run="run_1", pending_items=ITEMS)], now=NOW)
    (claim,) = claimed(queue)
    queue.want([wish(due_at=NOW + 60, cause=Cause.COMMAND)], now=NOW)
    queue.want([wish(due_at=NOW + 80)], now=NOW)
    queue.examined(claim, now=NOW + 1)
    assert claimed(queue, at=NOW + 59) == ()
    (again,) = claimed(queue, at=NOW + 60)
    assert again.wanted == wish(due_at=NOW + 60, cause=Cause.COMMAND, run="run_1")
    assert (again.requested, again.attempts) == (3, 1)
    assert again.fence > claim.fence
    queue.examined(again, now=NOW + 61)
    assert queue.left_of("run_1") == 0


def test_postponed_it_keeps_its_place_and_its_attempts(queue: WorkQueue) -> None:
    """Stripe gave no answer."""
    queue.want([wish(run="run_1", pending_items=ITEMS)], now=NOW)
    (claim,) = claimed(queue)
    queue.postpone(claim, until=NOW + 30)
    assert claimed(queue, at=NOW + 29) == ()
    (again,) = claimed(queue, at=NOW + 30, worker="second")
    assert again.wanted == wish(due_at=NOW + 30, run="run_1", pending_items=ITEMS)
    assert (again.attempts, again.requested, again.fence) == (2, 1, claim.fence + 1)


def test_postponed_and_wanted_earlier_it_comes_earlier(queue: WorkQueue) -> None:
    """A wish of a time before it was claimed does not count again."""
    queue.want([wish("cus_1"), wish("cus_2")], now=NOW)
    first, second = claimed(queue)
    queue.want([wish("cus_1", due_at=NOW + 10), wish("cus_2", due_at=NOW + 90)], now=NOW)
    queue.postpone(first, until=NOW + 30)
    queue.postpone(second, until=NOW + 30)
    assert [claim.wanted.due_at for claim in claimed(queue, at=NOW + 90)] == [NOW + 10, NOW + 30]


def test_a_lease_that_ended_frees_the_entry_and_the_old_claim_is_lost(queue: WorkQueue) -> None:
    """The first worker was paused or killed: nothing that it says later counts."""
    queue.want([wish()], now=NOW)
    (lost,) = claimed(queue)
    assert claimed(queue, at=NOW + LEASE_S - 1, worker="second") == ()
    (claim,) = claimed(queue, at=NOW + LEASE_S, worker="second")
    assert (claim.attempts, claim.fence) == (2, lost.fence + 1)
    queue.examined(lost, now=NOW + LEASE_S)
    queue.postpone(lost, until=NOW)
    queue.renew([lost], now=NOW + 10_000, lease_s=LEASE_S)
    assert queue.depth(now=NOW + LEASE_S) == QueueDepth(due=0, waiting=0, claimed=1, oldest_due_at=None)
    assert names(claimed(queue, at=NOW + 2 * LEASE_S, worker="third")) == ["cus_1"]


def test_a_lost_claim_means_no_entry_of_the_same_customer_that_came_later(queue: WorkQueue) -> None:
    """The customer was examined by another worker, left the queue and is wanted anew."""
    queue.want([wish()], now=NOW)
    (lost,) = claimed(queue)
    (claim,) = claimed(queue, at=NOW + LEASE_S, worker="second")
    queue.examined(claim, now=NOW + LEASE_S)
    queue.want([wish()], now=NOW + LEASE_S)
    (newest,) = claimed(queue, at=NOW + LEASE_S, worker="first")
    queue.examined(lost, now=NOW + LEASE_S)
    assert queue.known_to_queue(["cus_1"]) == {"cus_1"}
    queue.examined(newest, now=NOW + LEASE_S)
    assert queue.known_to_queue(["cus_1"]) == frozenset()


def test_a_renewed_lease_lasts_longer(queue: WorkQueue) -> None:
    """As long as the work goes on."""
    queue.want([wish("cus_1"), wish("cus_2")], now=NOW)
    queue.renew(claimed(queue)[:1], now=NOW + 100, lease_s=LEASE_S)
    assert names(claimed(queue, at=NOW + LEASE_S, worker="second")) == ["cus_2"]
    assert names(claimed(queue, at=NOW + 100 + LEASE_S, worker="second")) == ["cus_1"]


def test_the_entries_of_a_worker_that_is_gone_are_free_at_once(queue: WorkQueue) -> None:
    """Nobody waits for the lease of a process that does not exist."""
    queue.want([wish("cus_1"), wish("cus_2"), wish("cus_3", due_at=NOW + 9)], now=NOW)
    claimed(queue, worker="gone", limit=1)
    claimed(queue, worker="lives", limit=1)
    assert queue.end_queue_leases(gone=lambda worker: worker == "gone") == 1
    assert names(claimed(queue)) == ["cus_1"]
    assert queue.end_queue_leases(gone=lambda worker: worker == "gone") == 0


def test_a_worker_lets_go_of_entries_it_knows_nothing_of(queue: WorkQueue) -> None:
    """A claim whose answer was lost; what it has in hand stays, and what others claimed."""
    queue.want([wish("cus_1"), wish("cus_2"), wish("cus_3")], now=NOW)
    claimed(queue, worker="first", limit=2)
    claimed(queue, worker="another", limit=1)
    assert queue.let_go_entries(worker="first", in_hand=["cus_1"]) == 1
    assert names(claimed(queue)) == ["cus_2"]
    assert queue.let_go_entries(worker="first", in_hand=[]) == 2


def test_a_night_takes_what_is_due_and_belongs_to_no_run(queue: WorkQueue) -> None:
    """What is being examined now too: the night ends after it."""
    queue.want([wish("cus_1")], now=NOW)
    (claim,) = claimed(queue)
    queue.want([wish("cus_2"), wish("cus_3", due_at=NOW - 1), wish("cus_4", due_at=NOW + 1)], now=NOW)
    assert queue.assign_due(run="run_1", before=NOW) == 3
    assert queue.assign_due(run="run_1", before=NOW) == 0
    assert queue.left_of("run_1") == 3
    queue.examined(claim, now=NOW)
    assert [(claim.wanted.customer, claim.wanted.run) for claim in claimed(queue, at=NOW + 1)] == [
        ("cus_3", "run_1"),
        ("cus_2", "run_1"),
        ("cus_4", None),
    ]
    assert queue.left_of("run_1") == 2


def test_what_is_put_off_out_of_its_run_is_nobodys(queue: WorkQueue) -> None:
    """What only rests a moment stays."""
    queue.want([wish(run="run_1"), wish("cus_2", run="run_1")], now=NOW)
    first, second = claimed(queue)
    queue.postpone(first, until=NOW + 9, leaves_run=True)
    queue.postpone(second, until=NOW + 9)
    assert [(claim.wanted.customer, claim.wanted.run) for claim in claimed(queue, at=NOW + 9)] == [
        ("cus_1", None),
        ("cus_2", "run_1"),
    ]


def test_a_night_takes_what_a_run_that_ended_left_behind(queue: WorkQueue, ledger: SqlLedger) -> None:
    """What belongs to a run that goes on stays there."""
    for run in ("run_old", "run_on"):
        queue.open_shared(a_run(run), name=run, phase=Phase.WORKING, policy=POLICY)
        queue.want([wish(f"cus_{run}", run=run)], now=NOW)
    queue.end_shared("run_old", status="stopped", summary={}, now=NOW)
    assert queue.assign_due(run="run_1", before=NOW) == 1
    assert [queue.left_of(run) for run in ("run_old", "run_on", "run_1")] == [0, 1, 1]


def test_the_entries_of_a_run_are_counted_by_time_and_by_claim(queue: WorkQueue) -> None:
    """A claim whose lease has ended is no work."""
    queue.want([wish("cus_1", run="run_1"), wish("cus_2", due_at=NOW + 50, run="run_1"), wish("cus_3")], now=NOW)
    assert (queue.left_of("run_1"), queue.left_of("run_1", before=NOW + 50), queue.worked_on("run_1", now=NOW)) == (
        2,
        1,
        0,
    )
    claimed(queue)
    assert (queue.left_of("run_1"), queue.worked_on("run_1", now=NOW)) == (2, 1)
    assert queue.worked_on("run_1", now=NOW + LEASE_S) == 0


def test_the_depth_tells_due_waiting_and_claimed(queue: WorkQueue) -> None:
    """An entry whose lease has ended is due, since the time it was."""
    assert queue.depth(now=NOW) == QueueDepth(due=0, waiting=0, claimed=0, oldest_due_at=None)
    queue.want([wish(f"cus_{at}", due_at=NOW + at) for at in (-50, -40, -30, 70, 5_000)], now=NOW)
    claimed(queue, limit=1)
    assert queue.depth(now=NOW) == QueueDepth(due=2, waiting=2, claimed=1, oldest_due_at=NOW - 40)
    assert queue.depth(now=NOW + LEASE_S) == QueueDepth(due=4, waiting=1, claimed=0, oldest_due_at=NOW - 50)


def test_many_are_looked_up_at_once(queue: WorkQueue) -> None:
    """A sweep asks for pages of customers."""
    queue.want([wish(f"cus_{number}") for number in range(0, 5_000, 2)], now=NOW)
    known = queue.known_to_queue([f"cus_{number}" for number in range(5_000)])
    assert known == {f"cus_{number}" for number in range(0, 5_000, 2)}


def test_nothing_is_wanted_by_an_empty_batch(queue: WorkQueue) -> None:
    """Nor renewed."""
    queue.want([], now=NOW)
    queue.renew([], now=NOW, lease_s=LEASE_S)
    assert queue.known_to_queue([]) == frozenset()
