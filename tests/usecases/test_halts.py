"""A halt, a lease that ends, a day that passes - all while a send waits its turn: what the last look keeps back."""

import pytest

from refund_worker.domain.cases import Outcome, State
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import Cause
from refund_worker.domain.reasons import Reason
from refund_worker.usecases.confirm_refund import Confirmation, confirm_refund
from tests.usecases.stage import GIVE_BACK, HOUR_S, REFUND, REFUNDS, RESERVE, Stage, at
from tests.worlds import night, resume


def _halt(stage: Stage) -> None:
    assert stage.ledger.queue.halt(reason="a wrong policy", by="ann", now=stage.sandbox.clock.now)


def _unhalt(stage: Stage) -> None:
    assert stage.ledger.queue.unhalt(by="ann", now=stage.sandbox.clock.now)


def _sends(stage: Stage, step: str) -> list[str | None]:
    return [send.answer and str(send.answer) for one in stage.case.steps if one.name == step for send in one.sends]


def _wanted(stage: Stage) -> list[tuple[str, Cause]]:
    now = stage.sandbox.clock.now
    claims = stage.ledger.queue.claim_wanted(worker="asks", now=now + 61, lease_s=0, limit=10)
    return [(claim.wanted.customer, claim.wanted.cause) for claim in claims]


def _movements(stage: Stage) -> list[int]:
    return [move.amount for move in stage.book.balance_transactions]


def test_a_reserve_that_waits_when_the_halt_falls_is_not_sent() -> None:
    """Its send is answered, the case closed, the customer wanted again; after the halt it is refunded."""
    stage = Stage.of("one_charge")
    night(stage.world(meet=at(RESERVE, "asked", lambda: _halt(stage))))
    assert _movements(stage) == [-5_000]
    assert _sends(stage, "reserve") == ["nothing_happened"]
    assert stage.attempts() == [("reserve", 1, "refused", "never_sent")]
    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.HALTED)
    assert _wanted(stage) == [(stage.book.customer, Cause.AGAIN)]
    _unhalt(stage)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_what_is_reserved_when_the_halt_falls_is_given_back() -> None:
    """No refund of the case was sent."""
    stage = Stage.of("three_charges")
    night(stage.world(meet=at(REFUND, "asked", lambda: _halt(stage))))
    assert _movements(stage) == [-26_998, 26_998, -26_998]
    assert _sends(stage, "refund:1") == ["nothing_happened"]
    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.HALTED)
    assert _wanted(stage) == [(stage.book.customer, Cause.AGAIN)]
    stage.check_at_rest(balance=-26_998, refunded=0)
    _unhalt(stage)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=26_998)


@pytest.mark.parametrize("place", [(REFUND, "before"), (REFUND, "after"), ("stripe.create_refund refund:2", "asked")])
def test_a_case_whose_refund_was_sent_is_finished_during_the_halt(place: tuple[str, str]) -> None:
    """The customer is not left with half of it."""
    stage = Stage.of("three_charges")
    night(stage.world(meet=at(*place, lambda: _halt(stage))))
    stage.check_at_rest(balance=0, refunded=26_998)
    assert stage.case.outcome is Outcome.REFUNDED


def test_a_give_back_goes_out_during_the_halt() -> None:
    """It returns what is the customer's."""
    stage = Stage.of("one_charge")
    stage.refuse(REFUNDS, code="charge_disputed")
    night(stage.world(meet=at(GIVE_BACK, "asked", lambda: _halt(stage))))
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_recredit_goes_out_during_the_halt() -> None:
    """The same."""
    stage = Stage.of("one_charge")
    night(stage.world())
    (refund,) = stage.book.refunds
    stage.sandbox.control.turn_refund(refund.refund, "failed")
    _halt(stage)
    assert confirm_refund(stage.world("c"), refund=refund.refund).confirmation is Confirmation.RECREDITED
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_reserve_without_an_answer_is_looked_for_and_not_sent_again(arrived: bool) -> None:
    """Found it is given back; absent, the case stays live until the halt is lifted or its keys are pruned."""
    stage = Stage.of("one_charge")

    stage.kill_at(RESERVE, "lost" if arrived else "before")
    _halt(stage)
    writes = len(stage.writes)

    result = resume(stage.world("halted"))

    if arrived:
        stage.check_at_rest(balance=-5_000, refunded=0)
        assert stage.case.reason is Reason.HALTED
        return
    assert len(stage.writes) == writes
    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.UNKNOWN, Reason.HALTED)]
    _unhalt(stage)
    resume(stage.world("lifted"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_a_reserve_without_an_answer_is_given_up_after_24_hours_of_halt() -> None:
    """Its mark is nowhere, and its keys are gone."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "before")
    _halt(stage)
    resume(stage.world("halted"))
    stage.hours_pass(24)
    resume(stage.world("a day later"))
    assert (stage.case.state, stage.case.reason) == (State.CLOSED, Reason.CLOSED_BY_MARK)
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize(("call", "step"), [(RESERVE, "reserve"), (REFUND, "refund:1")])
def test_a_lease_that_ends_while_a_send_waits_keeps_it_back_and_the_send_is_answered(call: str, step: str) -> None:
    """Nobody took the case over, so that the ledger can still be told."""
    stage = Stage.of("one_charge")
    writes: list[int] = []

    def wait() -> None:
        writes.append(len(stage.writes))
        stage.sandbox.clock.advance(300)

    night(stage.world(meet=at(call, "asked", wait)))

    assert len(stage.writes) == writes[0]
    assert _sends(stage, step) == ["nothing_happened"]
    assert stage.case.live
    resume(stage.world("next"))
    stage.check_at_rest(balance=0, refunded=5_000)


@pytest.mark.parametrize("call", [RESERVE, REFUND])
def test_a_claim_that_was_ended_too_early_sends_nothing_though_its_lease_goes_on(call: str) -> None:
    """Another worker thought it dead, or has a clock that is ahead: the newest claim counts."""
    stage = Stage.of("one_charge")
    sent: list[str] = []

    def overtaken() -> None:
        now = stage.sandbox.clock.now
        assert stage.ledger.end_lease(stage.case.id, gone=lambda _: True)
        claim = stage.ledger.claim(stage.case.id, worker="other", now=now, lease_s=LEASE_S)
        assert claim is not None
        sent.extend(stage.writes)

    night(stage.world("paused", meet=at(call, "asked", overtaken)))

    assert stage.writes == sent
    stage.gone.add("other")
    resume(stage.world("later"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_a_refund_that_waits_past_the_20_hours_is_not_sent() -> None:
    """A claim that was taken just before them."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.sandbox.clock.advance(20 * HOUR_S - 60)
    writes: list[int] = []

    def wait() -> None:
        writes.append(len(stage.writes))
        stage.sandbox.clock.advance(120)

    resume(stage.world("next", meet=at(REFUND, "asked", wait)))

    assert len(stage.writes) == writes[0]
    assert _sends(stage, "refund:1") == [None, "nothing_happened"]
    assert (stage.case.live, stage.case.reason) == (True, Reason.ANSWER_UNKNOWN)
    stage.hours_pass(4)
    resume(stage.world("later"))
    stage.check_at_rest(balance=-5_000, refunded=0)
