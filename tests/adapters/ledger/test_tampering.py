"""Somebody owns the database, turns the triggers off and edits: `verify` names the row."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from refund_worker.adapters.ledger import SqlLedger, Verification
from refund_worker.adapters.ledger.chain import hash_of
from refund_worker.domain.cases import Outcome, State
from refund_worker.domain.runs import RunStatus
from tests.adapters.ledger.examples import NOW, Way, a_case, a_plan, a_standing, a_step, opened, read, started

# What an owner does before tampering: neither triggers nor foreign keys stand in the way.
FREE_HAND = {
    "sqlite": (
        "DROP TRIGGER audit_entries_no_update",
        "DROP TRIGGER audit_entries_no_delete",
        "DROP TRIGGER audit_entries_no_replace",
        "PRAGMA defer_foreign_keys = ON",
    ),
    "postgresql": ("SET LOCAL session_replication_role = replica",),
}
Tamper = Callable[[Connection], None]


@pytest.fixture(params=["sqlite", "postgres"])
def trail(request: pytest.FixtureRequest) -> Iterator[SqlLedger]:
    """A night with one refunded case, one hold and one plan: 15 entries."""
    address = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    ledger = started(SqlLedger.open(address))
    Way(ledger=ledger, claim=opened(ledger)).refunded()
    with ledger.writing() as writer:
        writer.stand(a_standing(plan=a_plan("cus_2")))
        writer.plan_only(case="case_p1", run="run_1", plan=a_plan("cus_3"), now=NOW + 4)
        writer.finish_run(run="run_1", status=RunStatus.FINISHED, summary={"counts": {"held": 1}}, now=NOW + 5)
    yield ledger
    ledger.close()


def tampered(ledger: SqlLedger, tamper: Tamper, *, noted: tuple[int, str] | None = None) -> Verification:
    """Edit as the owner of the file would, then verify."""
    assert ledger.verify(noted_head=noted).ok
    with ledger._database.writing() as connection:
        for statement in FREE_HAND[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        tamper(connection)
    return ledger.verify(noted_head=noted)


def sql(*statements: str) -> Tamper:
    """Run statements."""

    def tamper(connection: Connection) -> None:
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount > 0, f"nothing tampered with by {statement}"

    return tamper


def reseal(connection: Connection, *sequences: int, links: bool = False, head: bool = False) -> None:
    """Compute the hashes of entries again; with `links` the previous hashes too, with `head` the head row."""
    for sequence in sequences:
        if links:
            connection.execute(
                text(
                    "UPDATE audit_entries SET previous = (SELECT hash FROM audit_entries WHERE sequence = :before) "
                    "WHERE sequence = :sequence AND sequence > 1"
                ),
                {"before": sequence - 1, "sequence": sequence},
            )
        of = {"sequence": sequence}
        row: dict[str, Any] = dict(
            connection.execute(text("SELECT * FROM audit_entries WHERE sequence = :sequence"), of).mappings().one()
        )
        connection.execute(
            text("UPDATE audit_entries SET hash = :hash WHERE sequence = :sequence"), {**of, "hash": hash_of(row)}
        )
    if head:
        connection.exec_driver_sql(
            "UPDATE audit_head SET (sequence, hash) = "
            "(SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1)"
        )


SWAP = (
    "UPDATE audit_entries SET sequence = 99 WHERE sequence = 5",
    "UPDATE audit_entries SET sequence = 5 WHERE sequence = 6",
    "UPDATE audit_entries SET sequence = 6 WHERE sequence = 99",
)
ADD = (
    "INSERT INTO audit_entries SELECT {0}, at, run, case_id, customer, kind, amount_minor, currency, body, form, "
    "(SELECT hash FROM audit_entries WHERE sequence = 15), hash FROM audit_entries WHERE sequence = 11"
)

# How each database shows a truth value that is compared as it is kept.
WORDS = {"sqlite": {"true": "1", "false": "0"}, "postgresql": {"true": "True", "false": "False"}}

ADD_STEP = """
    INSERT INTO steps (case_id, step, attempt, position, key, amount_minor, target, params, state, intended_at)
    VALUES ('case_1', 'refund:2', 1, 3, 'k', 5, 'ch_1', '{}', 'intended', 1)
"""


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        # in the trail
        (
            ("UPDATE audit_entries SET amount_minor = 1001 WHERE sequence = 11",),
            "entry 11 (step_accepted, case case_1): amount changed, it is 1001 and was 1000",
        ),
        (
            ("UPDATE audit_entries SET amount_minor = NULL WHERE sequence = 6",),
            "entry 6 (step_accepted, case case_1): amount changed, it is None and was 1000",
        ),
        (
            ("UPDATE audit_entries SET body = replace(body, 're_1', 're_2') WHERE sequence = 11",),
            "entry 11 (step_accepted, case case_1): changed",
        ),
        (
            ("UPDATE audit_entries SET customer = 'cus_9' WHERE sequence = 3",),
            "entry 3 (case_opened, case case_1): changed",
        ),
        (("UPDATE audit_entries SET at = at + 1 WHERE sequence = 2",), "entry 2 (run_started, run run_1): changed"),
        (("DELETE FROM audit_entries WHERE sequence = 1",), "entry 1: missing"),
        (("DELETE FROM audit_entries WHERE sequence = 7",), "entry 7: missing"),
        (("DELETE FROM audit_entries WHERE sequence IN (7, 8)",), "entries 7 to 8: missing"),
        (SWAP, "entry 5 (step_accepted, case case_1): changed"),
        ((ADD.format(16),), "entry 16 (step_accepted, case case_1): changed"),
        ((ADD.format(0),), "entry 0 (step_accepted, case case_1): added"),
        (("DELETE FROM audit_entries WHERE sequence = 15",), "entry 15: missing"),
        (("DELETE FROM audit_entries WHERE sequence > 12",), "entries 13 to 15: missing"),
        (("DELETE FROM audit_entries",), "entries 1 to 15: missing"),
        (("UPDATE audit_head SET hash = 'f'",), "entry 15 (run_finished, run run_1): changed and sealed anew, or"),
        (("DELETE FROM audit_head",), "entry 15 (run_finished, run run_1): added behind the head"),
        # in the tables
        (
            ("UPDATE steps SET amount_minor = 1001 WHERE step = 'refund:1'",),
            "step refund:1 attempt 1 of case case_1: amount_minor is 1001, the trail says 1000",
        ),
        (
            ("UPDATE steps SET stripe_id = 're_2' WHERE step = 'refund:1'",),
            "step refund:1 attempt 1 of case case_1: stripe_id is re_2, the trail says re_1",
        ),
        (
            ("UPDATE steps SET state = 'refused' WHERE step = 'reserve'",),
            "step reserve attempt 1 of case case_1: state is refused, the trail says accepted",
        ),
        (
            ("UPDATE steps SET status = 'failed' WHERE step = 'refund:1'",),
            "step refund:1 attempt 1 of case case_1: status is failed, the trail says succeeded",
        ),
        (
            ("UPDATE steps SET params = replace(params, '1000', '1001') WHERE step = 'reserve'",),
            "step reserve attempt 1 of case case_1: params changed",
        ),
        (
            ("UPDATE sends SET answer = 'refused' WHERE step = 'reserve'",),
            "send reserve attempt 1 number 1 of case case_1: answer is refused, the trail says accepted",
        ),
        (
            ("DELETE FROM sends WHERE step = 'refund:1'", "DELETE FROM steps WHERE step = 'refund:1'"),
            "send refund:1 attempt 1 number 1 of case case_1: the row is missing, the trail has it",
        ),
        (
            (ADD_STEP,),
            "step refund:2 attempt 1 of case case_1: added, the trail does not have it",
        ),
        (("UPDATE cases SET covered_minor = 999",), "case case_1: covered_minor is 999, the trail says 1000"),
        (("UPDATE cases SET outcome = 'skipped'",), "case case_1: outcome is skipped, the trail says refunded"),
        (("UPDATE cases SET state = 'owed'",), "case case_1: state is owed, the trail says closed"),
        (("UPDATE cases SET customer = 'cus_9'",), "case case_1: customer is cus_9, the trail says cus_1"),
        (("UPDATE cases SET plan = replace(plan, '1000', '1001')",), "case case_1: plan changed"),
        (("UPDATE cases SET livemode = TRUE",), "case case_1: livemode is {true}, the trail says False"),
        (
            ("DELETE FROM sends", "DELETE FROM steps", "DELETE FROM cases"),
            "case case_1: the row is missing, the trail has it",
        ),
        (
            ("UPDATE standings SET since = since - 1",),
            "standing case_h1: since is 1799999999, the trail says 1800000000",
        ),
        (("UPDATE standings SET plan = replace(plan, '1000', '1001')",), "standing case_h1: plan changed"),
        (("DELETE FROM standings",), "standing case_h1: the row is missing"),
        (("UPDATE plans SET plan = replace(plan, '1000', '1001')",), "plan case_p1: plan changed"),
        (("DELETE FROM plans",), "plan case_p1: the row is missing"),
        (("UPDATE runs SET sweep = FALSE",), "run run_1: sweep is {false}, the trail says True"),
        (("UPDATE runs SET summary = '{}'",), "run run_1: summary changed"),
        (("UPDATE policies SET policy = replace(policy, '10000', '10001')",), "policy "),
        (("UPDATE bindings SET account = 'acct_9'",), "binding: account is acct_9, the trail says acct_1"),
        (("DELETE FROM bindings",), "binding: the row is missing"),
    ],
)
def test_an_edit_is_found_and_its_row_named(trail: SqlLedger, statements: tuple[str, ...], problem: str) -> None:
    """Every kind of edit, in the trail and in the tables."""
    kept = WORDS[trail._database._engine.dialect.name]
    verified = tampered(trail, sql(*statements))
    assert not verified.ok
    assert str(verified.problem).startswith(problem.format(**kept))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE audit_entries SET body = x'00ff' WHERE sequence = 7",
            "entry 7 (cover_recorded, case case_1): changed",
        ),
        ("UPDATE audit_entries SET at = 0.5 WHERE sequence = 1", "entry 1 (ledger_bound, ledger): changed"),
        ("UPDATE cases SET livemode = 2", "case case_1: livemode is 2, the trail says False"),
    ],
)
@pytest.mark.parametrize("trail", ["sqlite"], indirect=True)
def test_an_edit_that_only_sqlite_takes_is_found(trail: SqlLedger, statement: str, problem: str) -> None:
    """Its columns hold values of any type."""
    assert str(tampered(trail, sql(statement)).problem).startswith(problem)


def _change_amount(connection: Connection, sequence: int) -> None:
    connection.execute(
        text("UPDATE audit_entries SET amount_minor = 1 WHERE sequence = :sequence"), {"sequence": sequence}
    )


@pytest.mark.parametrize("sequence", range(1, 16))
def test_an_entry_that_is_sealed_anew_is_named(trail: SqlLedger, sequence: int) -> None:
    """Its own hash fits again; the next entry, or the head, knows better."""

    def tamper(connection: Connection) -> None:
        _change_amount(connection, sequence)
        reseal(connection, sequence)

    verified = tampered(trail, tamper)
    assert str(verified.problem).startswith(f"entry {sequence} (")
    assert "changed and sealed anew" in str(verified.problem)


def test_an_entry_whose_link_is_changed_is_named(trail: SqlLedger) -> None:
    """It was sealed anew over another link: its neighbours agree that it is the one."""

    def tamper(connection: Connection) -> None:
        sql("UPDATE audit_entries SET previous = 'f' WHERE sequence = 9")(connection)
        reseal(connection, 9)

    problem = "entry 9 (step_intended, case case_1): changed and sealed anew"
    assert tampered(trail, tamper).problem == problem


def test_swapped_entries_that_are_sealed_anew(trail: SqlLedger) -> None:
    """Two rows change places and get fitting hashes and links: the third tells."""

    def tamper(connection: Connection) -> None:
        sql(*SWAP)(connection)
        reseal(connection, 5, 6, links=True)

    assert str(tampered(trail, tamper).problem).startswith("entry 6 (step_sent, case case_1): changed and sealed anew")


def test_a_whole_trail_that_is_sealed_anew_still_disagrees_with_the_tables(trail: SqlLedger) -> None:
    """All hashes and the head fit again: the amounts do not."""

    def tamper(connection: Connection) -> None:
        _change_amount(connection, 11)
        reseal(connection, *range(11, 16), links=True, head=True)

    assert tampered(trail, tamper).problem == "entry 11 (step_accepted, case case_1): amount is 1, its step has 1000"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE audit_entries SET body = replace(body, 're_1', 're_2') WHERE sequence = 11",
            "step refund:1 attempt 1 of case case_1: stripe_id is re_1, the trail says re_2",
        ),
        (
            "UPDATE audit_entries SET body = 'nonsense' WHERE sequence = 11",
            "send refund:1 attempt 1 number 1 of case case_1: answer",
        ),
        (
            "UPDATE audit_entries SET body = '[]' WHERE sequence = 11",
            "send refund:1 attempt 1 number 1 of case case_1: answer",
        ),
    ],
)
def test_a_body_that_is_sealed_anew_still_disagrees_with_the_tables(
    trail: SqlLedger, statement: str, problem: str
) -> None:
    """Neither another id nor a body that is none fits the tables, though all hashes do."""

    def tamper(connection: Connection) -> None:
        sql(statement)(connection)
        reseal(connection, *range(11, 16), links=True, head=True)

    assert str(tampered(trail, tamper).problem).startswith(problem)


def test_a_cut_tail_is_found_against_a_noted_head(trail: SqlLedger) -> None:
    """The tail, its rows and the head are cut so well that only a head noted elsewhere tells."""
    noted = trail.verify().head

    def tamper(connection: Connection) -> None:
        sql("DELETE FROM audit_entries WHERE sequence = 14", "DELETE FROM plans")(connection)
        sql("UPDATE audit_entries SET sequence = 14 WHERE sequence = 15")(connection)
        reseal(connection, 14, links=True, head=True)

    verified = tampered(trail, tamper, noted=noted)
    assert verified.problem == "entry 15: missing; the head that was noted is later"
    assert trail.verify().ok, "without the noted head nothing is left to tell"


def test_a_trail_written_anew_is_found_against_a_noted_head(trail: SqlLedger) -> None:
    """As long as before, another content: the noted hash tells."""
    noted = trail.verify().head

    def tamper(connection: Connection) -> None:
        sql("UPDATE audit_entries SET at = at + 60 WHERE sequence = 14")(connection)
        reseal(connection, 14, 15, links=True, head=True)

    verified = tampered(trail, tamper, noted=noted)
    assert verified.problem == "entry 15 (run_finished, run run_1): not the entry whose hash was noted"
    assert trail.verify().ok


def test_a_noted_head_in_the_middle_is_part_of_the_trail(trail: SqlLedger) -> None:
    """Noted a week ago, and the trail went on since."""
    ((sequence, sealed),) = read(trail, "SELECT sequence, hash FROM audit_entries WHERE sequence = 9")
    assert trail.verify(noted_head=(sequence, sealed)).ok
    assert trail.verify(noted_head=(sequence, "0" * 64)).problem == (
        "entry 9 (step_intended, case case_1): not the entry whose hash was noted"
    )


def test_a_closed_case_whose_sums_do_not_add_up(trail: SqlLedger) -> None:
    """Invariant 2, also where trail and tables agree: a bug of ours, not somebody's edit."""
    way = Way(ledger=trail, claim=opened(trail, a_case("case_2", plan=a_plan("cus_4"))))
    way.accepted(a_step("reserve", case="case_2"), stripe_id="cbtxn_2")
    way.move(State.CLOSING)
    way.accepted(a_step("give_back:1", case="case_2", amount=999), stripe_id="cbtxn_3")
    assert trail.verify().ok, "it is not closed yet"
    way.move(State.CLOSED, outcome=Outcome.SKIPPED)
    assert trail.verify().problem == (
        "case case_2: reserved 1000 - given back 999 - re-credited 0 is not the refunded 0"
    )


def test_sums_count_what_stands(trail: SqlLedger) -> None:
    """A refund that failed and was re-credited, and an attempt that was refused, add up."""
    way = Way(ledger=trail, claim=opened(trail, a_case("case_2", plan=a_plan("cus_4"))))
    way.accepted(a_step("reserve", case="case_2"), stripe_id="cbtxn_2")
    way.accepted(a_step("refund:1", case="case_2", amount=600), stripe_id="re_2", status="failed")
    way.accepted(a_step("refund:2", case="case_2", amount=300), stripe_id="re_3", status="pending")
    way.sent(a_step("refund:3", case="case_2", amount=50))
    with trail.writing() as writer:
        writer.given_up(way.claim, step="refund:3", attempt=1, code="absent", now=NOW + 2)
    way.accepted(a_step("recredit:1", case="case_2", amount=600), stripe_id="cbtxn_4")
    way.accepted(a_step("give_back:1", case="case_2", amount=100), stripe_id="cbtxn_5")
    way.move(State.CLOSED, outcome=Outcome.PARTLY_REFUNDED)
    assert trail.verify().problem is None


def test_an_empty_ledger_verifies() -> None:
    """No entry, no head."""
    ledger = SqlLedger.open("sqlite://")
    assert ledger.verify() == Verification(ok=True, entries=0, head=None)


def test_the_trail_names_nobody(trail: SqlLedger) -> None:
    """Bodies hold ids and numbers: neither the worker's host nor a text of the plan."""
    case = replace(a_case("case_2", plan=a_plan("cus_5", numbers={"note": "Jenny Rosen"})))
    opened(trail, case, worker="host.example.com:1")
    bodies = " ".join(body for (body,) in read(trail, "SELECT body FROM audit_entries"))
    assert "Jenny" not in bodies
    assert "host.example.com" not in bodies
