"""Collects what the ledger knows of a run, for the audit report."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from refund_worker.domain.cases import Outcome, Standing
from refund_worker.domain.results import (
    CaseResult,
    result_of_case,
    result_of_plan,
    result_of_standing,
    result_of_unplanned,
    worst_first,
)
from refund_worker.domain.runs import Run, RunMode
from refund_worker.domain.told_together import ToldTogether
from refund_worker.ports import Ledger

# What a shared run's summary says under `standings`; a list of ids that one pass made would not stay small.
HELD_AND_OWN = "held_and_own"
OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One case of the report.

    Attributes:
        since: Of a hold or skip: when its reason was first seen, epoch seconds.
        opened_at: Of a case that reserved, epoch seconds.
        request_ids: Stripe's `req_` of the case's writes, in order.
    """

    result: CaseResult
    since: int | None = None
    opened_at: int | None = None
    closed_at: int | None = None
    request_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run with its cases."""

    run: Run
    rows: tuple[ReportRow, ...]


def report_run(ledger: Ledger, run: str) -> Report | None:
    """Return the report of a run, or None where there is no such run; the worst first, as the run's own table.

    Args:
        run: A run's id, or `latest`.
    """
    found = ledger.newest_run() if run == "latest" else ledger.run(run)
    if found is None:
        return None
    rows = sorted(rows_of(ledger, found), key=lambda row: worst_first(row.result))
    return Report(run=found, rows=tuple(rows))


def rows_of(ledger: Ledger, run: Run) -> Iterator[ReportRow]:
    """The rows of a run as the ledger holds them, streamed page by page; conversions are told with what followed."""
    together = ToldTogether()
    requests: defaultdict[tuple[str, str], tuple[str, ...]] = defaultdict(tuple)
    for row in _rows(ledger, run):
        told = together.add(row.result)
        name = row.result.customer, row.result.currency
        if told is None:
            requests[name] += row.request_ids
        else:
            yield replace(row, result=told, request_ids=requests.pop(name, ()) + row.request_ids)
    for left in together.left():
        yield ReportRow(result=left, request_ids=requests[left.customer, left.currency])


def _rows(ledger: Ledger, run: Run) -> Iterator[ReportRow]:
    for case in ledger.cases_of_run(run.id):
        yield ReportRow(
            result=result_of_case(case),
            opened_at=case.opened_at,
            closed_at=case.closed_at,
            request_ids=tuple(step.request_id for step in case.steps if step.request_id is not None),
        )
    for case_id, plan in ledger.plans_of_run(run.id):
        yield ReportRow(result=result_of_plan(case_id, plan, reason=None if run.mode is RunMode.PLAN else plan.reason))
    unplanned = run.summary.get("unplanned")
    for kept in unplanned if isinstance(unplanned, list) else ():
        yield ReportRow(result=result_of_unplanned(kept))
    for kept in ledger.unplanned_of_run(run.id):
        yield ReportRow(result=result_of_unplanned(kept))
    for standing in ledger.standings(during=run):
        if _is_own(standing, run):
            yield ReportRow(result=result_of_standing(standing), since=standing.since)


def _is_own(standing: Standing, run: Run) -> bool:
    """Whether a run saw the hold or skip; all that stand at the end of a complete sweep were seen by it.

    A night by events looks at every hold again, at a skip only where an event told of it; other shared runs look only
    at what events told of.
    """
    own = run.summary.get("standings")
    if isinstance(own, list):
        return standing.id in own
    if own == HELD_AND_OWN:
        return standing.outcome is Outcome.HELD or standing.run == run.id
    return own != OWN or standing.run == run.id
