"""Carries out the conversions of an admitted plan, one by one, each followed by a new look at the customer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from refund_worker.domain.cases import Outcome
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult, Movement, result_of_plan
from refund_worker.usecases.act_on_plan import Basis
from refund_worker.usecases.convert_items import convert_items
from refund_worker.usecases.world import World

# A customer with more subscriptions that ended at once is looked at again by the next run.
_CONVERSIONS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A plan whose conversions are done.

    Attributes:
        plan: Without conversions, unless it has a reason why nothing may be done.
        movements: What the conversions moved on the customer's balance.
        result: The case that is told instead, where the plan cannot be carried out now.
    """

    plan: Plan
    basis: Basis
    movements: tuple[Movement, ...] = ()
    result: CaseResult | None = None


def settle_items(
    world: World, *, run: str, plan: Plan, basis: Basis, again: Callable[[str], tuple[Plan, Basis]]
) -> Settled:
    """Convert what a plan says is to be converted first; nothing where it says nothing.

    Args:
        plan: Admitted, its sum booked.
        again: Reads the customer anew and plans the currency. A sum above the admitted one is left to another run.
    """
    admitted, movements = plan.planned_minor, list[Movement]()
    for _ in range(_CONVERSIONS_MAX):
        if plan.reason is not None or not plan.conversions:
            break
        done = convert_items(world, run=run, plan=plan, basis=basis)
        if isinstance(done, Reason):
            return _stopped(plan, basis, movements, skipped(world, plan, reason=done))
        if not done.ended_conversion or done.reason is not None:
            return _stopped(plan, basis, movements, done)
        movements += done.movements
        plan, basis = again(plan.currency)
    if plan.reason is None and (plan.conversions or plan.planned_minor > admitted):
        return _stopped(plan, basis, movements, skipped(world, plan, reason=Reason.PLAN_STALE))
    return Settled(plan=plan, basis=basis, movements=tuple(movements))


def skipped(world: World, plan: Plan, *, reason: Reason) -> CaseResult:
    """The case of a plan that cannot be carried out now: nothing was moved of its credit."""
    result = result_of_plan(world.new_id("case"), plan, reason=reason)
    return replace(result, outcome=Outcome.SKIPPED, planned_minor=0, refunds=())


def movements_of(conversions: Iterable[CaseResult]) -> tuple[Movement, ...]:
    """What conversions moved on the customer's balance."""
    return tuple(movement for one in conversions for movement in one.movements)


def _stopped(plan: Plan, basis: Basis, movements: list[Movement], result: CaseResult) -> Settled:
    return Settled(plan=plan, basis=basis, movements=tuple(movements), result=result)
