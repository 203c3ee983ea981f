"""Verifies the sums in the tables: per closed case, reserved - given back - re-credited = refunded (invariant 2).

And of conversions: no item was deleted without an accepted credit, each deletion kept what the item can be made again
from, and the credit is the sum of the items that the plan names.
"""

import json
from collections.abc import Iterator
from typing import Any

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


_credit = steps.alias("credit")
_DELETIONS = (
    select(steps.c.case_id, steps.c.step, steps.c.params, _credit.c.amount_minor.label("credited"), cases.c.plan)
    .join(cases, cases.c.id == steps.c.case_id)
    .join(
        _credit,
        and_(
            _credit.c.case_id == steps.c.case_id,
            _credit.c.step == "credit_items",
            _credit.c.state == str(StepState.ACCEPTED),
        ),
        isouter=True,
    )
    .where(steps.c.state == str(StepState.ACCEPTED), steps.c.step.startswith("delete_item:", autoescape=True))
    .order_by(steps.c.case_id, steps.c.step)
    .execution_options(yield_per=500)
)


def wrong_conversions(connection: Connection) -> Iterator[str]:
    """Name every deletion of an item that had no credit before it, or kept no record, or belongs to another sum."""
    # Closed also by a reader who stops early: a cursor at the server is open until then.
    with connection.execute(_DELETIONS) as deletions:
        for row in deletions:
            yield from _wrong_deletion(row)


def _wrong_deletion(row: Any) -> Iterator[str]:
    named = sum(item["amount_minor"] for one in _json(row.plan).get("conversions", ()) for item in one["items"])
    if row.credited is None:
        yield f"case {row.case_id}: {row.step} was made without an accepted credit"
    elif row.credited != -named:
        yield f"case {row.case_id}: {row.credited} were credited for items whose sum is {named}"
    if not _json(row.params).get("record"):
        yield f"case {row.case_id}: {row.step} kept no record of the item"


def _json(content: str) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except ValueError:  # somebody's own; that the row was changed is told elsewhere
        return {}
    return read if isinstance(read, dict) else {}


def wrong_sums(connection: Connection) -> Iterator[str]:
    """Name every closed case whose sums do not add up, in its currency's minor units."""
    for row in connection.execute(_SUMS):
        yield (
            f"case {row.id}: reserved {row.reserved} - given back {row.given_back} - re-credited {row.recredited} "
            f"is not the refunded {row.refunded}"
        )
