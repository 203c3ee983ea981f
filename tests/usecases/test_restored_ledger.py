"""Rule TAKEN_OVER_READS_THE_MARK: an older copy of the ledger goes on, and refunds nothing that was settled since."""

import pytest

from refund_worker.domain.cases import Outcome
from refund_worker.domain.queueing import Cause
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.want_customer import want_customer
from tests.crash.restoring import copy_of, ledger_of
from tests.crash.stops import Call
from tests.usecases.stage import GIVE_BACK, HOUR_S, REFUND, REFUNDS, RESERVE, Killed, Stage, at, die
from tests.usecases.working import work
from tests.worlds import night, resume


def _restored(stage: Stage, *, copied: tuple[str, str], killed: tuple[str, str] | None = None) -> list[str]:
    """Live a night, a copy made on the way; put it back. Returns the writes to Stripe until then."""
    copies: list[bytes] = []
    copying = at(*copied, lambda: copies.append(copy_of(stage.ledger)))
    killing = at(*killed, die) if killed else None

    def meet(call: Call, phase: str) -> None:
        copying(call, phase)
        if killing is not None:
            killing(call, phase)

    try:
        night(stage.world("first", meet=meet))
    except Killed:
        assert killed is not None
    stage.gone.add("first")
    stage.ledger = ledger_of(copies[0])
    return stage.writes


@pytest.mark.parametrize("copied", [(RESERVE, "after"), (REFUND, "asked"), (REFUND, "before")])
def test_what_was_given_back_since_is_not_refunded(copied: tuple[str, str]) -> None:
    """The charge refused once, and would accept now: the copy does not know that the credit is back."""
    stage = Stage.of("one_charge")
    stage.refuse(REFUNDS, code="charge_disputed")
    writes = _restored(stage, copied=copied)

    result = resume(stage.world("again"))

    assert stage.writes == writes
    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.SKIPPED, Reason.CLOSED_BY_MARK)]
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("copied", [(RESERVE, "before"), (RESERVE, "after"), (REFUND, "before"), (REFUND, "after")])
def test_refunds_that_the_copy_does_not_know_are_adopted(copied: tuple[str, str]) -> None:
    """All three were made: the copy learns of them by their marks and sends nothing."""
    stage = Stage.of("three_charges")
    writes = _restored(stage, copied=copied)

    resume(stage.world("again"))

    assert [path for path in stage.writes if path == REFUNDS] == [path for path in writes if path == REFUNDS]
    assert {step.name for step in stage.case.steps if step.stands} >= {"refund:1", "refund:2", "refund:3"}
    stage.check_at_rest(balance=0, refunded=26_998)


def test_a_refusal_that_was_forgotten_is_not_asked_again_where_less_is_left() -> None:
    """The newest charge refused, the two others were refunded; sent again it would pay more than was reserved."""
    stage = Stage.of("three_charges")
    stage.refuse(REFUNDS, code="charge_disputed")
    _restored(stage, copied=(REFUND, "before"), killed=(GIVE_BACK, "before"))
    assert stage.money == (0, 20_000)

    resume(stage.world("again"))

    stage.check_at_rest(balance=-6_998, refunded=20_000)


def test_what_was_not_refunded_yet_is_refunded_once() -> None:
    """Within the time in which a plan is fresh the copy goes on where Stripe, not the copy, says it had come."""
    stage = Stage.of("three_charges")
    _restored(stage, copied=(RESERVE, "after"), killed=("stripe.create_refund refund:2", "after"))

    resume(stage.world("again"))

    stage.check_at_rest(balance=0, refunded=26_998)
    assert sorted(charge.refunded for charge in stage.book.charges) == [6_998, 10_000, 10_000]


def test_a_worker_mends_what_its_ledger_forgot_whole() -> None:
    """The copy is older than the case: its reserve is given back once it can be nobody's, then refunded anew."""
    stage = Stage.of("three_charges")
    empty = copy_of(stage.ledger)
    stage.kill_at(REFUND, "after")
    stage.ledger = ledger_of(empty)
    worker = stage.world("worker")
    want_customer(worker, customer=stage.book.customer, cause=Cause.EVENT)

    work(worker)
    assert stage.money == (0, 10_000)
    stage.hours_pass(24)
    work(worker)
    stage.check_at_rest(balance=-16_998, refunded=10_000)
    stage.hours_pass(1)
    work(worker)

    stage.check_at_rest(balance=0, refunded=26_998)
    assert sorted(charge.refunded for charge in stage.book.charges) == [6_998, 10_000, 10_000]
    assert worker.queue.depth(now=worker.clock.now() + 10 * 24 * HOUR_S).due == 0


def test_a_key_that_only_plans_mends_nothing() -> None:
    """A give-back is a write too."""
    stage = Stage.of("one_charge")
    empty = copy_of(stage.ledger)
    stage.kill_at(RESERVE, "after")
    stage.ledger = ledger_of(empty)
    stage.hours_pass(25)
    worker, writes = stage.world("worker"), stage.writes
    want_customer(worker, customer=stage.book.customer, cause=Cause.EVENT)

    work(worker, mode=RunMode.PLAN)

    assert stage.writes == writes


def test_a_mark_that_somebody_copied_is_left_to_a_person() -> None:
    """A debit by hand that bears the mark of a closed case: no worker undoes what a person did."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    (reserve,) = (one for one in stage.book.balance_transactions if one.amount > 0)
    stage.sandbox.post(
        f"/v1/customers/{stage.book.customer}/balance_transactions",
        {"amount": 700, "currency": "usd", "metadata": dict(reserve.metadata)},
    )
    stage.hours_pass(25)
    worker = stage.world("worker")
    want_customer(worker, customer=stage.book.customer, cause=Cause.EVENT)

    work(worker)

    assert stage.money == (700, 5_000)
