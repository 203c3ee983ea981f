"""Two workers on one ledger, two deployments, leases that end, claims that are lost, and bugs."""

from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.transaction import LedgerMisused
from refund_worker.domain.cases import Outcome, SendAnswer, StepState
from refund_worker.domain.errors import OutcomeUnknown
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.reasons import Reason
from refund_worker.entrypoints.exits import Exit, exit_of_run
from refund_worker.usecases.run_night import RunResult
from tests.usecases.stage import GIVE_BACK, HOUR_S, REFUND, RESERVE, Killed, Stage, at, die
from tests.worlds import night, recovered, resume


def _told(result: RunResult) -> list[tuple[str, str | None]]:
    return [(str(case.outcome), None if case.reason is None else str(case.reason)) for case in result.cases]


@pytest.mark.parametrize("moment", [RESERVE, REFUND])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_second_worker_on_one_ledger_leaves_a_live_case_alone(moment: str, phase: str) -> None:
    """Rule ONE_LIVE_CASE: it is skipped as case_live, and one case pays."""
    stage = Stage.of("one_charge")
    customer = stage.book.customer
    told: list[tuple[str, str | None]] = []
    night(stage.world("first", meet=at(moment, phase, lambda: told.extend(_told(night(stage.world("2nd"), customer))))))
    assert told == [("skipped", "case_live")]
    assert len(stage.cases) == 1
    stage.check_at_rest(balance=0, refunded=5_000)


def test_a_second_worker_that_opens_its_case_first_wins() -> None:
    """Both have planned; the unique index lets one of them open a case."""
    stage = Stage.of("one_charge")
    second = stage.world("second")
    told = _told(
        night(stage.world("first", meet=at("stripe.customer_balance_transactions", "after", lambda: night(second))))
    )
    assert told in (
        [("skipped", "case_live")],
        [("skipped", "credit_gone")],
        [("skipped", "no_refundable_credit")],
    ) or told in ([("skipped", "credit_moved")], [("skipped", "plan_stale")])
    stage.check_at_rest(balance=0, refunded=5_000)


@pytest.mark.parametrize("moment", ["stripe.customer_balance_transactions", RESERVE, REFUND])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_of_two_deployments_one_pays(moment: str, phase: str) -> None:
    """Two ledgers that know nothing of each other: Stripe's balance ledger is the arbiter."""
    stage = Stage.of("credit_used_meanwhile")
    other = SqlLedger.open("sqlite://")

    def theirs() -> None:
        night(replace(stage.world("theirs"), ledger=other))

    night(stage.world("ours", meet=at(moment, phase, theirs)))

    stage.check_at_rest(balance=-2_000, refunded=5_000)
    assert other.live_cases() == ()
    assert other.verify().ok


def test_two_deployments_with_all_three_charges_pay_once() -> None:
    """The other one runs in the middle of our refunds."""
    stage = Stage.of("three_charges")
    other = SqlLedger.open("sqlite://")
    meet = at("stripe.create_refund refund:2", "before", lambda: night(replace(stage.world("theirs"), ledger=other)))
    night(stage.world("ours", meet=meet))
    stage.check_at_rest(balance=0, refunded=26_998)


def test_a_lease_that_ends_before_the_send_sends_nothing() -> None:
    """Rule CLAIM_YOUNGER_THAN_LEASE: the pause is between the intent's commit and the send."""
    stage = Stage.of("one_charge")
    told = _told(
        night(stage.world("slow", meet=at("ledger.case", "after", lambda: stage.sandbox.clock.advance(LEASE_S))))
    )
    assert stage.writes == []
    assert stage.money == (-5_000, 0)
    assert [outcome for outcome, _ in told] == ["unknown"]
    resume(stage.world("next"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_a_claim_a_second_younger_than_its_lease_sends() -> None:
    """The lease ends at its last second, not before."""
    stage = Stage.of("one_charge")
    night(stage.world("slow", meet=at("ledger.case", "after", lambda: stage.sandbox.clock.advance(LEASE_S - 1))))
    assert stage.writes != []


@pytest.mark.parametrize("moment", [RESERVE, REFUND, GIVE_BACK])
@pytest.mark.parametrize("phase", ["before", "lost", "after"])
def test_a_worker_that_was_overtaken_writes_nothing_of_the_case(moment: str, phase: str) -> None:
    """ClaimLost: the trail holds nothing of the case after the second worker ended it."""
    stage = Stage.of("one_charge")
    if moment == GIVE_BACK:
        stage.refuse("/v1/refunds", code="charge_disputed")
    ended: list[int] = []

    def overtaken() -> None:
        stage.sandbox.clock.advance(LEASE_S)
        resume(stage.world("second"))
        assert not stage.case.live
        ended.append(len(stage.trail()))
        if phase == "lost":
            raise OutcomeUnknown(message="the answer was lost")

    told = _told(night(stage.world("first", meet=at(moment, phase, overtaken))))

    assert stage.trail()[ended[0] :] == ["run_finished"]
    stage.check_at_rest(balance=-5_000 if moment == GIVE_BACK else 0, refunded=0 if moment == GIVE_BACK else 5_000)
    assert [outcome for outcome, _ in told] == ["skipped" if moment == GIVE_BACK else "refunded"]


def test_a_claim_that_is_held_is_not_taken_before_its_lease_ends() -> None:
    """A second worker resumes nothing until then."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.gone.clear()
    assert resume(stage.world("second")).cases == []
    stage.sandbox.clock.advance(LEASE_S)
    assert _told(resume(stage.world("third"))) == [("refunded", None)]
    stage.check_at_rest(balance=0, refunded=5_000)


class _BrokenError(Exception):
    """A bug."""


def _break() -> None:
    raise _BrokenError("nobody thought of this")


@pytest.mark.parametrize(
    ("moment", "money"),
    [(RESERVE, (-5_000, 0)), (REFUND, (0, 0)), ("stripe.create_refund refund:2", (0, 10_000))],
)
def test_a_bug_inside_a_case_fails_it_with_its_traceback_and_resume_finishes_it(
    moment: str, money: tuple[int, int]
) -> None:
    """It stays live; the run goes on; exit code 1."""
    stage = Stage.of("three_charges" if money == (0, 10_000) else "one_charge")

    result = night(stage.world("buggy", meet=at(moment, "before", _break)))

    (case,) = result.cases
    assert (case.outcome, case.reason) == (Outcome.FAILED, Reason.BUG)
    assert case.detail is not None
    assert "_break" in case.detail
    assert "nobody thought of this" in case.detail
    assert exit_of_run(result) is Exit.FOUND
    assert stage.money == money
    assert stage.case.live
    assert _told(resume(stage.world("next"))) == [("refunded", None)]
    stage.check_at_rest(balance=0, refunded=26_998 if money == (0, 10_000) else 5_000)


def test_a_bug_before_a_case_is_open_leaves_the_credit_where_it_is() -> None:
    """Nothing was reserved, nothing is live."""
    stage = Stage.of("one_charge")
    result = night(stage.world("buggy", meet=at("stripe.charges", "before", _break)))
    assert _told(result) == [("failed", "bug")]
    assert stage.writes == []
    assert stage.ledger.live_cases() == ()


def test_a_bug_of_a_worker_that_was_overtaken_does_not_touch_the_others_claim() -> None:
    """The second worker has the case, and still has it after the first one broke."""
    stage = Stage.of("three_charges")
    seen: list[int] = []

    def overtaken() -> None:
        stage.sandbox.clock.advance(LEASE_S)
        with pytest.raises(Killed):
            resume(stage.world("second", meet=at("stripe.create_refund refund:2", "before", die)))
        seen.append(len(stage.trail()))
        _break()

    (case,) = night(stage.world("first", meet=at(REFUND, "before", overtaken))).cases

    assert (case.outcome, case.reason) == (Outcome.FAILED, Reason.BUG)
    assert case.detail is not None
    assert "nobody thought of this" in case.detail
    assert stage.trail()[seen[0] :] == ["run_finished"]
    assert resume(stage.world("third")).cases == []
    stage.sandbox.clock.advance(LEASE_S)
    resume(stage.world("fourth"))
    stage.check_at_rest(balance=0, refunded=26_998)


def test_a_worker_that_recovers_leaves_a_live_case_of_the_same_ledger_alone() -> None:
    """An orphan is a rest without a live case."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.sandbox.clock.advance(30 * HOUR_S)
    writes = len(stage.writes)
    assert [str(one.finding) for one in recovered(stage.world("recover")).found] == ["live"]
    assert len(stage.writes) == writes


def test_a_claim_cannot_answer_for_the_send_of_another() -> None:
    """The killed worker's send stays open; its successor has sent nothing yet."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.sandbox.clock.advance(LEASE_S)
    now = stage.sandbox.clock.now
    claim = stage.ledger.claim(stage.case.id, worker="second", now=now, lease_s=LEASE_S)
    assert claim is not None
    with pytest.raises(LedgerMisused, match="no open send of this claim"), stage.ledger.writing() as writer:
        writer.answered(
            claim, step="refund:1", attempt=1, answer=SendAnswer.REFUSED, state=StepState.REFUSED, now=now, code="x"
        )
    assert stage.attempts()[1] == ("refund:1", 1, "intended", None)
