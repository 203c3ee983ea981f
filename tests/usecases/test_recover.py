"""`recover`: refunds that fail later, debits that gave too much, orphans of others; what is read, what is left."""

from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Outcome
from refund_worker.domain.reasons import Reason
from refund_worker.usecases.mend_orphans import Finding
from refund_worker.usecases.recover import RecoverResult
from tests.crash import judge
from tests.usecases.stage import REFUND, RESERVE, Fault, Stage
from tests.worlds import night, recovered


def _findings(result: RecoverResult) -> list[tuple[Finding, int]]:
    return [(one.finding, one.rest_minor) for one in result.found]


def _recredits(stage: Stage) -> list[tuple[int, str | None]]:
    """Amount (Stripe's sign) and the refund it stands for."""
    moves = stage.book.balance_transactions
    return [
        (move.amount, move.metadata.get("refund_worker_refund"))
        for move in moves
        if move.metadata.get("refund_worker_step", "").startswith("recredit")
    ]


def _failed_later(scene: str, *, refund: int = 0, status: str = "failed") -> tuple[Stage, str]:
    stage = Stage.of(scene)
    night(stage.world("first"))
    stage.hours_pass(72)
    failed = stage.book.refunds[refund].refund
    stage.sandbox.control.turn_refund(failed, status)
    return stage, failed


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_fails_later_is_recredited_once_and_linked(status: str, full: bool) -> None:
    """Rule FAILED_REFUND_IS_RECREDITED; the second recover finds nothing; then the customer is planned anew."""
    stage, failed = _failed_later("one_charge", status=status)
    assert stage.money == (0, 0)

    assert _findings(recovered(stage.world("mends"), full=full)) == [(Finding.GIVEN_BACK, 5_000)]

    assert _recredits(stage) == [(-5_000, failed)]
    stage.check_at_rest(balance=-5_000, refunded=0)
    assert _findings(recovered(stage.world("again"), full=full)) == []
    assert _recredits(stage) == [(-5_000, failed)]
    night(stage.world("night"))
    stage.check_at_rest(balance=-5_000, refunded=0)
    stage.hours_pass(27 * 24)
    night(stage.world("a month later"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_the_case_of_a_refund_that_failed_later_says_what_it_has_become() -> None:
    """Re-opened by the mark's case id, and closed with what stands."""
    stage, _ = _failed_later("three_charges", refund=1)
    (found,) = recovered(stage.world("mends")).found
    assert found.result is not None
    assert (found.result.outcome, found.result.refunded_minor) == (Outcome.PARTLY_REFUNDED, 16_998)
    assert [movement.step for movement in found.result.movements] == ["reserve", "recredit:1"]
    stage.check_at_rest(balance=-10_000, refunded=16_998)
    night(stage.world("night"))
    stage.check_at_rest(balance=-6_998, refunded=20_000)
    stage.hours_pass(27 * 24)
    night(stage.world("a month later"))
    stage.check_at_rest(balance=0, refunded=26_998)


def test_two_refunds_that_fail_later_are_two_recredits() -> None:
    """Each is linked to its refund."""
    stage, first = _failed_later("three_charges", refund=0)
    second = stage.book.refunds[2].refund
    stage.sandbox.control.turn_refund(second, "failed")
    recovered(stage.world("mends"))
    assert sorted(_recredits(stage), key=str) == sorted([(-10_000, first), (-6_998, second)], key=str)
    stage.check_at_rest(balance=-16_998, refunded=10_000)


def test_a_failed_refund_is_left_alone_until_its_debit_is_24_hours_old() -> None:
    """A reservation of today may be somebody's live case."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    debited_at = stage.sandbox.clock.now
    stage.sandbox.control.turn_refund(stage.book.refunds[0].refund, "failed")
    stage.hours_pass(23.5)
    (found,) = recovered(stage.world("early"), full=False).found
    assert (found.finding, found.at) == (Finding.TOO_YOUNG, debited_at + 24 * 3_600)
    assert _recredits(stage) == []
    stage.hours_pass(0.5)
    assert _findings(recovered(stage.world("mends"), full=False)) == [(Finding.GIVEN_BACK, 5_000)]


def test_a_pending_refund_that_fails_later_is_recredited_too() -> None:
    """It counted as refunded while it was pending."""
    stage = Stage.of("one_charge")
    stage.sandbox.control.next_refund(status="pending")
    night(stage.world("first"))
    stage.hours_pass(48)
    assert _findings(recovered(stage.world("early"))) == []
    stage.sandbox.control.turn_refund(stage.book.refunds[0].refund, "failed")
    recovered(stage.world("mends"))
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("full", [True, False])
def test_a_mark_with_a_negative_rest_is_reported_and_never_debited(full: bool) -> None:
    """More went out than was reserved: a person must look."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    (refund,) = stage.book.refunds
    stage.sandbox.post("/v1/refunds", {"charge": refund.charge, "amount": 1_000, "metadata": dict(refund.metadata)})
    stage.hours_pass(48)
    writes = len(stage.writes)

    (found,) = recovered(stage.world("finds"), full=full).found

    assert (found.finding, found.rest_minor) == (Finding.NEGATIVE, -1_000)
    assert len(stage.writes) == writes
    assert stage.book.balance == 0


def test_a_customer_with_a_negative_rest_is_held() -> None:
    """New credit of that customer does not leave before a person has looked."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    (refund,) = stage.book.refunds
    stage.sandbox.post("/v1/refunds", {"charge": refund.charge, "amount": 1_000, "metadata": dict(refund.metadata)})
    stage.sandbox.build.movement(stage.book.customer, amount=-700, kind="adjustment")
    result = night(stage.world("next"), stage.book.customer)
    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.HELD, Reason.OVERDRAWN_RESERVATION)]


@pytest.mark.parametrize("full", [True, False])
def test_an_orphan_of_a_dead_deployment_is_given_back_once(full: bool) -> None:
    """Two deployments recover one after the other: the second finds nothing."""
    stage = Stage.of("three_charges")
    stage.kill_at(REFUND, "after")
    stage.lose_ledger()
    stage.hours_pass(24)
    assert _findings(recovered(stage.world("a"), full=full)) == [(Finding.GIVEN_BACK, 16_998)]
    other = replace(stage.world("b"), ledger=SqlLedger.open("sqlite://"))
    assert _findings(recovered(other, full=full)) == []
    stage.check_at_rest(balance=-16_998, refunded=10_000)


def test_without_full_only_customers_of_30_days_of_events_are_read() -> None:
    """Stripe keeps events for 30 days; `--full` reads everybody."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "after")
    stage.lose_ledger()
    stage.hours_pass(31 * 24)
    assert recovered(stage.world("events"), full=False).customers_read == 0
    assert stage.money == (0, 0)
    result = recovered(stage.world("full"), full=True)
    assert (result.customers_read, _findings(result)) == (1, [(Finding.GIVEN_BACK, 5_000)])
    assert judge.losses(stage.sandbox) == []


def test_a_customer_that_cannot_be_read_is_named_and_the_others_are_mended() -> None:
    """Nothing is swallowed: the result names it with its error."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "after")
    stage.lose_ledger()
    stage.hours_pass(24)
    stage.sandbox.post("/v1/customers", {})
    stage.sandbox.faults.add(
        _unreadable(f"/v1/customers/{stage.book.customer}/balance_transactions"),
    )
    result = recovered(stage.world("recover"))
    assert list(result.unreadable) == [stage.book.customer]
    assert result.customers_read == 2
    stage.sandbox.faults.clear()
    assert _findings(recovered(stage.world("again"))) == [(Finding.GIVEN_BACK, 5_000)]


def _unreadable(path: str) -> Fault:
    return Fault(kind="malformed_body", method="GET", path=path, times=0)
