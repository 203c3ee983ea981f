"""Reads the ledger page by page: between two pages no transaction is open, whatever the caller does meanwhile."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, exists, or_, select, tuple_

from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.rows import plan_of, read_case, read_cases, run_of, standing_of
from refund_worker.adapters.ledger.tables import audit_entries, cases, plans, runs, standings
from refund_worker.adapters.ledger.weighing_codec import weight_from_json
from refund_worker.domain.cases import LIVE, Case, Standing
from refund_worker.domain.plans import Plan
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.domain.unusual import Weight

_PAGE = 200
_LIVE_STATES = sorted(str(state) for state in LIVE)
_IN_RUN = ("case_opened", "orphan_adopted", "case_closed", "case_owed")

_LIVE = select(cases.c.id).where(cases.c.state.in_(_LIVE_STATES)).order_by(cases.c.opened_at, cases.c.id)
_LIVE_OF = select(cases.c.id).where(
    cases.c.customer == bindparam("of_customer"),
    cases.c.currency == bindparam("of_currency"),
    cases.c.state.in_(_LIVE_STATES),
)
_OF_CUSTOMER = (
    select(cases.c.id)
    .where(cases.c.customer == bindparam("of_customer"))
    .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
)
_earlier = audit_entries.alias("earlier")
_OF_RUN = (
    select(audit_entries.c.sequence, audit_entries.c.case_id)
    .where(
        audit_entries.c.run == bindparam("of_run"),
        audit_entries.c.sequence > bindparam("after"),
        audit_entries.c.kind.in_(_IN_RUN),
        ~exists().where(
            _earlier.c.case_id == audit_entries.c.case_id,
            _earlier.c.sequence < audit_entries.c.sequence,
            _earlier.c.run == audit_entries.c.run,
            _earlier.c.kind.in_(_IN_RUN),
        ),
    )
    .order_by(audit_entries.c.sequence)
    .limit(_PAGE)
)
_PLANS_OF_RUN = (
    select(audit_entries.c.sequence, plans.c.case_id, plans.c.plan)
    .join(plans, plans.c.case_id == audit_entries.c.case_id)
    .where(
        audit_entries.c.run == bindparam("of_run"),
        audit_entries.c.sequence > bindparam("after"),
        audit_entries.c.kind == "case_planned",
    )
    .order_by(audit_entries.c.sequence)
    .limit(_PAGE)
)
_UNPLANNED_OF_RUN = (
    select(audit_entries.c.sequence, audit_entries.c.body)
    .where(
        audit_entries.c.run == bindparam("of_run"),
        audit_entries.c.sequence > bindparam("after"),
        audit_entries.c.kind == "case_unplanned",
    )
    .order_by(audit_entries.c.sequence)
    .limit(_PAGE)
)
_STANDINGS = (
    select(standings)
    .where(tuple_(standings.c.since, standings.c.id) > tuple_(bindparam("after"), bindparam("after_id")))
    .order_by(standings.c.since, standings.c.id)
    .limit(_PAGE)
)
_STAND_NOW = standings.c.ended_at.is_(None)
_STOOD_AT = and_(
    standings.c.since <= bindparam("of_end"),
    or_(standings.c.ended_at.is_(None), standings.c.ended_at > bindparam("of_end")),
)
_RUN = select(runs).where(runs.c.id == bindparam("of_run"))
_SWEEPS = (
    select(runs)
    .where(runs.c.sweep, runs.c.mode == bindparam("of_mode"), runs.c.command != "recover")
    .order_by(runs.c.position.desc())
    .limit(bindparam("at_most", type_=Integer))
)
_PAST_WEIGHTS = (
    select(runs.c.id, runs.c.weighed)
    .where(
        runs.c.weighed.is_not(None),
        runs.c.mode == str(RunMode.RUN),
        # One that a person let through was usual enough, also where a limit then kept something back.
        (runs.c.status == str(RunStatus.FINISHED)) | runs.c.let_through.is_not(None),
    )
    .order_by(runs.c.position.desc())
    .limit(bindparam("at_most", type_=Integer))
)
_STANDING_CREDITS = select(standings.c.customer, standings.c.currency, standings.c.plan).where(
    standings.c.customer.in_(bindparam("of_customers", expanding=True)), standings.c.ended_at.is_(None)
)
_NEWEST_RUN = select(runs).order_by(runs.c.position.desc()).limit(1)


class SqlReader:
    """The reading part of `ports.Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def case(self, case: str) -> Case | None:
        """A case with all its steps and sends."""
        with self._database.glancing() as connection:
            return read_case(connection, case)

    def live_cases(self) -> tuple[str, ...]:
        """Ids of the live cases, oldest first."""
        with self._database.reading() as connection:
            return tuple(connection.execute(_LIVE).scalars())

    def live_case_of(self, *, customer: str, currency: str) -> str | None:
        """The live case of a customer in a currency, if any."""
        with self._database.glancing() as connection:
            found: str | None = connection.execute(
                _LIVE_OF, {"of_customer": customer, "of_currency": currency}
            ).scalar()
            return found

    def cases_of_run(self, run: str) -> Iterator[Case]:
        """The cases opened, adopted, closed or found owed in a run, oldest first."""
        after = 0
        while True:
            with self._database.reading() as connection:
                page = connection.execute(_OF_RUN, {"of_run": run, "after": after}).all()
                read = read_cases(connection, [row.case_id for row in page])
            yield from read
            if len(page) < _PAGE:
                return
            after = page[-1].sequence

    def cases_of_customer(self, customer: str) -> Iterator[Case]:
        """The cases of a customer, newest first."""
        with self._database.glancing() as connection:
            ids = list(connection.execute(_OF_CUSTOMER, {"of_customer": customer}).scalars())
        for begin in range(0, len(ids), _PAGE):
            with self._database.reading() as connection:
                read = read_cases(connection, ids[begin : begin + _PAGE])
            yield from read

    def plans_of_run(self, run: str) -> Iterator[tuple[str, Plan]]:
        """The plans of a run that were not executed, each with its case id, in the order they were recorded."""
        after = 0
        while True:
            with self._database.reading() as connection:
                page = connection.execute(_PLANS_OF_RUN, {"of_run": run, "after": after}).all()
            yield from ((row.case_id, plan_of(row.plan, case=row.case_id)) for row in page)
            if len(page) < _PAGE:
                return
            after = page[-1].sequence

    def unplanned_of_run(self, run: str) -> Iterator[Mapping[str, object]]:
        """The cases of a shared run that could not be planned, in the order they were recorded."""
        after = 0
        while True:
            with self._database.reading() as connection:
                page = connection.execute(_UNPLANNED_OF_RUN, {"of_run": run, "after": after}).all()
            yield from (json.loads(row.body)["unplanned"] for row in page)
            if len(page) < _PAGE:
                return
            after = page[-1].sequence

    def standings(self, *, customer: str | None = None, during: Run | None = None) -> Iterator[Standing]:
        """The holds and skips that stand now, or that stood at the end of a run, oldest first.

        One that a run itself ended is not among them: what became of that customer is a case or another standing.
        """
        asked: dict[str, Any] = {}
        statement = _STANDINGS
        if customer is not None:
            statement = statement.where(standings.c.customer == customer)
        if during is None or during.finished_at is None:
            statement = statement.where(_STAND_NOW)
        else:
            statement, asked = statement.where(_STOOD_AT), {"of_end": during.finished_at}
        yield from self._pages_of_standings(statement, asked)

    def run(self, run: str) -> Run | None:
        """A run by its id."""
        with self._database.glancing() as connection:
            row = connection.execute(_RUN, {"of_run": run}).one_or_none()
            return None if row is None else run_of(row)

    def newest_run(self) -> Run | None:
        """The run that started last."""
        with self._database.reading() as connection:
            row = connection.execute(_NEWEST_RUN).one_or_none()
            return None if row is None else run_of(row)

    def sweeps(self, *, mode: RunMode, limit: int) -> tuple[Run, ...]:
        """The latest runs of a mode that were to read every customer, newest first."""
        with self._database.reading() as connection:
            return tuple(map(run_of, connection.execute(_SWEEPS, {"of_mode": str(mode), "at_most": limit})))

    def past_weights(self, *, limit: int) -> tuple[Weight, ...]:
        """What the latest nights weighed that moved money and finished, or were let through, newest first."""
        with self._database.glancing() as connection:
            rows = connection.execute(_PAST_WEIGHTS, {"at_most": limit}).all()
        return tuple(weight_from_json(row.weighed, run=row.id) for row in rows)

    def standing_credits(self, customers: Sequence[str]) -> dict[str, dict[str, frozenset[int]]]:
        """Per customer and currency the credit with which a hold or skip stands; see the port."""
        found: dict[str, dict[str, frozenset[int]]] = {}
        for begin in range(0, len(customers), _PAGE):
            with self._database.glancing() as connection:
                rows = connection.execute(_STANDING_CREDITS, {"of_customers": customers[begin : begin + _PAGE]}).all()
            for row in rows:
                plan = plan_of(row.plan, case=row.customer)
                items = plan.numbers.get("net_minor", 0)
                with_items = plan.credit_minor + (abs(items) if isinstance(items, int) else 0)
                found.setdefault(row.customer, {})[row.currency] = frozenset({plan.credit_minor, with_items})
        return found

    def _pages_of_standings(self, statement: Select[Any], asked: dict[str, Any]) -> Iterator[Standing]:
        after, after_id = -1, ""
        while True:
            with self._database.reading() as connection:
                page = connection.execute(statement, {**asked, "after": after, "after_id": after_id}).all()
            yield from map(standing_of, page)
            if len(page) < _PAGE:
                return
            after, after_id = page[-1].since, page[-1].id
