"""Verifies invariant 2 in the tables: per closed case, reserved - given back - re-credited = refunded."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, or_, select

from refund_worker.adapters.ledger.tables import cases, steps
from refund_worker.domain.cases import State, StepState

# As `Step.stands`: accepted, and no refund that failed or was canceled.
STANDS = and_(
    steps.c.state == str(StepState.ACCEPTED),
    or_(steps.c.status.is_(None), not_(steps.c.status.in_(["failed", "canceled"]))),
)


def _sum(kind: str) -> ColumnElement[int]:
    of_kind = and_(STANDS, or_(steps.c.step == kind, steps.c.step.startswith(f"{kind}:", autoescape=True)))
    return func.coalesce(func.sum(case((of_kind, steps.c.amount_minor), else_=0)), 0)


_SUMS = (
    select(
        cases.c.id,
        _sum("reserve").label("reserved"),
        _sum("give_back").label("given_back"),
        _sum("recredit").label("recredited"),
        _sum("refund").label("refunded"),
    )
    .join(steps, steps.c.case_id == cases.c.id, isouter=True)
    .where(cases.c.state == str(State.CLOSED))
    .group_by(cases.c.id)
    .having(_sum("reserve") - _sum("give_back") - _sum("recredit") != _sum("refund"))
    .order_by(cases.c.id)
)


def wrong_sums(connection: Connection) -> Iterator[str]:
    """Name every closed case whose sums do not add up, in its currency's minor units."""
    for row in connection.execute(_SUMS):
        yield (
            f"case {row.id}: reserved {row.reserved} - given back {row.given_back} - re-credited {row.recredited} "
            f"is not the refunded {row.refunded}"
        )
