"""Leases, the halt, counters and notices."""

import json

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.halts import Halt
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import read
from tests.adapters.queue.examples import NOW, notice

DAY_S = 24 * 3600


def test_one_holder_has_a_lease_until_it_ends_or_is_dropped(queue: WorkQueue) -> None:
    """The holder renews it; another name is another lease."""
    assert queue.take_lease("night", holder="a", now=NOW, lease_s=60)
    assert not queue.take_lease("night", holder="b", now=NOW + 59, lease_s=60)
    assert queue.take_lease("beat", holder="b", now=NOW, lease_s=60)
    assert queue.take_lease("night", holder="a", now=NOW + 59, lease_s=60)
    assert not queue.take_lease("night", holder="b", now=NOW + 118, lease_s=60)
    assert queue.take_lease("night", holder="b", now=NOW + 119, lease_s=60)
    assert not queue.take_lease("night", holder="a", now=NOW + 120, lease_s=60)
    queue.drop_lease("night", holder="a")
    assert not queue.take_lease("night", holder="a", now=NOW + 120, lease_s=60)
    queue.drop_lease("night", holder="b")
    assert queue.take_lease("night", holder="a", now=NOW + 120, lease_s=60)


def test_a_halt_stands_until_somebody_ends_it_and_the_trail_tells_of_both(queue: WorkQueue, ledger: SqlLedger) -> None:
    """The first halt is kept; nothing is recorded of what changed nothing."""
    assert queue.halted() is None
    assert not queue.unhalt(by="ann", now=NOW)
    assert queue.halt(reason="wrong policy", by="ann", now=NOW)
    assert not queue.halt(reason="me too", by="bob", now=NOW + 1)
    assert queue.halted() == Halt(reason="wrong policy", by="ann", at=NOW)
    assert queue.unhalt(by="bob", now=NOW + 2)
    assert queue.halted() is None
    told = read(
        ledger, "SELECT at, kind, body FROM audit_entries WHERE kind IN ('halted', 'unhalted') ORDER BY sequence"
    )
    assert [(at, kind, json.loads(body)) for at, kind, body in told] == [
        (NOW, "halted", {"halt": {"reason": "wrong policy", "halted_by": "ann", "halted_at": NOW}}),
        (NOW + 2, "unhalted", {"halt": {"ended_by": "bob", "ended_at": NOW + 2}}),
    ]
    assert queue.halt(reason="again", by="ann", now=NOW + 3)
    assert ledger.verify().ok


def test_counts_add_up(queue: WorkQueue) -> None:
    """By name and labels."""
    queue.add_counts({})
    assert queue.counts() == {}
    queue.add_counts({("cases", '{"outcome":"refunded"}'): 2, ("cases", '{"outcome":"held"}'): 1})
    queue.add_counts({("cases", '{"outcome":"refunded"}'): 40, ("runs", "{}"): 1})
    assert queue.counts() == {
        ("cases", '{"outcome":"refunded"}'): 42,
        ("cases", '{"outcome":"held"}'): 1,
        ("runs", "{}"): 1,
    }


def test_a_notice_is_put_once_and_sent_once(queue: WorkQueue) -> None:
    """Its key says what it is about."""
    assert queue.notify(notice(), now=NOW)
    assert not queue.notify(notice(), now=NOW)
    assert queue.claim_notices(now=NOW, lease_s=60, limit=9) == (notice(),)
    assert queue.claim_notices(now=NOW + 59, lease_s=60, limit=9) == ()
    queue.notice_sent(notice().key, now=NOW + 60)
    assert queue.claim_notices(now=NOW + 61, lease_s=60, limit=9) == ()
    assert not queue.notify(notice(), now=NOW + 61)


def test_a_notice_whose_sender_died_is_claimed_again(queue: WorkQueue) -> None:
    """After its lease; oldest first, no more than asked for."""
    for number, key in enumerate("cab"):
        queue.notify(notice(key), now=NOW + number)
    assert [told.key for told in queue.claim_notices(now=NOW + 5, lease_s=60, limit=2)] == ["c", "a"]
    assert [told.key for told in queue.claim_notices(now=NOW + 6, lease_s=60, limit=2)] == ["b"]
    assert [told.key for told in queue.claim_notices(now=NOW + 66, lease_s=60, limit=9)] == ["a", "c", "b"]


def test_a_notice_that_fails_is_tried_again_for_a_day(queue: WorkQueue) -> None:
    """Then it is stale."""
    queue.notify(notice(), now=NOW)
    queue.claim_notices(now=NOW, lease_s=60, limit=9)
    queue.notice_failed(notice().key, until=NOW + 300)
    assert queue.claim_notices(now=NOW + 299, lease_s=60, limit=9) == ()
    assert queue.claim_notices(now=NOW + 300, lease_s=60, limit=9) == (notice(),)
    queue.notice_failed(notice().key, until=NOW + DAY_S - 1)
    assert queue.claim_notices(now=NOW + DAY_S - 1, lease_s=60, limit=9) == (notice(),)
    queue.notice_failed(notice().key, until=NOW + DAY_S)
    assert queue.claim_notices(now=NOW + DAY_S, lease_s=60, limit=9) == ()
