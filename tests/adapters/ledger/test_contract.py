"""What every ledger keeps: what was written is read again, in its order, and nothing of a transaction that failed."""

import traceback
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from refund_worker.adapters.ledger import LedgerMisused, SqlLedger
from refund_worker.domain.cases import Outcome, Send, SendAnswer, State, StepState, TransitionNotAllowed
from refund_worker.domain.errors import CaseIsLive, ClaimLost, LedgerOfAnotherAccount
from refund_worker.domain.facts import Account
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import RunStatus
from refund_worker.ports import LedgerWriter
from tests.adapters.ledger.examples import (
    ACCOUNT,
    LEASE_S,
    NOW,
    POLICY,
    Way,
    a_case,
    a_plan,
    a_run,
    a_step,
    opened,
    read,
    started,
)


def test_a_ledger_is_bound_once(ledger: SqlLedger) -> None:
    """The first use binds; the same account may come again, another or the other mode may not."""
    assert ledger.bind(ACCOUNT, now=NOW)
    assert not ledger.bind(ACCOUNT, now=NOW + 1)
    with pytest.raises(LedgerOfAnotherAccount, match="acct_1 in test mode, the key to acct_2 in test mode"):
        ledger.bind(Account(id="acct_2", livemode=False), now=NOW)
    with pytest.raises(LedgerOfAnotherAccount, match="in test mode, the key to acct_1 in live mode"):
        ledger.bind(Account(id="acct_1", livemode=True), now=NOW)


def test_a_run_is_kept_with_its_policy_and_its_summary(ledger: SqlLedger) -> None:
    """A run is read as it was written; its policy stands whole under its digest, once."""
    started(ledger)
    with ledger.writing() as writer:
        writer.start_run(a_run("run_2"), policy=POLICY)
    newest = ledger.newest_run()
    assert newest == a_run("run_2")
    with ledger.writing() as writer:
        writer.finish_run(run="run_2", status=RunStatus.STOPPED, summary={"counts": {"held": 2}}, now=NOW + 9)
    assert ledger.run("run_2") == replace(
        a_run("run_2"), status=RunStatus.STOPPED, finished_at=NOW + 9, summary={"counts": {"held": 2}}
    )
    assert ledger.run("run_3") is None
    assert [digest for (digest,) in read(ledger, "SELECT digest FROM policies")] == [POLICY.digest()]


def test_a_run_names_the_policy_it_is_given(ledger: SqlLedger) -> None:
    """Another digest, or an unknown run, is a bug that is told."""
    with pytest.raises(LedgerMisused), ledger.writing() as writer:
        writer.start_run(replace(a_run(), policy_digest="other"), policy=POLICY)
    with pytest.raises(LedgerMisused), ledger.writing() as writer:
        writer.finish_run(run="run_9", status=RunStatus.FINISHED, summary={}, now=NOW)


def test_a_case_is_read_as_it_went(ledger: SqlLedger) -> None:
    """Steps in the order of their intents, sends with their answers, and the end."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    way.refunded()
    case = ledger.case("case_1")
    assert case is not None
    assert (case.state, case.outcome, case.closed_at, case.covered_minor) == (
        State.CLOSED,
        Outcome.REFUNDED,
        NOW + 3,
        1_000,
    )
    assert case.plan == a_plan()
    assert [step.name for step in case.steps] == ["reserve", "refund:1"]
    refund = case.steps[1]
    assert refund == replace(
        a_step("refund:1"),
        state=StepState.ACCEPTED,
        answered_at=NOW + 1,
        stripe_id="re_1",
        status="succeeded",
        request_id="req_1",
        sends=(Send(fence=1, sent_at=NOW + 1, answered_at=NOW + 1, answer=SendAnswer.ACCEPTED),),
    )
    assert ledger.case("case_2") is None


def test_an_answer_says_all_that_is_known(ledger: SqlLedger) -> None:
    """Unknown, then refused, then found after all: the step holds the newest knowledge, the sends each answer."""
    started(ledger)
    claim = opened(ledger)
    way = Way(ledger=ledger, claim=claim)
    way.sent(a_step())
    with ledger.writing() as writer:
        writer.answered(
            claim,
            step="reserve",
            attempt=1,
            answer=SendAnswer.STORED_500,
            state=StepState.UNKNOWN,
            now=NOW + 1,
            request_id="req_500",
            code="500",
        )
        writer.sending(claim, step="reserve", attempt=1, now=NOW + 2)
        writer.answered(
            claim,
            step="reserve",
            attempt=1,
            answer=SendAnswer.NOTHING_HAPPENED,
            state=StepState.INTENDED,
            now=NOW + 3,
        )
        writer.given_up(claim, step="reserve", attempt=1, code="absent", now=NOW + 4)
        writer.found(
            claim,
            step="reserve",
            attempt=1,
            stripe_id="cbtxn_9",
            status=None,
            ending_balance_minor=0,
            now=NOW + 5,
        )
    case = ledger.case("case_1")
    assert case is not None
    (step,) = case.steps
    assert (step.state, step.stripe_id, step.answered_at, step.ending_balance_minor) == (
        StepState.ACCEPTED,
        "cbtxn_9",
        NOW + 5,
        0,
    )
    assert [send.answer for send in step.sends] == [SendAnswer.STORED_500, SendAnswer.NOTHING_HAPPENED]


def _opens_and_breaks(writer: LedgerWriter) -> None:
    claim = writer.open_case(a_case(), worker="first", lease_s=LEASE_S)
    writer.intend(claim, a_step())
    writer.intend(claim, a_step("refund:1", amount=0))


def test_a_failed_transaction_leaves_nothing(ledger: SqlLedger) -> None:
    """An exception rolls back the tables and the trail alike."""
    started(ledger)
    before = read(ledger, "SELECT * FROM audit_entries")
    with pytest.raises(IntegrityError), ledger.writing() as writer:
        _opens_and_breaks(writer)
    assert ledger.case("case_1") is None
    assert read(ledger, "SELECT * FROM audit_entries") == before
    assert not ledger.in_transaction


def test_a_writer_reads_what_it_wrote_and_others_do_not_nest(ledger: SqlLedger) -> None:
    """Reads inside a transaction are part of it; a second transaction in the same thread is a bug."""
    started(ledger)
    with ledger.writing() as writer:
        writer.open_case(a_case(), worker="first", lease_s=LEASE_S)
        assert ledger.in_transaction
        assert ledger.live_cases() == ("case_1",)
        with pytest.raises(RuntimeError, match="open in this thread already"), ledger.writing():
            pass


def test_one_live_case_per_customer_and_currency(ledger: SqlLedger) -> None:
    """Invariant 3: a second one is refused until the first is closed; another currency is another case."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    with pytest.raises(CaseIsLive):
        opened(ledger, a_case("case_2"))
    opened(ledger, a_case("case_eur", plan=a_plan(currency="eur")))
    assert ledger.live_case_of(customer="cus_1", currency="usd") == "case_1"
    assert ledger.live_case_of(customer="cus_1", currency="eur") == "case_eur"
    way.move(State.CLOSED, outcome=Outcome.SKIPPED, reason=Reason.RESERVE_REFUSED)
    assert ledger.live_case_of(customer="cus_1", currency="usd") is None
    opened(ledger, a_case("case_2"))


def test_the_caller_may_go_on_after_a_live_case(ledger: SqlLedger) -> None:
    """A refused case leaves the rest of its transaction whole."""
    started(ledger)
    opened(ledger)
    with ledger.writing() as writer:
        with pytest.raises(CaseIsLive):
            writer.open_case(a_case("case_2"), worker="second", lease_s=LEASE_S)
        writer.plan_only(case="case_2", run="run_1", plan=a_plan(), now=NOW)
    assert list(ledger.plans_of_run("run_1")) == [("case_2", a_plan())]
    assert ledger.verify().ok


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (State.REFUNDING, State.RESERVING),
        (State.CLOSING, State.REFUNDING),
        (State.REFUNDING, State.OWED),
        (State.CLOSING, State.CLOSING),
    ],
)
def test_only_the_tables_transitions_are_written(ledger: SqlLedger, first: State, second: State) -> None:
    """The table of transitions is asked at each move."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    way.move(first)
    with pytest.raises(TransitionNotAllowed):
        way.move(second)
    case = ledger.case("case_1")
    assert case is not None
    assert case.state is first


@pytest.mark.parametrize("end", [State.CLOSED, State.OWED])
def test_what_ended_is_written_no_more(ledger: SqlLedger, end: State) -> None:
    """A case that ended has no claim: nobody writes to it, nobody claims it."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    way.move(State.CLOSING)
    way.move(end)
    with pytest.raises(ClaimLost):
        way.sent(a_step())
    with pytest.raises(ClaimLost):
        way.move(State.CLOSED)
    assert ledger.claim("case_1", worker="second", now=NOW + 10_000, lease_s=LEASE_S) is None
    assert ledger.live_cases() == ()


def test_an_attempt_is_intended_once(ledger: SqlLedger) -> None:
    """Neither the same attempt, nor another step with a key that was used, nor a case with steps."""
    started(ledger)
    claim = opened(ledger)
    with ledger.writing() as writer:
        writer.intend(claim, a_step())
    with pytest.raises(LedgerMisused, match="intended already"), ledger.writing() as writer:
        writer.intend(claim, replace(a_step(), key="another"))
    with pytest.raises(LedgerMisused, match="was used already, in case case_1"), ledger.writing() as writer:
        writer.intend(claim, replace(a_step("refund:1"), key=a_step().key))
    with ledger.writing() as writer:
        writer.intend(claim, a_step(attempt=2))
    with pytest.raises(LedgerMisused, match="without steps"), ledger.writing() as writer:
        writer.open_case(replace(a_case("case_2"), steps=(a_step(),)), worker="first", lease_s=LEASE_S)


def test_an_answer_needs_an_open_send(ledger: SqlLedger) -> None:
    """What was not sent is not answered; what was accepted stays so."""
    started(ledger)
    claim = opened(ledger)
    with ledger.writing() as writer:
        writer.intend(claim, a_step())
    with pytest.raises(LedgerMisused, match="no open send"), ledger.writing() as writer:
        writer.answered(claim, step="reserve", attempt=1, answer=SendAnswer.UNKNOWN, state=StepState.UNKNOWN, now=NOW)
    with pytest.raises(LedgerMisused, match="no refund:1"), ledger.writing() as writer:
        writer.sending(claim, step="refund:1", attempt=1, now=NOW)
    Way(ledger=ledger, claim=claim).accepted(a_step("refund:1"), stripe_id="re_1", status="pending")
    with pytest.raises(LedgerMisused, match="accepted already"), ledger.writing() as writer:
        writer.given_up(claim, step="refund:1", attempt=1, code="absent", now=NOW)
    with pytest.raises(LedgerMisused, match="accepted already"), ledger.writing() as writer:
        writer.sending(claim, step="refund:1", attempt=1, now=NOW)


def test_the_database_has_the_last_word(ledger: SqlLedger) -> None:
    """Constraints stand in the database too: an amount is positive."""
    started(ledger)
    claim = opened(ledger)
    with pytest.raises(IntegrityError), ledger.writing() as writer:
        writer.intend(claim, a_step(amount=0))
    with pytest.raises(IntegrityError), ledger.writing() as writer:
        writer.cover(claim, covered_minor=-1, now=NOW)


def test_cases_and_plans_of_a_run(ledger: SqlLedger) -> None:
    """A run's cases are those it opened or ended; each once, oldest first, also over a page's end."""
    started(ledger)
    count = 450
    with ledger.writing() as writer:
        for number in range(count):
            plan = a_plan(f"cus_{number}")
            writer.open_case(a_case(f"case_{999 - number}", plan=plan), worker="first", lease_s=LEASE_S)
            writer.plan_only(case=f"planned_{number}", run="run_1", plan=plan, now=NOW)
    with ledger.writing() as writer:
        writer.finish_run(run="run_1", status=RunStatus.INTERRUPTED, summary={}, now=NOW + 5)
        writer.start_run(a_run("run_2", started_at=NOW + 600), policy=POLICY)
    claim = ledger.claim("case_999", worker="second", now=NOW + 600, lease_s=LEASE_S, run="run_2")
    assert claim is not None
    Way(ledger=ledger, claim=claim).move(State.CLOSED, now=NOW + 601)
    assert [case.id for case in ledger.cases_of_run("run_1")] == [f"case_{999 - number}" for number in range(count)]
    assert [case.id for case in ledger.cases_of_run("run_2")] == ["case_999"]
    assert [case for case, _ in ledger.plans_of_run("run_1")] == [f"planned_{number}" for number in range(count)]
    assert len(ledger.live_cases()) == count - 1


def test_a_case_that_a_run_opened_and_ended_is_listed_once(ledger: SqlLedger) -> None:
    """Where it was opened."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    opened(ledger, a_case("case_2", plan=a_plan("cus_2")))
    way.refunded()
    assert [case.id for case in ledger.cases_of_run("run_1")] == ["case_1", "case_2"]


def test_a_case_id_is_used_once(ledger: SqlLedger) -> None:
    """A second case under it is a bug, not a live case of the customer."""
    started(ledger)
    Way(ledger=ledger, claim=opened(ledger)).refunded()
    with pytest.raises(IntegrityError):
        opened(ledger)


def test_cases_of_a_customer_newest_first(ledger: SqlLedger) -> None:
    """A case and its successor."""
    started(ledger)
    Way(ledger=ledger, claim=opened(ledger)).refunded()
    opened(ledger, a_case("case_2", opened_at=NOW + 100))
    assert [case.id for case in ledger.cases_of_customer("cus_1")] == ["case_2", "case_1"]
    assert list(ledger.cases_of_customer("cus_2")) == []


def _traceback_of(missing: str) -> str:
    known: dict[str, int] = {}
    try:
        known[missing]
    except KeyError:
        return traceback.format_exc()
    raise AssertionError


def test_a_note_keeps_the_traceback_out_of_the_trail(ledger: SqlLedger) -> None:
    """The trail has the error's name; the message, which may hold anything, stays beside the case."""
    started(ledger)
    claim = opened(ledger)
    detail = _traceback_of("jenny@example.com")
    with ledger.writing() as writer:
        writer.note(claim, outcome=Outcome.FAILED, reason=Reason.BUG, detail=detail, now=NOW + 1)
    case = ledger.case("case_1")
    assert case is not None
    assert (case.live, case.outcome, case.reason) == (True, Outcome.FAILED, Reason.BUG)
    assert read(ledger, "SELECT last_error FROM cases") == [(detail,)]
    ((body,),) = read(ledger, "SELECT body FROM audit_entries WHERE kind = 'case_noted'")
    assert body == '{"case":{"outcome":"failed","reason":"bug"},"error":"KeyError"}'
    assert ledger.verify().ok
