"""Runs that several workers work on, with their limits booked in one place: implements `ports.SharedRuns`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from refund_worker.adapters.ledger.cluster_tables import run_sums, shared_runs
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.run_funds import book_funds
from refund_worker.adapters.ledger.tables import runs
from refund_worker.adapters.ledger.transaction import LedgerMisused
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.adapters.ledger.write_runs import RunWrites
from refund_worker.domain.nights import Admission, Limits, Phase, SharedRun
from refund_worker.domain.policy import Policy
from refund_worker.domain.runs import Run, RunStatus
from refund_worker.domain.unusual import Weight

_OPEN = shared_runs.c.phase != str(Phase.ENDED)
_BY_NAME = select(shared_runs).where(shared_runs.c.name == bindparam("of_name"))
_BY_RUN = select(shared_runs).where(shared_runs.c.run == bindparam("of_run"))
_OPEN_RUNS = select(shared_runs).join(runs, runs.c.id == shared_runs.c.run).where(_OPEN).order_by(runs.c.position)
_LOCKED = _BY_RUN.with_for_update()
_CHANGE = update(shared_runs).where(shared_runs.c.run == bindparam("of_run"), _OPEN)
_END = _CHANGE.values(phase=str(Phase.ENDED))
_STOP = _CHANGE.where(shared_runs.c.stopped_by.is_(None))
_FAILED = _CHANGE.values(failures=shared_runs.c.failures + 1)
_UNBROKEN = _CHANGE.where(shared_runs.c.failures > 0).values(failures=0)
_FAILURES = select(shared_runs.c.failures).where(shared_runs.c.run == bindparam("of_run"))
_CASES = select(shared_runs.c.cases).where(shared_runs.c.run == bindparam("of_run"))
_SUM = select(run_sums.c.planned_minor).where(
    run_sums.c.run == bindparam("of_run"), run_sums.c.currency == bindparam("of_currency")
)
_INSERT_SUM = insert(run_sums)
_ADD_SUM = update(run_sums).where(
    run_sums.c.run == bindparam("of_run"), run_sums.c.currency == bindparam("of_currency")
)
_LET_THROUGH = select(runs.c.let_through).where(runs.c.id == bindparam("of_run"))
_ADD_CASE = _CHANGE.values(cases=shared_runs.c.cases + 1)


class SharedRunRows(OnDatabase):
    """The runs' part of the queue."""

    def open_shared(self, run: Run, *, name: str, phase: Phase, policy: Policy) -> tuple[SharedRun, bool]:
        """Record that a shared run began, unless one of that name exists; see the port.

        The name is taken first: of workers that come at once one writes the run, the others wait for it and find it.
        """
        known = self.shared(name)
        if known is not None:
            return known, False
        with self._database.writing() as connection:
            taken = connection.execute(
                inserting(connection, shared_runs).on_conflict_do_nothing(index_elements=[shared_runs.c.name]),
                _row_of(run.id, name=name, phase=phase),
            )
            if taken.rowcount == 1:
                writes = RunWrites(connection)
                writes.start_run(run, policy=policy)
                writes.append_entries()
            return _shared(connection.execute(_BY_NAME, {"of_name": name}).one()), taken.rowcount == 1

    def shared(self, name: str) -> SharedRun | None:
        """The shared run of a name."""
        with self._database.glancing() as connection:
            row = connection.execute(_BY_NAME, {"of_name": name}).one_or_none()
            return None if row is None else _shared(row)

    def shared_of(self, run: str) -> SharedRun | None:
        """The shared run of a run's id."""
        with self._database.glancing() as connection:
            row = connection.execute(_BY_RUN, {"of_run": run}).one_or_none()
            return None if row is None else _shared(row)

    def open_runs(self) -> tuple[SharedRun, ...]:
        """The shared runs that have not ended, oldest first."""
        with self._database.glancing() as connection:
            return tuple(_shared(row) for row in connection.execute(_OPEN_RUNS))

    def progress(
        self, run: str, *, phase: Phase | None = None, cursor: str | None = None, read: int = 0, missed: int = 0
    ) -> None:
        """Move a run's phase or cursor; see the port. Raises LedgerMisused for an end, which is `end_shared`."""
        if phase is Phase.ENDED:
            raise LedgerMisused(f"run {run} ends by end_shared, with its summary")
        changed: dict[str, Any] = {
            "customers_read": shared_runs.c.customers_read + read,
            "missed": shared_runs.c.missed + missed,
        }
        if phase is not None:
            changed["phase"] = str(phase)
        if cursor is not None:
            changed["cursor"] = cursor
        with self._database.writing() as connection:
            connection.execute(_CHANGE.values(changed), {"of_run": run})

    def end_shared(self, run: str, *, status: str, summary: Mapping[str, object], now: int) -> bool:
        """End a shared run and its run in one transaction; False where somebody did before."""
        with self._database.writing() as connection:
            if connection.execute(_END, {"of_run": run}).rowcount != 1:
                return False
            writes = RunWrites(connection)
            writes.finish_run(run=run, status=RunStatus(status), summary=summary, now=now)
            writes.append_entries()
            return True

    def admit(self, run: str, *, currency: str, planned_minor: int, limits: Limits) -> Admission:
        """Book a case's planned sum against the run's limits and the funds; see the port.

        The run's row is locked from the look to the booking. What is not admitted is not booked; whether a limit also
        stops the run is said by `stop_shared`. A run that is not there, or has ended, admits nothing.
        """
        with self._database.writing() as connection:
            row = connection.execute(_LOCKED, {"of_run": run}).one_or_none()
            if row is None or row.stopped_by is not None or row.phase != Phase.WORKING:
                return Admission.STOPPED
            of_sum = {"of_run": run, "of_currency": currency}
            booked: int | None = connection.execute(_SUM, of_sum).scalar()
            if row.cases >= limits.cases_max:
                return Admission.CASES_REACHED
            if (booked or 0) + planned_minor > limits.sum_max:
                return Admission.SUM_EXCEEDED
            if _unusual(row.cases + 1, (booked or 0) + planned_minor, limits) and not _let_through(connection, run):
                return Admission.UNUSUAL
            if not book_funds(connection, run, currency=currency, planned_minor=planned_minor):
                return Admission.FUNDS_SHORT
            if booked is None:
                connection.execute(_INSERT_SUM, {"run": run, "currency": currency, "planned_minor": planned_minor})
            else:
                connection.execute(_ADD_SUM, {**of_sum, "planned_minor": booked + planned_minor})
            connection.execute(_ADD_CASE, {"of_run": run})
            return Admission.ADMITTED

    def booked(self, run: str, *, currency: str) -> Weight:
        """What a run has admitted: its cases, and the planned sum of a currency."""
        with self._database.reading() as connection:
            cases: int | None = connection.execute(_CASES, {"of_run": run}).scalar()
            planned: int | None = connection.execute(_SUM, {"of_run": run, "of_currency": currency}).scalar()
        return Weight(customers=cases or 0, credit_minor={currency: planned or 0})

    def count_failures(self, run: str, *, failed: bool) -> int:
        """Add a failed or unknown case to the row of failures, or end the row; returns its length."""
        with self._database.writing() as connection:
            connection.execute(_FAILED if failed else _UNBROKEN, {"of_run": run})
            return connection.execute(_FAILURES, {"of_run": run}).scalar() or 0

    def stop_shared(self, run: str, *, message: str, kind: str) -> None:
        """Stop a run for all workers; the first message stays, and an ended run is left alone."""
        with self._database.writing() as connection:
            connection.execute(_STOP, {"of_run": run, "stopped_by": message, "stop": kind})


def _unusual(cases: int, sum_minor: int, limits: Limits) -> bool:
    too_many = limits.usual_cases is not None and cases > limits.usual_cases
    return too_many or (limits.usual_sum is not None and sum_minor > limits.usual_sum)


def _let_through(connection: Connection, run: str) -> bool:
    return connection.execute(_LET_THROUGH, {"of_run": run}).scalar() is not None


def _row_of(run: str, *, name: str, phase: Phase) -> dict[str, Any]:
    return {
        "run": run,
        "name": name,
        "phase": str(phase),
        "customers_read": 0,
        "missed": 0,
        "failures": 0,
        "cases": 0,
    }


def _shared(row: Row[Any]) -> SharedRun:
    return SharedRun(
        run=row.run,
        name=row.name,
        phase=Phase(row.phase),
        cursor=row.cursor,
        customers_read=row.customers_read,
        missed=row.missed,
        stopped_by=row.stopped_by,
        stop=row.stop,
    )
