"""One test per recovery point of a reserve and a refund: what is recorded there, and what the next process does."""

import pytest

from refund_worker.domain.cases import Outcome, State
from refund_worker.domain.reasons import Reason
from tests.crash.stops import lost_answer
from tests.usecases.stage import MOVEMENTS, REFUND, REFUNDS, RESERVE, Stage, at
from tests.worlds import night, resume


def _lose() -> None:
    raise lost_answer()


def test_a_reserve_that_was_intended_and_never_sent_is_sent_by_the_next_process() -> None:
    """Recorded: the intent and a send without an answer. The key is the same."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "before")
    assert stage.money == (-5_000, 0)

    resume(stage.world())

    stage.check_at_rest(balance=0, refunded=5_000)
    assert stage.attempts()[0] == ("reserve", 1, "accepted", None)


@pytest.mark.parametrize("fate", ["killed", "lost"])
def test_a_reserve_whose_answer_was_lost_is_sent_again_under_its_key(fate: str) -> None:
    """Stripe replays the stored answer: one debit stands."""
    stage = Stage.of("one_charge")
    if fate == "killed":
        stage.kill_at(RESERVE, "lost")
        resume(stage.world())
    else:
        night(stage.world(meet=at(RESERVE, "lost", _lose)))

    stage.check_at_rest(balance=0, refunded=5_000)
    assert [step.attempt for step in stage.case.steps if step.name == "reserve"] == [1]


@pytest.mark.parametrize("hours", [20, 23.99])
@pytest.mark.parametrize("phase", ["before", "lost"])
@pytest.mark.parametrize("call", [RESERVE, REFUND])
def test_between_20_and_24_hours_nothing_is_sent(call: str, phase: str, hours: float) -> None:
    """The case waits, live and unknown, and says until when; a refund that its mark shows is adopted at once."""
    stage = Stage.of("one_charge")
    stage.kill_at(call, phase)
    stage.hours_pass(hours)
    writes = len(stage.writes)

    result = resume(stage.world())

    assert len(stage.writes) == writes
    if (call, phase) == (REFUND, "lost"):
        stage.check_at_rest(balance=0, refunded=5_000)
        return
    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.UNKNOWN, Reason.ANSWER_UNKNOWN)]
    assert stage.case.live


def test_a_reserve_is_still_sent_a_second_before_20_hours() -> None:
    """Rule SEND_WITHIN_20_HOURS ends at 20 hours, not before."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "before")
    stage.sandbox.clock.advance(20 * 3_600 - 30)
    resume(stage.world())
    assert [move.amount for move in stage.book.balance_transactions] == [-5_000, 5_000, -5_000]
    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.PLAN_STALE)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_after_24_hours_a_reserve_that_is_absent_is_given_up_and_the_customer_planned_anew() -> None:
    """Closed by its mark: nothing was debited."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "before")
    stage.hours_pass(24)

    resume(stage.world())

    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.CLOSED_BY_MARK)
    assert stage.money == (-5_000, 0)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_after_24_hours_a_reserve_that_is_found_is_given_back_and_the_customer_planned_anew() -> None:
    """Found by its mark: it is too late to refund under it."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "lost")
    stage.hours_pass(24)

    resume(stage.world())

    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.TOO_LATE)
    stage.check_at_rest(balance=-5_000, refunded=0)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_a_refund_that_was_intended_and_never_sent_is_sent_by_the_next_process() -> None:
    """Recorded: the reserve accepted and covered, the refund's intent and a send without an answer."""
    stage = Stage.of("three_charges")
    stage.kill_at(REFUND, "before")
    assert stage.money == (0, 0)

    resume(stage.world())

    stage.check_at_rest(balance=0, refunded=26_998)


@pytest.mark.parametrize("fate", ["killed", "lost"])
def test_a_refund_whose_answer_was_lost_is_sent_again_under_its_key(fate: str) -> None:
    """Stripe replays the stored answer: one refund stands."""
    stage = Stage.of("three_charges")
    if fate == "killed":
        stage.kill_at(REFUND, "lost")
        resume(stage.world())
    else:
        night(stage.world(meet=at(REFUND, "lost", _lose)))

    stage.check_at_rest(balance=0, refunded=26_998)
    assert [refund.amount for refund in stage.book.refunds] == [10_000, 10_000, 6_998]


def test_after_24_hours_a_refund_that_is_found_is_adopted() -> None:
    """Its mark tells which step it is; the rest, for which it is too late, is given back and planned anew."""
    stage = Stage.of("three_charges")
    stage.kill_at(REFUND, "lost")
    stage.hours_pass(24)

    resume(stage.world())

    assert (stage.case.outcome, stage.case.reason) == (Outcome.PARTLY_REFUNDED, Reason.TOO_LATE)
    stage.check_at_rest(balance=-16_998, refunded=10_000)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=26_998)


def test_after_24_hours_a_refund_that_is_absent_is_given_up_and_all_is_given_back() -> None:
    """The charge shows no refund with the mark."""
    stage = Stage.of("three_charges")
    stage.kill_at(REFUND, "before")
    stage.hours_pass(24)

    resume(stage.world())

    assert stage.attempts()[1] == ("refund:1", 1, "refused", "absent_by_mark")
    stage.check_at_rest(balance=-26_998, refunded=0)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=26_998)


@pytest.mark.parametrize(("path", "step"), [(MOVEMENTS, "reserve"), (REFUNDS, "refund:1")])
def test_a_stored_500_that_hides_nothing_gets_a_new_attempt_after_two_absent_looks(path: str, step: str) -> None:
    """Rule STORED_500_NEEDS_TWO_ABSENT_LOOKUPS: the looks are 30 seconds apart."""
    stage = Stage.of("one_charge")
    stage.arm("stored_500", path, executed=False)
    began = stage.sandbox.clock.now

    night(stage.world())

    stage.check_at_rest(balance=0, refunded=5_000)
    assert [one for one in stage.attempts() if one[0] == step] == [
        (step, 1, "refused", "absent_after_stored_500"),
        (step, 2, "accepted", None),
    ]
    assert stage.sandbox.clock.now - began >= 30


@pytest.mark.parametrize(("path", "step"), [(MOVEMENTS, "reserve"), (REFUNDS, "refund:1")])
def test_a_stored_500_that_hides_a_write_is_adopted_by_its_mark(path: str, step: str) -> None:
    """No second attempt: the first look finds it."""
    stage = Stage.of("one_charge")
    stage.arm("stored_500", path, executed=True)

    night(stage.world())

    stage.check_at_rest(balance=0, refunded=5_000)
    assert [(name, attempt, state) for name, attempt, state, _ in stage.attempts() if name == step] == [
        (step, 1, "accepted")
    ]


def test_a_stored_500_whose_write_shows_only_at_the_second_look_gets_no_new_attempt() -> None:
    """A lagging list: the write is there 30 seconds later."""
    stage = Stage.of("one_charge")
    stage.arm("stored_500", REFUNDS, executed=False)
    world = stage.world()

    def appear() -> None:
        (refund,) = [step for step in stage.case.steps if step.kind == "refund"]
        stage.sandbox.post(
            "/v1/refunds",
            {"charge": refund.target, "amount": refund.amount_minor, "metadata": refund.params["metadata"]},
        )

    looks: list[str] = []

    def meet(call: object, phase: str) -> None:
        if (getattr(call, "name", ""), phase) == ("stripe.refunds", "after"):
            looks.append("look")
            if len(looks) == 1:
                appear()

    night(stage.world("worker", meet=meet))

    assert world.account.id
    assert len(looks) == 2
    stage.check_at_rest(balance=0, refunded=5_000)
    assert [one[1] for one in stage.attempts() if one[0] == "refund:1"] == [1]


@pytest.mark.parametrize("stored", [True, False])
def test_a_refused_reserve_closes_the_case_and_the_next_night_plans_anew(stored: bool) -> None:
    """Nothing was debited, nothing is given back."""
    stage = Stage.of("one_charge")
    stage.refuse(MOVEMENTS, code="parameter_invalid", stored=stored)

    night(stage.world())

    assert (stage.case.state, stage.case.reason) == (State.CLOSED, Reason.RESERVE_REFUSED)
    stage.check_at_rest(balance=-5_000, refunded=0)
    night(stage.world("again"))
    stage.check_at_rest(balance=0, refunded=5_000)


@pytest.mark.parametrize("stored", [True, False])
def test_a_refused_refund_without_an_earlier_open_send_is_definite(stored: bool) -> None:
    """The next charge takes its part; what no charge can take is given back."""
    stage = Stage.of("three_charges")
    stage.refuse(REFUNDS, code="charge_disputed", stored=stored)

    night(stage.world())

    assert stage.attempts()[1] == ("refund:1", 1, "refused", "charge_disputed")
    assert (stage.case.outcome, stage.case.reason) == (Outcome.PARTLY_REFUNDED, Reason.CHARGES_EXHAUSTED)
    stage.check_at_rest(balance=-6_998, refunded=20_000)


def test_a_refusal_beside_an_earlier_open_send_stays_unknown_until_24_hours_have_passed() -> None:
    """Rule DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND: the paused sender's request may still be carried out."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.refuse(REFUNDS, code="charge_disputed", times=0)

    result = resume(stage.world())

    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.UNKNOWN, Reason.ANSWER_UNKNOWN)]
    assert stage.attempts()[1][:3] == ("refund:1", 1, "unknown")
    assert stage.money == (0, 0)
    stage.hours_pass(24)
    resume(stage.world("later"))
    assert stage.attempts()[1] == ("refund:1", 1, "refused", "absent_by_mark")
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_replayed_refusal_is_definite_whatever_sends_are_open() -> None:
    """It is stored under the key: whoever still sends gets the same answer."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.refuse(REFUNDS, code="charge_disputed", stored=True)

    resume(stage.world())

    assert stage.attempts()[1] == ("refund:1", 1, "refused", "charge_disputed")
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_permission_missing_beside_an_earlier_open_send_is_not_definite_either() -> None:
    """This holds for 401 and 403 too."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    stage.refuse(REFUNDS, status=403, times=0)

    resume(stage.world())

    assert stage.attempts()[1][:3] == ("refund:1", 1, "unknown")
    assert stage.money == (0, 0)


def test_when_nothing_happened_the_same_attempt_is_sent_again() -> None:
    """A lock timeout (429) leaves the attempt intended."""
    stage = Stage.of("one_charge")
    stage.arm("lock_timeout", REFUNDS, times=3)
    night(stage.world())
    stage.check_at_rest(balance=0, refunded=5_000)
    assert [one[1] for one in stage.attempts() if one[0] == "refund:1"] == [1]


def test_after_six_sends_of_a_claim_the_case_waits_for_resume() -> None:
    """SENDS_PER_CLAIM_MAX; the answers are lost every time, the writes are one."""
    stage = Stage.of("one_charge")
    stage.arm("answer_lost", REFUNDS, times=0)
    night(stage.world())
    assert (stage.case.live, stage.case.outcome, stage.case.reason) == (True, Outcome.UNKNOWN, Reason.ANSWER_UNKNOWN)
    assert sum(path == REFUNDS for path in stage.writes) == 7
    stage.sandbox.faults.clear()
    resume(stage.world("later"))
    stage.check_at_rest(balance=0, refunded=5_000)
