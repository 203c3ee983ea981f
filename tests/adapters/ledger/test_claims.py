"""Claims: a fence that only grows, a lease that ends, and nobody who writes with an older one."""

from collections.abc import Callable

import pytest

from refund_worker.adapters.ledger import LedgerMisused, SqlLedger
from refund_worker.domain.cases import Claim, Outcome, SendAnswer, State, StepState
from refund_worker.domain.errors import CaseIsLive, ClaimLost
from refund_worker.domain.reasons import Reason
from refund_worker.ports import LedgerWriter
from tests.adapters.ledger.examples import LEASE_S, NOW, Way, a_case, a_plan, a_step, opened, read, started


def test_a_claim_lasts_as_long_as_its_lease(ledger: SqlLedger) -> None:
    """Nobody else gets it before the lease ends; then the fence grows."""
    started(ledger)
    first = opened(ledger)
    assert first == Claim(case="case_1", worker="first", fence=1, claimed_at=NOW, lease_until=NOW + LEASE_S)
    assert ledger.claim("case_1", worker="second", now=NOW + LEASE_S - 1, lease_s=LEASE_S) is None
    second = ledger.claim("case_1", worker="second", now=NOW + LEASE_S, lease_s=LEASE_S)
    assert second is not None
    assert (second.fence, second.lease_until) == (2, NOW + 2 * LEASE_S)
    case = ledger.case("case_1")
    assert case is not None
    assert case.fence == 2


def test_a_released_claim_is_free_at_once(ledger: SqlLedger) -> None:
    """And its former holder writes no more; a stranger's release does nothing."""
    started(ledger)
    first = opened(ledger)
    ledger.release(first)
    with pytest.raises(ClaimLost), ledger.writing() as writer:
        writer.intend(first, a_step())
    second = ledger.claim("case_1", worker="second", now=NOW + 1, lease_s=LEASE_S)
    assert second is not None
    ledger.release(first)
    assert ledger.claim("case_1", worker="third", now=NOW + 2, lease_s=LEASE_S) is None


def _plans_and_writes(writer: LedgerWriter, write: Callable[[LedgerWriter], None]) -> None:
    writer.plan_only(case="case_p", run="run_1", plan=a_plan(), now=NOW)
    write(writer)


def test_an_older_fence_writes_nothing(ledger: SqlLedger) -> None:
    """Each call with a claim checks the fence, and its transaction is rolled back whole."""
    started(ledger)
    first = opened(ledger)
    Way(ledger=ledger, claim=first).sent(a_step())
    assert ledger.claim("case_1", worker="second", now=NOW + LEASE_S, lease_s=LEASE_S)
    before = read(ledger, "SELECT * FROM steps"), read(ledger, "SELECT * FROM audit_entries")
    late: list[Callable[[LedgerWriter], None]] = [
        lambda writer: writer.intend(first, a_step("refund:1")),
        lambda writer: writer.sending(first, step="reserve", attempt=1, now=NOW),
        lambda writer: writer.answered(
            first,
            step="reserve",
            attempt=1,
            answer=SendAnswer.ACCEPTED,
            state=StepState.ACCEPTED,
            now=NOW,
            stripe_id="cbtxn_1",
        ),
        lambda writer: writer.found(
            first, step="reserve", attempt=1, stripe_id="cbtxn_1", status=None, ending_balance_minor=0, now=NOW
        ),
        lambda writer: writer.given_up(first, step="reserve", attempt=1, code="absent", now=NOW),
        lambda writer: writer.cover(first, covered_minor=1, now=NOW),
        lambda writer: writer.move(first, state=State.CLOSING, outcome=None, reason=None, now=NOW),
        lambda writer: writer.note(first, outcome=Outcome.UNKNOWN, reason=Reason.BUG, detail="", now=NOW),
    ]
    for write in late:
        with pytest.raises(ClaimLost), ledger.writing() as writer:
            _plans_and_writes(writer, write)
    assert (read(ledger, "SELECT * FROM steps"), read(ledger, "SELECT * FROM audit_entries")) == before
    assert read(ledger, "SELECT * FROM plans") == []


def test_nothing_is_sent_after_the_lease(ledger: SqlLedger) -> None:
    """Rule CLAIM_YOUNGER_THAN_LEASE, at the ledger too; an answer that comes late is still recorded."""
    started(ledger)
    claim = opened(ledger)
    Way(ledger=ledger, claim=claim).sent(a_step(), now=NOW + LEASE_S - 1)
    with pytest.raises(ClaimLost, match="lease"), ledger.writing() as writer:
        writer.sending(claim, step="reserve", attempt=1, now=NOW + LEASE_S)
    with ledger.writing() as writer:
        writer.answered(
            claim,
            step="reserve",
            attempt=1,
            answer=SendAnswer.REFUSED,
            state=StepState.REFUSED,
            now=NOW + LEASE_S + 5,
            code="lock_timeout",
        )
    case = ledger.case("case_1")
    assert case is not None
    assert (case.steps[0].state, case.steps[0].code) == (StepState.REFUSED, "lock_timeout")


def test_an_answer_is_the_answer_to_ones_own_send(ledger: SqlLedger) -> None:
    """The send of an earlier claim stays open: it may still be on its way."""
    started(ledger)
    Way(ledger=ledger, claim=opened(ledger)).sent(a_step())
    second = ledger.claim("case_1", worker="second", now=NOW + LEASE_S, lease_s=LEASE_S)
    assert second is not None
    with ledger.writing() as writer:
        writer.sending(second, step="reserve", attempt=1, now=NOW + LEASE_S)
        writer.answered(
            second, step="reserve", attempt=1, answer=SendAnswer.REFUSED, state=StepState.UNKNOWN, now=NOW + LEASE_S
        )
    case = ledger.case("case_1")
    assert case is not None
    assert [(send.fence, send.answer) for send in case.steps[0].sends] == [(1, None), (2, SendAnswer.REFUSED)]


def test_nobody_answers_for_an_earlier_claim(ledger: SqlLedger) -> None:
    """Without a send of its own a claim has nothing to answer, though one is open."""
    started(ledger)
    Way(ledger=ledger, claim=opened(ledger)).sent(a_step())
    second = ledger.claim("case_1", worker="second", now=NOW + LEASE_S, lease_s=LEASE_S)
    assert second is not None
    with pytest.raises(LedgerMisused, match="no open send of this claim"), ledger.writing() as writer:
        writer.answered(
            second, step="reserve", attempt=1, answer=SendAnswer.REFUSED, state=StepState.REFUSED, now=NOW + LEASE_S
        )


def test_the_lease_of_a_claimant_that_is_gone_ends(ledger: SqlLedger) -> None:
    """Only of one that is gone, and the fence stays."""
    started(ledger)
    opened(ledger)
    assert not ledger.end_lease("case_1", gone=lambda worker: worker != "first")
    assert ledger.claim("case_1", worker="second", now=NOW + 1, lease_s=LEASE_S) is None
    assert ledger.end_lease("case_1", gone=lambda worker: worker == "first")
    assert not ledger.end_lease("case_1", gone=lambda worker: True), "it is released already"
    claim = ledger.claim("case_1", worker="second", now=NOW + 1, lease_s=LEASE_S)
    assert claim is not None
    assert claim.fence == 2


def test_an_unknown_orphan_becomes_a_case_that_gives_back(ledger: SqlLedger) -> None:
    """Under its mark's id, of a run that this ledger never saw."""
    started(ledger)
    with ledger.writing() as writer:
        claim = writer.adopt_orphan(a_case("case_lost", run="run_lost"), run="run_1", worker="first", lease_s=LEASE_S)
    assert (claim.case, claim.fence) == ("case_lost", 1)
    case = ledger.case("case_lost")
    assert case is not None
    assert (case.state, case.run, case.live) == (State.CLOSING, "run_lost", True)
    assert [case.id for case in ledger.cases_of_run("run_1")] == ["case_lost"]


def test_an_orphan_of_a_closed_case_opens_it_again(ledger: SqlLedger) -> None:
    """With its plan and steps, under a new fence, from now on; a live one is not adopted."""
    started(ledger)
    first = opened(ledger)
    known = ledger.case("case_1")
    assert known is not None
    with pytest.raises(CaseIsLive), ledger.writing() as writer:
        writer.adopt_orphan(known, run="run_1", worker="second", lease_s=LEASE_S)
    Way(ledger=ledger, claim=first).refunded()
    later = NOW + 90_000
    with ledger.writing() as writer:
        writer.plan_only(case="case_p", run="run_1", plan=a_plan("cus_2"), now=later)
    with ledger.writing() as writer:
        claim = writer.adopt_orphan(known, run="run_1", worker="second", lease_s=LEASE_S)
    assert (claim.fence, claim.claimed_at, claim.lease_until) == (2, later, later + LEASE_S)
    again = ledger.case("case_1")
    assert again is not None
    assert (again.state, again.closed_at, again.outcome) == (State.CLOSING, None, None)
    assert [step.name for step in again.steps] == ["reserve", "refund:1"]
    assert read(ledger, "SELECT kind FROM audit_entries ORDER BY sequence DESC LIMIT 1") == [("orphan_adopted",)]
    with pytest.raises(ClaimLost):
        Way(ledger=ledger, claim=first).sent(a_step("give_back:1"))


def test_no_orphan_beside_a_live_case(ledger: SqlLedger) -> None:
    """Invariant 3 holds for adopted cases too, known or not."""
    started(ledger)
    Way(ledger=ledger, claim=opened(ledger)).refunded()
    known = ledger.case("case_1")
    assert known is not None
    opened(ledger, a_case("case_2"))
    for orphan in (known, a_case("case_lost")):
        with pytest.raises(CaseIsLive), ledger.writing() as writer:
            writer.adopt_orphan(orphan, run="run_1", worker="second", lease_s=LEASE_S)
