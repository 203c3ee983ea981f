"""Runs that several workers work on: one of a name, limits booked once, one end."""

from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import LedgerMisused, SqlLedger
from refund_worker.domain.nights import Admission, Limits, Phase, SharedRun
from refund_worker.domain.runs import RunStatus
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import NOW, POLICY, a_run, read

NIGHT = SharedRun(run="run_n", name="night 2026-11-22", phase=Phase.DISCOVERING)


@pytest.fixture
def night(queue: WorkQueue) -> WorkQueue:
    """A queue in which a night began."""
    assert _open(queue, "run_n") == (NIGHT, True)
    return queue


def _open(queue: WorkQueue, run: str, name: str = NIGHT.name) -> tuple[SharedRun, bool]:
    return queue.open_shared(a_run(run), name=name, phase=Phase.DISCOVERING, policy=POLICY)


def _admit(queue: WorkQueue, planned: int, *, currency: str = "usd", cases: int = 9, limit: int = 100) -> Admission:
    limits = Limits(cases_max=cases, sum_max=limit)
    return queue.admit("run_n", currency=currency, planned_minor=planned, limits=limits)


def test_a_name_is_taken_once(night: WorkQueue, ledger: SqlLedger) -> None:
    """Who comes second finds the first, and writes no run."""
    assert _open(night, "run_late") == (NIGHT, False)
    assert ledger.run("run_late") is None
    assert ledger.run("run_n") == a_run("run_n")
    kinds = [kind for (kind,) in read(ledger, "SELECT kind FROM audit_entries WHERE run = 'run_n'")]
    assert kinds == ["run_started"]
    assert ledger.verify().ok


def test_shared_runs_are_found_by_name_and_by_run(night: WorkQueue) -> None:
    """Or not at all."""
    assert night.shared(NIGHT.name) == night.shared_of("run_n") == NIGHT
    assert night.shared("night 1999-12-31") is None
    assert night.shared_of("run_1") is None


def test_open_runs_are_told_oldest_first(night: WorkQueue) -> None:
    """Ended ones are not."""
    _open(night, "run_a", "events 2026-11-22")
    assert [run.run for run in night.open_runs()] == ["run_n", "run_a"]
    night.end_shared("run_n", status="finished", summary={}, now=NOW)
    assert [run.run for run in night.open_runs()] == ["run_a"]


def test_progress_adds_and_moves(night: WorkQueue) -> None:
    """What is not named stays."""
    night.progress("run_n", cursor="cus_9", read=100, missed=1)
    night.progress("run_n", phase=Phase.WORKING, read=50, missed=2)
    assert night.shared_of("run_n") == SharedRun(
        run="run_n", name=NIGHT.name, phase=Phase.WORKING, cursor="cus_9", customers_read=150, missed=3
    )
    with pytest.raises(LedgerMisused, match="end_shared"):
        night.progress("run_n", phase=Phase.ENDED)


def test_a_run_ends_once_and_then_stays_as_it_is(night: WorkQueue, ledger: SqlLedger) -> None:
    """Its run in the ledger ends with it."""
    assert night.end_shared("run_n", status="stopped", summary={"examined": 3}, now=NOW + 9)
    assert not night.end_shared("run_n", status="finished", summary={}, now=NOW + 10)
    night.progress("run_n", phase=Phase.WORKING, cursor="cus_1", read=1)
    night.stop_shared("run_n", message="too late", kind="limit")
    ended = night.shared_of("run_n")
    assert ended is not None
    assert (ended.phase, ended.cursor, ended.customers_read, ended.stopped_by) == (Phase.ENDED, None, 0, None)
    run = ledger.run("run_n")
    assert run is not None
    assert (run.status, run.finished_at, run.summary) == (RunStatus.STOPPED, NOW + 9, {"examined": 3})
    assert _admit(night, 1) is Admission.STOPPED
    assert ledger.verify().ok


def test_the_sum_of_a_currency_is_limited(night: WorkQueue) -> None:
    """A smaller case behind one that does not fit may still; what does not fit is not booked."""
    night.progress("run_n", phase=Phase.WORKING)
    assert _admit(night, 60) is Admission.ADMITTED
    assert _admit(night, 41) is Admission.SUM_EXCEEDED
    assert _admit(night, 41, currency="eur") is Admission.ADMITTED
    assert _admit(night, 40) is Admission.ADMITTED
    assert _admit(night, 1) is Admission.SUM_EXCEEDED
    assert night.shared_of("run_n") == replace(NIGHT, phase=Phase.WORKING)


def test_the_number_of_cases_is_limited_before_the_sum(night: WorkQueue) -> None:
    """In all currencies together, whatever they are worth; what was refused did not count."""
    night.progress("run_n", phase=Phase.WORKING)
    assert [_admit(night, planned, cases=2) for planned in (60, 90, 40, 90)] == [
        Admission.ADMITTED,
        Admission.SUM_EXCEEDED,
        Admission.ADMITTED,
        Admission.CASES_REACHED,
    ]
    assert _admit(night, 1, currency="eur", cases=2) is Admission.CASES_REACHED


def test_a_stopped_run_admits_nothing_and_keeps_the_first_message(night: WorkQueue) -> None:
    """Nor does one that does not work yet, or a run that is not there."""
    assert _admit(night, 1) is Admission.STOPPED
    night.progress("run_n", phase=Phase.WORKING)
    night.stop_shared("run_n", message="10 cases in a row failed", kind="failures")
    night.stop_shared("run_n", message="another", kind="stripe")
    stopped = night.shared_of("run_n")
    assert stopped is not None
    assert (stopped.stopped_by, stopped.stop) == ("10 cases in a row failed", "failures")
    assert _admit(night, 1, cases=0) is Admission.STOPPED
    limits = Limits(cases_max=1, sum_max=1)
    assert night.admit("run_1", currency="usd", planned_minor=1, limits=limits) is Admission.STOPPED


def test_failures_are_counted_in_a_row(night: WorkQueue) -> None:
    """A refund ends the row."""
    assert [night.count_failures("run_n", failed=failed) for failed in (True, True, False, False, True)] == [
        1, 2, 0, 0, 1,
    ]  # fmt: skip
