"""The audit trail of a case, read as a story: which entries, in which order, with which amounts."""

from sqlalchemy import select

from refund_worker.adapters.ledger.tables import audit_entries
from tests.crash.scenes import dispute_newest
from tests.usecases.stage import REFUND, RESERVE, Stage, at
from tests.worlds import night, recovered, resume


def _story(stage: Stage) -> list[str]:
    """Each entry: its kind, and its amount where it has one."""
    columns = (audit_entries.c.kind, audit_entries.c.amount_minor)
    with stage.ledger._database.reading() as connection:
        rows = connection.execute(select(*columns).order_by(audit_entries.c.sequence)).all()
    return [kind if amount is None else f"{kind} {amount}" for kind, amount in rows]


def test_the_story_of_a_case_that_is_refunded() -> None:
    """Intent before send, send before answer, each step in turn."""
    stage = Stage.of("one_charge")
    night(stage.world())
    assert _story(stage) == [
        "ledger_bound",
        "run_started",
        "run_weighed",
        "case_opened 5000",
        "step_intended 5000",
        "step_sent 5000",
        "step_accepted 5000",
        "cover_recorded 5000",
        "case_moved",
        "step_intended 5000",
        "step_sent 5000",
        "step_accepted 5000",
        "case_moved",
        "case_closed",
        "run_finished",
    ]


def test_the_story_of_a_charge_that_refuses_and_a_part_given_back() -> None:
    """The refusal, the next charges, the give-back."""
    stage = Stage.of("three_charges")
    night(stage.world(meet=at(RESERVE, "before", lambda: dispute_newest(stage.sandbox))))
    assert _story(stage)[3:-1] == [
        "case_opened 26998",
        "step_intended 26998",
        "step_sent 26998",
        "step_accepted 26998",
        "cover_recorded 26998",
        "case_moved",
        "step_intended 10000",
        "step_sent 10000",
        "step_refused 10000",
        "step_intended 10000",
        "step_sent 10000",
        "step_accepted 10000",
        "step_intended 10000",
        "step_sent 10000",
        "step_accepted 10000",
        "case_moved",
        "step_intended 6998",
        "step_sent 6998",
        "step_accepted 6998",
        "case_closed",
    ]


def test_the_story_of_a_killed_process_and_its_successor() -> None:
    """The claim that was taken over stands between the two sends of one attempt."""
    stage = Stage.of("one_charge")
    stage.kill_at(REFUND, "before")
    resume(stage.world("next"))
    told = _story(stage)
    assert told[told.index("case_claimed") - 3 : -1] == [
        "step_intended 5000",
        "step_sent 5000",
        "run_started",
        "case_claimed",
        "step_sent 5000",
        "step_accepted 5000",
        "case_moved",
        "case_closed",
    ]


def test_the_story_of_a_refund_that_failed_later() -> None:
    """The orphan is adopted, the refund found failed, the re-credit intended, sent and accepted."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    stage.hours_pass(72)
    stage.sandbox.control.turn_refund(stage.book.refunds[0].refund, "failed")
    before = len(stage.trail())
    recovered(stage.world("mends"))
    assert _story(stage)[before:] == [
        "run_started",
        "orphan_adopted",
        "step_found 5000",
        "step_intended 5000",
        "step_sent 5000",
        "step_accepted 5000",
        "case_closed",
        "run_finished",
    ]


def test_a_second_night_tells_of_nothing_but_itself() -> None:
    """An unchanged account writes no entry but the run's."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    before = len(stage.trail())
    night(stage.world("second"))
    assert _story(stage)[before:] == ["run_started", "run_weighed", "run_finished"]
