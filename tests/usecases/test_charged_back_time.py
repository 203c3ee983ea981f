"""Credit for time whose payment the bank took back does not go out over the payment of another month."""

import pytest

from refund_worker.sandbox import Sandbox
from tests.crash.item_scenes import cancel_pending
from tests.crash.scenes import DAY_S, cancel, subscribed
from tests.usecases.stage import Stage
from tests.worlds import night


@pytest.mark.parametrize("end", [cancel, cancel_pending])
@pytest.mark.parametrize(
    ("status", "refunded"),
    [
        (None, True),
        ("won", True),
        ("warning_needs_response", True),
        ("needs_response", True),
        ("lost", False),
    ],
)
def test_the_credited_months_payment_is_disputed(end: object, status: str | None, refunded: bool) -> None:
    """Two months were paid; the second payment is disputed, then the subscription ends within that month.

    While a dispute is open its charge is passed over, and another one takes the credit.
    """
    sandbox = Sandbox(seed=7)
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(40 * DAY_S)
    newest, _ = sandbox.get("/v1/charges")["data"]
    if status is not None:
        sandbox.control.dispute(newest["id"], status=status)
    assert callable(end)
    end(sandbox, subscription)
    (case,) = night(Stage(sandbox).world()).cases
    if refunded:
        assert (str(case.outcome), case.refunded_minor) == ("refunded", case.credit_minor)
        return
    assert (str(case.outcome), case.reason, case.refunded_minor) == ("held", "credited_invoice_unpaid", 0)
    assert sandbox.books()[0].refunded == 0


@pytest.mark.parametrize("status", ["needs_response", "lost"])
def test_an_older_payments_dispute_keeps_nothing_back(status: str) -> None:
    sandbox = Sandbox(seed=7)
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(40 * DAY_S)
    _, oldest = sandbox.get("/v1/charges")["data"]
    sandbox.control.dispute(oldest["id"], status=status)
    cancel(sandbox, subscription)
    (case,) = night(Stage(sandbox).world()).cases
    assert (str(case.outcome), case.refunded_minor) == ("refunded", case.credit_minor)
