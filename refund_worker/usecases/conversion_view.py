"""What Stripe shows of the items of a conversion: what is carried of each, and where it is now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from refund_worker.domain.carried import CarriedItem, carried_items
from refund_worker.domain.cases import Case, Claim, Step, StepState
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import CustomerBalanceTransaction, ItemNow, ItemState
from refund_worker.domain.marks import Mark, readable_mark
from refund_worker.domain.movements import is_correction
from refund_worker.domain.steps import latest_attempts
from refund_worker.usecases.mark_view import next_name, record_found
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionView:
    """The movements first, the items after them.

    Attributes:
        carried: By the order of the conversion's items; one that no movement names is left out.
        items_now: By id.
        whole: Every item of the conversion is named by a movement: its credit is listed.
    """

    carried: tuple[CarriedItem, ...]
    items_now: Mapping[str, ItemNow]
    whole: bool


def transactions_of(world: World, case: Case) -> tuple[CustomerBalanceTransaction, ...] | None:
    """Every movement on the customer's balance, newest first; None where the customer is gone."""
    try:
        return tuple(world.stripe.customer_balance_transactions(case.plan.customer))
    except NotFound:
        return None


def view_items(
    world: World, case: Case, transactions: tuple[CustomerBalanceTransaction, ...], *, gone: set[str]
) -> ConversionView:
    """Look at the items, after the movements were read.

    Args:
        gone: Items that were seen gone: they stay so, and are not asked about again. What is gone now is added.
    """
    names = [item.item for one in case.plan.conversions for item in one.items]
    carried = carried_items(transactions)
    items_now = {
        name: ItemNow(id=name, state=ItemState.GONE) if name in gone else world.stripe.item(name) for name in names
    }
    gone |= {name for name, now in items_now.items() if now.state is ItemState.GONE}
    return ConversionView(
        carried=tuple(carried[name] for name in names if name in carried),
        items_now=items_now,
        whole=all(name in carried for name in names),
    )


def record_what_is_shown(
    world: World, claim: Claim, case: Case, transactions: tuple[CustomerBalanceTransaction, ...], *, gone: set[str]
) -> Case:
    """Bring the ledger's steps up to what Stripe shows: corrections without an answer, deletions that happened."""
    case = world.ledger.case(case.id) or case
    return record_found(
        world,
        claim,
        case,
        [*_corrections_shown(case, transactions, now=world.clock.now()), *_deletions_shown(case, gone)],
    )


def _deletions_shown(case: Case, gone: set[str]) -> Iterator[Step]:
    for step in latest_attempts(case.steps).values():
        open_ = step.state in {StepState.INTENDED, StepState.UNKNOWN}
        if step.kind == "delete_item" and open_ and step.sends and step.target in gone:
            yield replace(step, stripe_id=step.target)


def _corrections_shown(case: Case, transactions: tuple[CustomerBalanceTransaction, ...], *, now: int) -> Iterator[Step]:
    """Corrections that bear the case's mark, and of which the ledger knows no answer or nothing at all."""
    by_id = {step.stripe_id for step in case.steps if step.stripe_id}
    by_name = latest_attempts(case.steps)
    for row in reversed(transactions):
        mark = readable_mark(row.metadata)
        if mark is None or mark.case != case.id or not is_correction(mark, row) or row.id in by_id:
            continue
        step = by_name.get(mark.step)
        if step is None or step.stripe_id is not None or step.amount_minor != abs(row.amount_minor):
            step = _forgotten(row, mark, by_name, now=now)
        by_name[step.name] = found = replace(step, stripe_id=row.id, ending_balance_minor=row.ending_balance_minor)
        yield found


def _forgotten(row: CustomerBalanceTransaction, mark: Mark, by_name: Mapping[str, Step], *, now: int) -> Step:
    """The step of a correction that this ledger does not know: it is an older copy of itself."""
    return Step(
        name=mark.step if mark.step not in by_name else next_name("correct", by_name),
        attempt=1,
        key=f"adopted:{row.id}",
        amount_minor=abs(row.amount_minor),
        target=row.customer,
        params={"amount": row.amount_minor, "metadata": dict(row.metadata)},
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=now,
    )
