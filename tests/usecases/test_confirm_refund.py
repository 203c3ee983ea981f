"""What becomes of a refund: read again, recorded, re-credited once when it failed - whoever asks, however often."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Outcome, State
from refund_worker.domain.counting import CENTS, counter
from refund_worker.domain.notices import NoticeKind
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import Cause
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.confirm_refund import Confirmation, confirm_due_refunds, confirm_refund
from refund_worker.usecases.mend_orphans import Finding
from refund_worker.usecases.poll_events import begin_watermark, poll_events
from tests.crash import judge
from tests.usecases.stage import GIVE_BACK, REFUND, REFUNDS, Fault, Killed, Stage, at, die
from tests.worlds import night, recovered, resume

RECREDIT = "stripe.create_movement recredit:1"


def _refunded(scene: str = "one_charge", *, status: str = "succeeded") -> tuple[Stage, str]:
    """A night that refunded; the newest refund stands with this status."""
    stage = Stage.of(scene)
    stage.sandbox.control.next_refund(status=status)
    night(stage.world("first"))
    return stage, stage.book.refunds[0].refund


def _confirm(stage: Stage, refund: str, name: str = "confirms", mode: RunMode = RunMode.RUN) -> Confirmation:
    return confirm_refund(stage.world(name), refund=refund, mode=mode).confirmation


def _watched(stage: Stage) -> list[tuple[str, str]]:
    return [(one.refund, one.status) for one in stage.ledger.queue.watched_refunds()]


def _recredits(stage: Stage) -> list[tuple[int, str | None]]:
    return [
        (move.amount, move.metadata.get("refund_worker_refund"))
        for move in stage.book.balance_transactions
        if move.metadata.get("refund_worker_step", "").startswith("recredit")
    ]


def _status(stage: Stage) -> str | None:
    return next(step.status for step in stage.case.steps if step.kind == "refund")


@pytest.mark.parametrize("first", ["pending", "requires_action"])
def test_a_refund_that_succeeds_later_is_recorded_and_watched_no_more(first: str) -> None:
    """The trail tells when it was learned; nothing moves."""
    stage, refund = _refunded(status=first)
    assert _watched(stage) == [(refund, first)]
    writes = len(stage.writes)
    assert _confirm(stage, refund) is Confirmation.UNCHANGED
    stage.sandbox.control.turn_refund(refund, "succeeded")
    assert _confirm(stage, refund) is Confirmation.RECORDED
    assert _confirm(stage, refund) is Confirmation.UNCHANGED
    assert (_status(stage), _watched(stage), len(stage.writes)) == ("succeeded", [], writes)
    assert stage.trail().count("refund_confirmed") == 1
    stage.check_at_rest(balance=0, refunded=5_000)


@pytest.mark.parametrize("last", ["failed", "canceled"])
@pytest.mark.parametrize("first", ["pending", "requires_action", "succeeded"])
def test_a_refund_that_fails_later_is_recredited_once_linked_and_told_of(first: str, last: str) -> None:
    """By the second event, the watch list and `recover` nothing more happens."""
    stage, refund = _refunded(status=first)
    stage.hours_pass(3)
    stage.sandbox.control.turn_refund(refund, last)

    assert _confirm(stage, refund) is Confirmation.RECREDITED

    assert _recredits(stage) == [(-5_000, refund)]
    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.REFUND_FAILED)
    assert (_status(stage), _watched(stage)) == (last, [])
    assert _confirm(stage, refund, "again") is Confirmation.UNCHANGED
    stage.hours_pass(48)
    assert confirm_due_refunds(stage.world("later"), limit=10) == ()
    assert recovered(stage.world("recover")).found == []
    assert _recredits(stage) == [(-5_000, refund)]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_the_customer_is_wanted_people_are_told_and_the_cents_are_counted() -> None:
    """Once each; the message names no customer."""
    stage, refund = _refunded()
    stage.sandbox.control.turn_refund(refund, "failed")
    _confirm(stage, refund)
    _confirm(stage, refund, "again")
    now = stage.sandbox.clock.now
    (claimed,) = stage.ledger.queue.claim_wanted(worker="w", now=now + 60, lease_s=60, limit=10)
    assert (claimed.wanted.customer, claimed.wanted.cause) == (stage.book.customer, Cause.REFUND_FAILED)
    (notice,) = stage.ledger.queue.claim_notices(now=now, lease_s=60, limit=10)
    assert (notice.key, notice.kind) == (f"refund_failed:{refund}", NoticeKind.REFUND_FAILED)
    assert "50.00 USD" in notice.body
    assert stage.book.customer not in notice.title + notice.body
    assert stage.ledger.queue.counts()[counter(CENTS, currency="usd", kind="recredited")] == 5_000


def test_the_lots_come_back_and_the_next_night_refunds_over_another_charge() -> None:
    """Not over the charge that failed: it rests for 30 days."""
    stage, refund = _refunded("three_charges")
    lots = stage.case.plan.lots
    failed_charge = stage.book.refunds[0].charge
    stage.sandbox.control.turn_refund(refund, "failed")
    _confirm(stage, refund)
    stage.check_at_rest(balance=-10_000, refunded=16_998)

    night(stage.world("second"))

    assert [lot.transaction for lot in stage.case.plan.lots] == [lot.transaction for lot in lots]
    assert failed_charge not in {candidate.charge for candidate in stage.case.plan.candidates}
    stage.check_at_rest(balance=-6_998, refunded=20_000)
    for number in range(3):
        stage.hours_pass(24)
        night(stage.world(f"night{number}"))
    assert len(stage.cases) == 2
    stage.hours_pass(27 * 24)
    night(stage.world("a month later"))
    stage.check_at_rest(balance=0, refunded=26_998)


def test_a_refund_that_fails_at_once_is_not_tried_again_every_night() -> None:
    """The same charge is asked once in 30 days."""
    stage = Stage.of("one_charge")
    for _ in range(40):
        stage.sandbox.control.next_refund(status="failed")
    for number in range(40):
        night(stage.world(f"night{number}"))
        stage.hours_pass(24)
    assert len([path for path in stage.writes if path == REFUNDS]) == 2
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_refund_of_another_deployment_or_by_hand_is_not_ours() -> None:
    """Nothing is read of it, nothing written."""
    stage, refund = _refunded()
    other = replace(stage.world("other"), ledger=(ledger := SqlLedger.open("sqlite://")), queue=ledger.queue)
    calls = len(stage.sandbox.request_log)
    assert confirm_refund(other, refund=refund).confirmation is Confirmation.NOT_OURS
    assert confirm_refund(stage.world("ours"), refund="re_nobody").confirmation is Confirmation.NOT_OURS
    assert [entry.path for entry in list(stage.sandbox.request_log)[calls:]] == ["/v1/account"]


def test_with_a_live_key_that_may_move_nothing_nothing_is_recredited() -> None:
    """It stays on the watch list until it may."""
    stage, refund = _refunded()
    stage.sandbox.control.turn_refund(refund, "failed")
    writes = len(stage.writes)
    assert _confirm(stage, refund, mode=RunMode.PLAN) is Confirmation.PLAN_ONLY
    assert (len(stage.writes), [one for one, _ in _watched(stage)]) == (writes, [refund])
    stage.hours_pass(1)
    (confirmed,) = confirm_due_refunds(stage.world("may"), limit=10)
    assert confirmed.confirmation is Confirmation.RECREDITED
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_customer_deleted_before_its_refund_failed_is_owed() -> None:
    """The credit cannot be given back: a person pays by hand."""
    stage, refund = _refunded()
    stage.sandbox.delete(f"/v1/customers/{stage.book.customer}")
    stage.sandbox.control.turn_refund(refund, "failed")
    assert _confirm(stage, refund) is Confirmation.OWED
    assert (stage.case.state, stage.case.reason) == (State.OWED, Reason.CREDIT_OWED)
    assert _confirm(stage, refund, "again") is Confirmation.UNCHANGED
    assert _recredits(stage) == []
    assert stage.ledger.verify().ok


def test_a_refund_that_fails_while_its_case_is_live_is_recredited_when_the_case_is_closed() -> None:
    """A live case goes its own way; the refund waits on the watch list, also one that had succeeded."""
    stage = Stage.of("three_charges")
    said: list[Confirmation] = []

    def fail() -> None:
        refund = stage.book.refunds[0].refund
        stage.sandbox.control.turn_refund(refund, "failed")
        said.append(_confirm(stage, refund))

    night(stage.world("first", meet=at("stripe.create_refund refund:2", "before", fail)))

    assert said == [Confirmation.LIVE]
    now = stage.sandbox.clock.now
    assert stage.ledger.queue.claim_notices(now=now, lease_s=0, limit=10) == ()  # nothing went back to the credit yet
    stage.hours_pass(0.05)
    (confirmed,) = confirm_due_refunds(stage.world("later"), limit=10)
    assert confirmed.confirmation is Confirmation.RECREDITED
    stage.check_at_rest(balance=-10_000, refunded=16_998)
    assert confirm_due_refunds(stage.world("later still"), limit=10) == ()
    assert _watched(stage) == []


def test_a_refund_that_fails_before_a_give_back_is_found_by_it() -> None:
    """The give-back reads the mark's rest; the watch list finds nothing left to return."""
    stage = Stage.of("three_charges")
    stage.refuse(REFUNDS, code="charge_disputed", nth=2)
    said: list[Confirmation] = []

    def fail() -> None:
        refund = stage.book.refunds[0].refund
        stage.sandbox.control.turn_refund(refund, "failed")
        said.append(_confirm(stage, refund))

    night(stage.world("first", meet=at(GIVE_BACK, "asked", fail)))
    stage.hours_pass(0.05)
    confirm_due_refunds(stage.world("later"), limit=10)

    assert said == [Confirmation.LIVE]
    assert (sum(amount for amount, _ in _recredits(stage)), len(_recredits(stage))) == (-10_000, 1)
    assert _watched(stage) == []
    assert judge.losses(stage.sandbox) == []
    assert stage.ledger.verify().ok


@pytest.mark.parametrize("phase", ["asked", "before", "lost", "after"])
def test_a_worker_killed_at_the_recredit_leaves_one_recredit(phase: str) -> None:
    """The case is live: whoever resumes it finishes it, and wants the customer."""
    stage, refund = _refunded()
    stage.sandbox.control.turn_refund(refund, "failed")
    with pytest.raises(Killed):
        confirm_refund(stage.world("dies", meet=at(RECREDIT, phase, die)), refund=refund)
    stage.gone.add("dies")
    assert _confirm(stage, refund, "meanwhile") is Confirmation.LIVE
    resume(stage.world("resumes"))
    assert _confirm(stage, refund, "again") is Confirmation.UNCHANGED
    assert _recredits(stage) == [(-5_000, refund)]
    assert _watched(stage) == []
    stage.check_at_rest(balance=-5_000, refunded=0)


@pytest.mark.parametrize("phase", ["before", "lost", "after"])
def test_another_deployment_that_recovers_meanwhile_and_we_recredit_once(phase: str) -> None:
    """Its `recover` finds the rest of our mark a day later; the key admits one of us."""
    stage, refund = _refunded()
    stage.hours_pass(25)
    stage.sandbox.control.turn_refund(refund, "failed")
    ledger = SqlLedger.open("sqlite://")

    def theirs() -> None:
        other = replace(stage.world("theirs"), ledger=ledger, queue=ledger.queue)
        recovered(other)
        resume(other)

    confirm_refund(stage.world("ours", meet=at(RECREDIT, phase, theirs)), refund=refund)
    resume(stage.world("ours later"))

    assert [amount for amount, _ in _recredits(stage)] == [-5_000]
    assert ledger.live_cases() == ()
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_recover_of_the_same_ledger_leaves_the_adopted_case_alone() -> None:
    """It is live then."""
    stage, refund = _refunded()
    stage.hours_pass(25)
    stage.sandbox.control.turn_refund(refund, "failed")
    found: list[Finding] = []

    def recover() -> None:
        found.extend(one.finding for one in recovered(stage.world("recovers")).found)

    confirm_refund(stage.world("confirms", meet=at(RECREDIT, "before", recover)), refund=refund)
    assert found == [Finding.LIVE]
    assert _recredits(stage) == [(-5_000, refund)]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_two_threads_that_hear_of_it_at_once_recredit_once() -> None:
    """A webhook and the watch list, on one ledger."""
    for _ in range(10):
        stage, refund = _refunded()
        stage.sandbox.control.turn_refund(refund, "failed")
        with ThreadPoolExecutor(max_workers=3) as pool:
            said = list(pool.map(partial(_confirm, stage, refund), ["w1", "w2", "w3"]))
        assert Confirmation.RECREDITED in said
        assert _recredits(stage) == [(-5_000, refund)]
        stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_worker_paused_beyond_its_lease_at_the_recredit_sends_nothing() -> None:
    """Another worker resumed the case meanwhile."""
    stage, refund = _refunded()
    stage.sandbox.control.turn_refund(refund, "failed")

    def overtaken() -> None:
        stage.sandbox.clock.advance(LEASE_S + 1)
        resume(stage.world("other"))

    posts = len(stage.writes)
    confirm_refund(stage.world("paused", meet=at(RECREDIT, "asked", overtaken)), refund=refund)
    assert len(stage.writes) == posts + 1
    assert _recredits(stage) == [(-5_000, refund)]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_lost_ledger_knows_nothing_of_the_refund_and_recover_mends_it() -> None:
    """What the watch list forgot is found by the mark's rest."""
    stage, refund = _refunded()
    stage.lose_ledger()
    stage.hours_pass(25)
    stage.sandbox.control.turn_refund(refund, "failed")
    assert _confirm(stage, refund) is Confirmation.NOT_OURS
    assert [one.finding for one in recovered(stage.world("recovers")).found] == [Finding.GIVEN_BACK]
    assert _confirm(stage, refund, "again") is Confirmation.UNCHANGED
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_a_refund_that_cannot_be_read_does_not_keep_the_others_waiting() -> None:
    """It is looked at again a quarter of an hour later."""
    stage = Stage.of("three_charges")
    for _ in range(3):
        stage.sandbox.control.next_refund(status="pending")
    night(stage.world("first"))
    stage.hours_pass(1)
    first = stage.book.refunds[0].refund
    for refund in stage.book.refunds:
        stage.sandbox.control.turn_refund(refund.refund, "succeeded")
    stage.sandbox.faults.add(Fault(kind="malformed_body", method="GET", path=f"/v1/refunds/{first}", times=0))
    said = {one.refund: one.confirmation for one in confirm_due_refunds(stage.world("confirms"), limit=10)}
    assert [said.pop(first), *said.values()] == [Confirmation.UNREADABLE, *[Confirmation.RECORDED] * 2]
    assert _watched(stage) == [(first, "pending")]
    stage.sandbox.faults.clear()
    stage.hours_pass(0.25)
    (confirmed,) = confirm_due_refunds(stage.world("again"), limit=10)
    assert confirmed.confirmation is Confirmation.RECORDED


def test_a_failure_told_before_the_refunds_own_answer_is_recorded_is_not_lost() -> None:
    """The event comes once, and names a refund that nobody here knows yet; its answer says that it succeeded."""
    stage = Stage.of("one_charge")
    others = stage.world("others")
    begin_watermark(others)
    left: list[int] = []

    def fails_at_once() -> None:
        stage.sandbox.control.turn_refund(stage.book.refunds[0].refund, "failed")
        poll_events(others)
        absorb_events(others, mode=RunMode.RUN)
        left.append(len(others.queue.unabsorbed(limit=100)))

    night(stage.world("first", meet=at(REFUND, "after", fails_at_once)))
    assert left[0] > 0
    assert _status(stage) == "succeeded"
    absorb_events(others, mode=RunMode.RUN)
    assert others.queue.unabsorbed(limit=100) == ()
    assert [amount for amount, _ in _recredits(stage)] == [-5_000]
    stage.check_at_rest(balance=-5_000, refunded=0)
