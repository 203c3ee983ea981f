"""Give-backs: answers lost, keys used by others, customers deleted; at most the mark's rest, by whomever."""

from contextlib import suppress
from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Outcome, State
from refund_worker.domain.reasons import Reason
from refund_worker.entrypoints.exits import Exit, exit_of_run
from refund_worker.usecases.mend_orphans import Finding
from tests.adapters.gateways import freely
from tests.crash.stops import lost_answer
from tests.usecases.stage import GIVE_BACK, MOVEMENTS, REFUND, REFUNDS, Killed, Stage, at, die
from tests.worlds import gateway, night, recovered, resume


def _lose() -> None:
    raise lost_answer()


def _refusing() -> Stage:
    """One charge of 100.00 that refuses for good: all of 50.00 must be given back."""
    stage = Stage.of("one_charge")
    stage.refuse(REFUNDS, code="charge_disputed")
    return stage


def _give_backs(stage: Stage) -> list[int]:
    """The amounts given back, oldest first, Stripe's sign."""
    moves = stage.book.balance_transactions
    return [move.amount for move in moves if move.metadata.get("refund_worker_step", "").startswith("give_back")]


@pytest.mark.parametrize("phase", ["before", "lost", "after"])
def test_a_killed_give_back_is_finished_once(phase: str) -> None:
    """Whoever comes next reads the mark's rest first."""
    stage = _refusing()
    stage.kill_at(GIVE_BACK, phase)
    resume(stage.world("next"))
    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("hours", [25, 100])
def test_a_give_back_found_after_its_key_is_pruned_is_not_sent_again(hours: int) -> None:
    """It is looked for at Stripe, not sent on the hope of a replay."""
    stage = _refusing()
    stage.kill_at(GIVE_BACK, "lost")
    stage.hours_pass(hours)
    resume(stage.world("next"))
    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_give_back_whose_answer_was_lost_is_found_at_the_next_look() -> None:
    """Within the same claim."""
    stage = _refusing()
    night(stage.world(meet=at(GIVE_BACK, "lost", _lose)))
    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("executed", [True, False])
def test_a_give_back_behind_a_stored_500_is_found_or_gets_a_new_attempt(executed: bool) -> None:
    """The new attempt comes after two absent looks."""
    stage = _refusing()
    stage.arm("stored_500", MOVEMENTS, nth=2, executed=executed)
    night(stage.world())
    assert _give_backs(stage) == [-5_000]
    keys = [step.key for step in stage.case.steps if step.kind == "give_back" and step.stripe_id]
    assert [key.rpartition(":")[2] for key in keys] == ["1" if executed else "2"]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_give_back_key_names_the_debit_and_what_came_back_so_far() -> None:
    """Rule GIVE_BACK_KEY_IS_COMPARE_AND_SET."""
    stage = _refusing()
    night(stage.world())
    debit, step = stage.case.steps[0].stripe_id, stage.case.steps[-1]
    assert step.key == f"give_back:{debit}:0:1"


def test_the_same_give_back_sent_by_another_is_replayed_to_us() -> None:
    """Somebody with our key and our parameters was first: one movement, and it is ours too."""
    stage = _refusing()

    def another() -> None:
        step = stage.case.steps[-1]
        metadata = step.params["metadata"]
        assert isinstance(metadata, dict)
        gateway(stage.sandbox).create_movement(
            customer=step.target,
            amount_minor=-step.amount_minor,
            currency="usd",
            description=str(step.params["description"]),
            metadata=metadata,
            key=step.key,
            check=freely,
        )

    night(stage.world(meet=at(GIVE_BACK, "before", another)))
    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_give_back_by_another_deployment_makes_ours_a_mismatch_and_we_look_again() -> None:
    """Its recover has another run in the mark: same key, other parameters, 400."""
    stage = _refusing()
    stage.kill_at(GIVE_BACK, "before")
    stage.hours_pass(25)
    other = SqlLedger.open("sqlite://")
    found: list[Finding] = []

    def theirs() -> None:
        world = replace(stage.world("theirs"), ledger=other)
        found.extend(one.finding for one in recovered(world).found)

    resume(stage.world("ours", meet=at(GIVE_BACK, "before", theirs)))

    assert found == [Finding.GIVEN_BACK]
    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)
    assert other.live_cases() == ()


@pytest.mark.parametrize("stored", [True, False])
def test_a_fresh_refusal_of_a_give_back_frees_no_new_key(stored: bool) -> None:
    """Rule GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT: another deployment may be about to send the same key.

    Theirs is paused right before its send; ours is refused, and tries again until it can give back.
    """
    stage = _refusing()
    stage.kill_at(GIVE_BACK, "before")
    stage.hours_pass(25)
    theirs = replace(stage.world("theirs"), ledger=SqlLedger.open("sqlite://"))

    def ours() -> None:
        stage.refuse(MOVEMENTS, code="parameter_invalid", stored=stored)
        for number in range(4):
            resume(stage.world(f"ours{number}"))

    meet = at(GIVE_BACK, "before", ours)
    paused = replace(stage.world("theirs", meet=meet), ledger=theirs.ledger)
    recovered(paused)
    resume(replace(paused, stripe=theirs.stripe))
    resume(stage.world("ours last"))

    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("stored", [True, False])
def test_a_give_back_that_is_refused_once_is_sent_again(stored: bool) -> None:
    """Under its key; where Stripe replays the refusal, under the next attempt's."""
    stage = _refusing()
    stage.refuse(MOVEMENTS, code="parameter_invalid", nth=2, stored=stored)
    night(stage.world())
    stage.check_at_rest(balance=-5_000, refunded=0)
    assert _give_backs(stage) == [-5_000]
    keys = [step.key for step in stage.case.steps if step.kind == "give_back" and step.stripe_id]
    assert [key.rpartition(":")[2] for key in keys] == ["2" if stored else "1"]


def test_a_give_back_that_is_refused_every_time_leaves_the_case_live_until_resume_succeeds() -> None:
    """The customer is short for so long, and it is said."""
    stage = _refusing()
    stage.refuse(MOVEMENTS, code="parameter_invalid", nth=2, times=0)

    result = night(stage.world())

    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.UNKNOWN, Reason.ANSWER_UNKNOWN)]
    assert (stage.case.state, stage.money) == (State.CLOSING, (0, 0))
    stage.sandbox.faults.clear()
    resume(stage.world("next"))
    stage.check_at_rest(balance=-5_000, refunded=0)
    assert _give_backs(stage) == [-5_000]


def test_a_permission_missing_at_the_give_back_leaves_the_case_live_with_its_reason() -> None:
    """Once the key may write again, `resume` gives back."""
    stage = _refusing()
    stage.refuse(MOVEMENTS, status=403, nth=2, times=0)
    result = night(stage.world())
    assert [case.reason for case in result.cases] == [Reason.PERMISSION_MISSING]
    assert stage.case.live
    stage.sandbox.faults.clear()
    resume(stage.world("next"))
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("moment", ["before the refund", "before the give-back"])
def test_a_customer_deleted_after_the_reserve_is_owed_and_the_exit_code_says_so(moment: str) -> None:
    """The credit cannot be given back: a person pays by hand."""
    stage = _refusing()
    customer = stage.book.customer
    meet = at(
        REFUND if moment == "before the refund" else GIVE_BACK,
        "before",
        lambda: stage.sandbox.delete(f"/v1/customers/{customer}"),
    )

    result = night(stage.world(meet=meet))

    assert [(case.outcome, case.reason) for case in result.cases] == [(Outcome.OWED, Reason.CREDIT_OWED)]
    assert exit_of_run(result) is Exit.FOUND
    assert stage.case.state is State.OWED
    assert stage.ledger.live_cases() == ()
    assert stage.money == (0, 0)
    assert stage.ledger.verify().ok


def test_a_customer_deleted_after_the_reserve_still_gets_what_charges_can_take() -> None:
    """A refund needs no customer."""
    stage = Stage.of("one_charge")
    customer = stage.book.customer
    night(stage.world(meet=at(REFUND, "before", lambda: stage.sandbox.delete(f"/v1/customers/{customer}"))))
    stage.check_at_rest(balance=0, refunded=5_000)


def test_a_process_killed_between_two_give_backs_of_one_debit_gives_back_the_sum() -> None:
    """A part was given back by another; the rest follows under the key that names this part."""
    stage = _refusing()
    stage.kill_at(GIVE_BACK, "before")
    debit = stage.case.steps[0].stripe_id
    mark = stage.case.steps[-1].params["metadata"]
    stage.sandbox.post(
        f"/v1/customers/{stage.book.customer}/balance_transactions",
        {"amount": -2_000, "currency": "usd", "metadata": mark},
    )
    resume(stage.world("next"))
    assert _give_backs(stage) == [-2_000, -3_000]
    assert [step.key for step in stage.case.steps][-1] == f"give_back:{debit}:2000:1"
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_program_that_dies_at_every_give_back_gives_back_once() -> None:
    """Five processes in a row, each killed at its send, before or after it."""
    stage = _refusing()
    stage.kill_at(GIVE_BACK, "before")
    for number, phase in enumerate(["before", "before", "lost", "before"]):
        name = f"dies{number}"
        stage.gone.add(name)
        with suppress(Killed):
            resume(stage.world(name, meet=at(GIVE_BACK, phase, die)))
    resume(stage.world("last"))
    assert _give_backs(stage) == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)
