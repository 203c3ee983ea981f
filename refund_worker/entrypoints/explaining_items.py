"""Pending items that become, or became, credit: the lines that `explain` gives them."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.cases import Case, StepState
from refund_worker.domain.conversions import Conversion
from refund_worker.domain.facts import PendingItem
from refund_worker.domain.plans import Plan
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.times import utc


def planned_conversions(plan: Plan) -> Iterator[str]:
    """What is moved onto the balance before anything is refunded; the plan's sums count it already."""
    if plan.conversions:
        yield "pending items that become credit first:"
    for one in plan.conversions:
        items = ", ".join(f"{item.item} {face_value(item.amount_minor, one.currency)}" for item in one.items)
        yield f"  {_moved(one)} ({items})"


def waiting_items(items: Iterable[PendingItem]) -> Iterator[str]:
    """What is left to the next invoice, or to a person: what is held for them is settled by these ids."""
    told = [
        f"  {one.id} {face_value(one.amount_minor, one.currency)} of {one.subscription or 'no subscription'}"
        f"{', deferred' if one.deferred else ''}{', taxed' if one.exclusive_tax else ''}"
        for one in items
    ]
    if told:
        yield "pending items that stay as they are (negative = credit):"
    yield from told


def waiting_json(items: Iterable[PendingItem]) -> list[dict[str, object]]:
    """The same for `--json`; minor units, Stripe's sign."""
    return [
        {
            "item": one.id,
            "amount_minor": one.amount_minor,
            "subscription": one.subscription,
            "deferred": one.deferred,
            "exclusive_tax": one.exclusive_tax,
        }
        for one in items
    ]


def past_conversion(case: Case) -> Iterator[str]:
    """What a conversion of this ledger moved, and each item it deleted with all that is needed to make it again."""
    ended = f"closed {utc(case.closed_at)}" if case.closed_at else f"live, {case.state}"
    told = f" ({case.reason})" if case.reason else ""
    for one in case.plan.conversions:
        yield f"  {utc(case.opened_at)}  {case.id}: pending items became credit, {_moved(one)}, {ended}{told}"
    for step in case.steps:
        if step.kind == "delete_item" and step.state is StepState.ACCEPTED:
            yield f"    {step.target} deleted, it was {canonical_json(step.params['record'])}"


def conversion_json(case: Case) -> dict[str, object]:
    """What `--json` tells of a conversion beside its movements; nothing of any other case."""
    if not case.converts:
        return {}
    deleted = [step for step in case.steps if step.kind == "delete_item" and step.state is StepState.ACCEPTED]
    return {
        "conversions": [asdict(one) for one in case.plan.conversions],
        "deleted_items": [{"item": step.target, "record": step.params["record"]} for step in deleted],
    }


def _moved(one: Conversion) -> str:
    credit, proration = (face_value(minor, one.currency) for minor in (one.credit_minor, one.proration_minor))
    credited = f" for {', '.join(one.credited)}" if one.credited else ""
    cause = one.cause.replace("_", " ")
    return f"{credit}, {proration} of it proration by {cause} of {one.subscription}{credited}"
