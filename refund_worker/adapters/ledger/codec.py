"""Plans as JSON and back, exactly: the text in the ledger is the whole plan, before-images and all."""

import json
from dataclasses import fields
from typing import Any

from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.conversions import Conversion, NamedItem
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
_CONVERSION = _names(Conversion)
_ITEM = _names(NamedItem)


def plan_to_json(plan: Plan) -> str:
    """Return the plan as canonical JSON; equal plans give equal texts."""
    content: dict[str, object] = {name: getattr(plan, name) for name in _PLAN}
    for name, parts in _PARTS.items():
        content[name] = [{part: getattr(value, part) for part in parts} for value in getattr(plan, name)]
    content["conversions"] = [_of_conversion(one) for one in plan.conversions]
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
    raw["conversions"] = tuple(_conversion(**one) for one in raw.get("conversions", ()))
    reason = raw.get("reason")
    raw["reason"] = None if reason is None else Reason(reason)
    return Plan(**raw)


def _lot(*, origin: str, cause: str | None, **rest: Any) -> Lot:
    return Lot(origin=Origin(origin), cause=None if cause is None else Cause(cause), **rest)


def _of_conversion(conversion: Conversion) -> dict[str, object]:
    parts = {part: getattr(conversion, part) for part in _CONVERSION}
    items = [{part: getattr(item, part) for part in _ITEM} for item in conversion.items]
    return parts | {"items": items, "credited": list(conversion.credited)}


def _conversion(*, items: list[dict[str, Any]], cause: str, credited: list[str], **rest: Any) -> Conversion:
    named = tuple(NamedItem(**item) for item in items)
    return Conversion(items=named, cause=Cause(cause), credited=tuple(credited), **rest)
