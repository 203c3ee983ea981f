"""Holds and skips: one row as long as the reason stays, with the night it began."""

from dataclasses import replace

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Outcome, Standing
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import RunStatus
from tests.adapters.ledger.examples import NOW, POLICY, a_plan, a_run, a_standing, read, started

NIGHT = 86_400


def stand(ledger: SqlLedger, standing: Standing) -> Standing:
    """Record it."""
    with ledger.writing() as writer:
        return writer.stand(standing)


def test_an_unchanged_skip_writes_no_row(ledger: SqlLedger) -> None:
    """Neither in the table nor in the trail; the row that stands is returned."""
    started(ledger)
    first = stand(ledger, a_standing())
    entries = read(ledger, "SELECT count(*) FROM audit_entries")
    again = stand(ledger, replace(a_standing("case_h2", since=NOW + NIGHT), run="run_9"))
    assert again == first == a_standing()
    assert read(ledger, "SELECT id, since FROM standings") == [("case_h1", NOW)]
    assert read(ledger, "SELECT count(*) FROM audit_entries") == entries


def test_another_plan_for_the_same_reason_keeps_since(ledger: SqlLedger) -> None:
    """The credit grew, the reason did not change: one row, one new entry."""
    started(ledger)
    stand(ledger, a_standing())
    grown = a_plan(amount=2_000)
    kept = stand(ledger, a_standing("case_h2", since=NOW + NIGHT, plan=grown))
    assert (kept.id, kept.since, kept.plan) == ("case_h1", NOW, grown)
    assert list(ledger.standings()) == [kept]
    newest = read(ledger, "SELECT at, kind, case_id, amount_minor FROM audit_entries ORDER BY sequence DESC LIMIT 1")
    assert newest == [(NOW + NIGHT, "held", "case_h1", 2_000)]
    assert ledger.verify().ok


def test_another_reason_begins_anew(ledger: SqlLedger) -> None:
    """The old row ends, the new one begins."""
    started(ledger)
    stand(ledger, a_standing())
    new = a_standing("case_h2", reason=Reason.OPEN_INVOICE, since=NOW + NIGHT)
    assert stand(ledger, new) == new
    assert list(ledger.standings(customer="cus_1")) == [new]
    assert read(ledger, "SELECT id, ended_at FROM standings ORDER BY since") == [
        ("case_h1", NOW + NIGHT),
        ("case_h2", None),
    ]
    assert ledger.verify().ok


def test_a_standing_is_ended_once(ledger: SqlLedger) -> None:
    """Where none stands nothing is written."""
    started(ledger)
    stand(ledger, a_standing())
    for _ in range(2):
        with ledger.writing() as writer:
            writer.end_standing(customer="cus_1", currency="usd", now=NOW + 1)
    assert list(ledger.standings()) == []
    assert read(ledger, "SELECT count(*) FROM audit_entries WHERE kind = 'standing_ended'") == [(1,)]


def test_standings_at_the_end_of_a_run(ledger: SqlLedger) -> None:
    """What stood when the run ended: not what it ended itself, nor what came later; over pages, oldest first."""
    started(ledger)
    stand(ledger, replace(a_standing("case_ended", plan=a_plan("cus_ended")), outcome=Outcome.SKIPPED))
    many = [a_standing(f"case_{number:03}", plan=a_plan(f"cus_{number}")) for number in range(405)]
    with ledger.writing() as writer:
        for standing in many:
            writer.stand(standing)
    with ledger.writing() as writer:
        writer.end_standing(customer="cus_ended", currency="usd", now=NOW + 10)
        writer.finish_run(run="run_1", status=RunStatus.FINISHED, summary={}, now=NOW + 10)
        writer.start_run(a_run("run_2", started_at=NOW + NIGHT), policy=POLICY)
        writer.end_standing(customer="cus_0", currency="usd", now=NOW + NIGHT)
        writer.stand(a_standing("case_later", plan=a_plan("cus_later"), since=NOW + NIGHT))
    first, second = ledger.run("run_1"), ledger.run("run_2")
    assert first is not None
    assert second is not None
    assert [one.id for one in ledger.standings(during=first)] == [one.id for one in many]
    assert [one.id for one in ledger.standings(during=second)] == [*(one.id for one in many[1:]), "case_later"]
    assert [one.id for one in ledger.standings(customer="cus_0", during=first)] == ["case_000"]
    assert list(ledger.standings(customer="cus_0")) == []
