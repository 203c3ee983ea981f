"""Pending items of an ended subscription: credited, deleted, refunded."""

from refund_worker.sandbox import Sandbox
from tests.crash import judge
from tests.crash.scenes import DAY_S, subscribed
from tests.usecases.stage import Stage
from tests.worlds import night


def ended(*, price: int = 10_000) -> Stage:
    """A customer who cancelled with `prorate` and without `invoice_now`: the credit is pending, the balance zero."""
    sandbox = Sandbox(seed=7, renewals=False)
    _, subscription = subscribed(sandbox, price=price)
    sandbox.clock.advance(15 * DAY_S)
    sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True})
    return Stage(sandbox)


def test_an_ended_subscriptions_items_are_credited_deleted_and_refunded() -> None:
    stage = ended()
    assert stage.money == (0, 0)

    result = night(stage.world())

    assert [(str(one.outcome), one.reason, one.refundable_minor) for one in result.cases] == [("refunded", None, 5_000)]
    assert [(one.step, one.amount_minor) for one in result.cases[0].movements] == [
        ("credit_items", -5_000),
        ("reserve", 5_000),
    ]
    assert stage.sandbox.get("/v1/invoiceitems", {"pending": True})["data"] == []
    assert stage.money == (0, 5_000)
    assert judge.double_refunds(stage.book) == []
    assert stage.ledger.live_cases() == ()
    assert stage.ledger.verify().ok
