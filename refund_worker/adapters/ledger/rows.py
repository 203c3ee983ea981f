"""Table rows back into the domain's records."""

import json
from collections.abc import Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Connection, Row, RowMapping, Table, and_, bindparam, select

from refund_worker.adapters.ledger.codec import plan_from_json
from refund_worker.adapters.ledger.tables import cases, sends, steps
from refund_worker.domain.cases import Case, Outcome, Send, SendAnswer, Standing, State, Step, StepState
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import Run, RunMode, RunStatus

_CASES = select(cases).where(cases.c.id.in_(bindparam("of_cases", expanding=True)))
_STEPS = (
    select(steps)
    .where(steps.c.case_id.in_(bindparam("of_cases", expanding=True)))
    .order_by(steps.c.case_id, steps.c.position)
)
_SENDS = (
    select(sends)
    .where(sends.c.case_id.in_(bindparam("of_cases", expanding=True)))
    .order_by(sends.c.case_id, sends.c.step, sends.c.attempt, sends.c.position)
)

_CASE = (
    select(cases, steps, sends)
    .select_from(
        cases.outerjoin(steps, steps.c.case_id == cases.c.id).outerjoin(
            sends,
            and_(sends.c.case_id == steps.c.case_id, sends.c.step == steps.c.step, sends.c.attempt == steps.c.attempt),
        )
    )
    .where(cases.c.id == bindparam("of_case"))
    .order_by(steps.c.position, sends.c.position)
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)


def read_case(connection: Connection, case: str) -> Case | None:
    """Read one case with its steps and sends, in one statement; None where it is not there."""
    rows = connection.execute(_CASE, {"of_case": case}).mappings().all()
    if not rows:
        return None
    taken = []
    for _, of_step in groupby(
        (row for row in rows if row[steps.c.step] is not None),
        key=lambda row: (row[steps.c.step], row[steps.c.attempt]),
    ):
        both = list(of_step)
        sent = tuple(_send(_part(row, sends)) for row in both if row[sends.c.position] is not None)
        taken.append(_step(_part(both[0], steps), sent))
    return _case(_part(rows[0], cases), tuple(taken))


def read_cases(connection: Connection, ids: Sequence[str]) -> list[Case]:
    """Read cases with their steps and sends, in the order of `ids`; an id that is not there is left out."""
    asked = {"of_cases": list(ids)}
    sent = {
        key: tuple(_send(row) for row in rows)
        for key, rows in groupby(
            connection.execute(_SENDS, asked), key=lambda row: (row.case_id, row.step, row.attempt)
        )
    }
    taken = {
        case: tuple(_step(row, sent.get((case, row.step, row.attempt), ())) for row in rows)
        for case, rows in groupby(connection.execute(_STEPS, asked), key=lambda row: row.case_id)
    }
    found = {row.id: _case(row, taken.get(row.id, ())) for row in connection.execute(_CASES, asked)}
    return [found[case] for case in ids if case in found]


def plan_of(content: str, *, case: str) -> Plan:
    """The plan of a case. Raises LedgerError where somebody made it unreadable."""
    try:
        return plan_from_json(content)
    except (TypeError, ValueError, AttributeError) as error:
        raise LedgerError(
            f"the plan of {case} in the ledger was changed and cannot be read: see `refund-worker audit verify`"
        ) from error


def standing_of(row: Row[Any]) -> Standing:
    """A hold or skip."""
    return Standing(
        id=row.id,
        run=row.run,
        account=row.account,
        livemode=row.livemode,
        outcome=Outcome(row.outcome),
        reason=Reason(row.reason),
        plan=plan_of(row.plan, case=row.id),
        since=row.since,
        ended_at=row.ended_at,
    )


def run_of(row: Row[Any]) -> Run:
    """A run."""
    return Run(
        id=row.id,
        account=row.account,
        livemode=row.livemode,
        command=row.command,
        mode=RunMode(row.mode),
        sweep=row.sweep,
        policy_digest=row.policy_digest,
        started_at=row.started_at,
        finished_at=row.finished_at,
        status=RunStatus(row.status),
        summary=json.loads(row.summary),
    )


def _part(row: RowMapping, table: Table) -> SimpleNamespace:
    """The columns of one table out of a row of several."""
    return SimpleNamespace(**{column.name: row[column] for column in table.columns})


def _case(row: Row[Any] | SimpleNamespace, taken: tuple[Step, ...]) -> Case:
    return Case(
        id=row.id,
        run=row.run,
        account=row.account,
        livemode=row.livemode,
        plan=plan_of(row.plan, case=row.id),
        state=State(row.state),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        reason=None if row.reason is None else Reason(row.reason),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        covered_minor=row.covered_minor,
        fence=row.fence,
        steps=taken,
    )


def _step(row: Row[Any] | SimpleNamespace, sent: tuple[Send, ...]) -> Step:
    return Step(
        name=row.step,
        attempt=row.attempt,
        key=row.key,
        amount_minor=row.amount_minor,
        target=row.target,
        params=json.loads(row.params),
        before_minor=row.before_minor,
        state=StepState(row.state),
        intended_at=row.intended_at,
        answered_at=row.answered_at,
        stripe_id=row.stripe_id,
        status=row.status,
        ending_balance_minor=row.ending_balance_minor,
        request_id=row.request_id,
        code=row.code,
        sends=sent,
    )


def _send(row: Row[Any] | SimpleNamespace) -> Send:
    answer = None if row.answer is None else SendAnswer(row.answer)
    return Send(fence=row.fence, sent_at=row.sent_at, answered_at=row.answered_at, answer=answer)
