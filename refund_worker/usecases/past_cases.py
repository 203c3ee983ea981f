"""What the ledger knows of a customer's past, asked before the facts are read and once more when a case is opened."""

from collections.abc import Mapping
from dataclasses import dataclass

from refund_worker.domain.cases import Case
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason
from refund_worker.usecases.world import World

# What Stripe refused to the end it would refuse again: such a plan is not tried twice before the next night, though
# our own give-back brings an event that wants the customer at once.
REFUSED_LATELY_S = 20 * 3600
_REFUSED = frozenset({Reason.CHARGES_EXHAUSTED, Reason.RESERVE_REFUSED, Reason.REFUND_FAILED})


class PlannedMeanwhile(Exception):
    """Another worker's case was opened or closed since the facts were read; the transaction is rolled back."""


# A case and when it was closed: another answer means that it went on meanwhile.
Newest = tuple[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCases:
    """The customer's newest case in each currency, before the facts were read."""

    by_currency: Mapping[str, Case]

    def newest(self, currency: str) -> Newest | None:
        """The newest case of a currency; None = there is none."""
        case = self.by_currency.get(currency)
        return None if case is None else (case.id, case.closed_at)

    def refused_lately(self, plan: Plan, *, now: int) -> Case | None:
        """The newest case of the plan's currency, where Stripe refused this very plan lately."""
        case = self.by_currency.get(plan.currency)
        if case is None or case.plan.digest != plan.digest or case.reason not in _REFUSED:
            return None
        return case if case.closed_at is not None and case.closed_at > now - REFUSED_LATELY_S else None


def past_cases(world: World, customer: str, *, but: str | None = None) -> PastCases:
    """Read the customer's cases, without one that was just opened."""
    newest: dict[str, Case] = {}
    for case in world.ledger.cases_of_customer(customer):
        if case.id != but:
            newest.setdefault(case.plan.currency, case)
    return PastCases(by_currency=newest)


def check_newest(world: World, case: Case, *, newest: Newest | None) -> None:
    """Raise PlannedMeanwhile unless a case that was just opened is the first since the facts were read.

    Args:
        newest: What was the customer's newest case in this currency before that.
    """
    if past_cases(world, case.plan.customer, but=case.id).newest(case.plan.currency) != newest:
        raise PlannedMeanwhile
