"""Plans as JSON and back, exactly: the text in the ledger is the whole plan, before-images and all."""

import json
from dataclasses import fields
from typing import Any

from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.credit import Cause, Lot, Origin
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.plans import Candidate, Plan, PlannedRefund
from refund_worker.domain.reasons import Reason


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_PLAN = _names(Plan)
_PARTS: dict[str, tuple[str, ...]] = {
    "lots": _names(Lot),
    "named_lots": _names(NamedLot),
    "candidates": _names(Candidate),
    "refunds": _names(PlannedRefund),
}


def plan_to_json(plan: Plan) -> str:
    """Return the plan as canonical JSON; equal plans give equal texts."""
    content: dict[str, object] = {name: getattr(plan, name) for name in _PLAN}
    for name, parts in _PARTS.items():
        content[name] = [{part: getattr(value, part) for part in parts} for value in getattr(plan, name)]
    return canonical_json(content)


def plan_from_json(content: str) -> Plan:
    """Return the plan that `plan_to_json` wrote.

    Raises:
        ValueError: If a word in it is not in one of the domain's closed lists, or it is not JSON.
        TypeError: If a part has other names than the domain's, or lacks one.
    """
    raw: dict[str, Any] = json.loads(content)
    raw["lots"] = tuple(_lot(**lot) for lot in raw.get("lots", ()))
    raw["named_lots"] = tuple(NamedLot(**lot) for lot in raw.get("named_lots", ()))
    raw["candidates"] = tuple(Candidate(**candidate) for candidate in raw.get("candidates", ()))
    raw["refunds"] = tuple(PlannedRefund(**refund) for refund in raw.get("refunds", ()))
    reason = raw.get("reason")
    raw["reason"] = None if reason is None else Reason(reason)
    return Plan(**raw)


def _lot(*, origin: str, cause: str | None, **rest: Any) -> Lot:
    return Lot(origin=Origin(origin), cause=None if cause is None else Cause(cause), **rest)
