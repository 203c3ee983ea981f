"""The watch list follows the refunds' status, in the transaction that records it."""

from contextlib import suppress

import pytest

from refund_worker.adapters.ledger import LedgerMisused, SqlLedger
from refund_worker.domain.cases import Outcome, State
from refund_worker.domain.refund_watch import WatchedRefund
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import NOW, Way, a_case, a_plan, a_step, opened, read

REFUND = WatchedRefund(
    refund="re_1",
    case="case_1",
    step="refund:1",
    attempt=1,
    customer="cus_1",
    currency="usd",
    amount_minor=1_000,
    status="pending",
    since=NOW + 1,
)


@pytest.fixture
def way(queue: WorkQueue, ledger: SqlLedger) -> Way:
    """A case that is reserved and whose refund is pending."""
    way = Way(ledger=ledger, claim=opened(ledger))
    way.accepted(a_step("reserve"), stripe_id="cbtxn_1")
    way.accepted(a_step("refund:1"), stripe_id="re_1", status="pending")
    return way


def _confirmed(way: Way, status: str, *, step: str = "refund:1") -> bool:
    with way.ledger.writing() as writer:
        return writer.confirmed(case="case_1", step=step, attempt=1, status=status, now=NOW + 50)


def _found(way: Way, status: str) -> None:
    with way.ledger.writing() as writer:
        writer.found(
            way.claim, step="refund:1", attempt=1, stripe_id="re_1", status=status, ending_balance_minor=None, now=NOW
        )


def _status(way: Way) -> str | None:
    case = way.ledger.case("case_1")
    assert case is not None
    return case.steps[1].status


def test_a_pending_refund_is_watched_until_it_succeeds(way: Way, queue: WorkQueue) -> None:
    """Also when its case is closed."""
    assert list(queue.watched_refunds()) == [REFUND]
    way.move(State.CLOSED, outcome=Outcome.REFUNDED)
    assert _confirmed(way, "succeeded")
    assert _status(way) == "succeeded"
    assert list(queue.watched_refunds()) == []
    told = read(way.ledger, "SELECT case_id, customer, amount_minor, currency, run, body FROM audit_entries"
                            " WHERE kind = 'refund_confirmed'")  # fmt: skip
    assert told == [
        ("case_1", "cus_1", 1_000, "usd", "run_1", '{"step":{"attempt":1,"status":"succeeded","step":"refund:1"}}')
    ]
    assert way.ledger.verify().ok


def test_a_refund_that_succeeded_at_once_is_not_watched(queue: WorkQueue, ledger: SqlLedger) -> None:
    """Nor is a reserve."""
    Way(ledger=ledger, claim=opened(ledger)).refunded()
    assert list(queue.watched_refunds()) == []


def test_another_open_status_is_recorded_and_stays_watched_since_then(way: Way, queue: WorkQueue) -> None:
    """requires_action and back."""
    assert _confirmed(way, "requires_action")
    (watched,) = queue.watched_refunds()
    assert (watched.status, watched.since) == ("requires_action", NOW + 1)
    assert not _confirmed(way, "requires_action")
    assert _confirmed(way, "pending")
    assert list(queue.watched_refunds()) == [REFUND]
    assert way.ledger.verify().ok


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_failure_is_found_under_a_claim_not_confirmed(way: Way, queue: WorkQueue, status: str) -> None:
    """What failed is re-credited by whoever records it; and nothing un-fails."""
    assert not _confirmed(way, status)
    assert (_status(way), list(queue.watched_refunds())) == ("pending", [REFUND])
    _found(way, status)
    assert list(queue.watched_refunds()) == []
    assert not _confirmed(way, "succeeded")
    assert _status(way) == status
    assert way.ledger.verify().ok


def test_a_late_look_does_not_take_a_success_back(way: Way, queue: WorkQueue) -> None:
    """Two looked at once; the slower one saw it pending."""
    _confirmed(way, "succeeded")
    assert not _confirmed(way, "pending")
    assert (_status(way), list(queue.watched_refunds())) == ("succeeded", [])


def test_a_refund_found_by_its_mark_is_watched(queue: WorkQueue, ledger: SqlLedger) -> None:
    """Its send had no answer."""
    way = Way(ledger=ledger, claim=opened(ledger))
    way.accepted(a_step("reserve"), stripe_id="cbtxn_1")
    way.sent(a_step("refund:1"))
    assert list(queue.watched_refunds()) == []
    _found(way, "pending")
    assert [(refund.refund, refund.since) for refund in queue.watched_refunds()] == [("re_1", NOW)]
    _found(way, "succeeded")
    assert list(queue.watched_refunds()) == []


def test_a_transaction_that_is_undone_leaves_the_list_as_it_was(way: Way, queue: WorkQueue) -> None:
    """Status and list are one fact."""
    with suppress(ZeroDivisionError), way.ledger.writing() as writer:
        writer.confirmed(case="case_1", step="refund:1", attempt=1, status="succeeded", now=NOW)
        raise ZeroDivisionError
    assert list(queue.watched_refunds()) == [REFUND]


def test_only_refunds_that_exist_are_confirmed(way: Way) -> None:
    """A reserve has no status; a step that is not there is a bug."""
    assert not _confirmed(way, "succeeded", step="reserve")
    with pytest.raises(LedgerMisused, match="refund:9"):
        _confirmed(way, "succeeded", step="refund:9")


def test_refunds_are_looked_at_when_they_are_due(way: Way, queue: WorkQueue) -> None:
    """The first time after a quarter of an hour; put off, later."""
    assert queue.due_refunds(now=NOW + 1 + 899, limit=9) == ()
    assert queue.due_refunds(now=NOW + 1 + 900, limit=9) == (REFUND,)
    queue.look_again("re_1", at=NOW + 5_000)
    assert queue.due_refunds(now=NOW + 4_999, limit=9) == ()
    assert queue.due_refunds(now=NOW + 5_000, limit=9) == (REFUND,)
    assert queue.due_refunds(now=NOW + 5_000, limit=0) == ()


def test_a_refund_tells_its_case_whatever_became_of_it(way: Way, queue: WorkQueue) -> None:
    """An event names the refund only. What is not ours is nobody's."""
    assert queue.refund_of("re_1") == ("case_1", "refund:1", 1)
    _found(way, "failed")
    assert queue.refund_of("re_1") == ("case_1", "refund:1", 1)
    assert queue.refund_of("re_of_the_dashboard") is None


def test_a_long_list_is_read_whole_oldest_first(queue: WorkQueue, ledger: SqlLedger) -> None:
    """Page by page; of one second by id."""
    for number in range(210):
        case = f"case_{number:03}"
        way = Way(ledger=ledger, claim=opened(ledger, a_case(case, plan=a_plan(f"cus_{number:03}"))))
        way.accepted(
            a_step("refund:1", case=case), stripe_id=f"re_{number:03}", status="pending", now=NOW - number // 2
        )
    listed = [(refund.since, refund.refund) for refund in queue.watched_refunds()]
    assert len(listed) == 210
    assert listed == sorted(listed)


def test_a_refund_is_put_back_onto_the_list_and_taken_off(way: Way, queue: WorkQueue) -> None:
    """Its failure is known, and waits for a claim on its case."""
    _confirmed(way, "succeeded")
    queue.watch_again(REFUND, at=NOW + 60)
    queue.watch_again(REFUND, at=NOW + 90)
    assert queue.due_refunds(now=NOW + 89, limit=9) == ()
    assert queue.due_refunds(now=NOW + 90, limit=9) == (REFUND,)
    queue.unwatch("re_1")
    queue.unwatch("re_1")
    assert list(queue.watched_refunds()) == []
