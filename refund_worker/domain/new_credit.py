"""Which credit is new: not the unchanged credit of a hold or skip that stands."""

from collections.abc import Collection, Mapping

from refund_worker.domain.balances import stated_credits
from refund_worker.domain.facts import Customer, PendingItem
from refund_worker.domain.unusual import Weight


def credits_known(customer: Customer, pending_items: Collection[PendingItem]) -> dict[str, int]:
    """What the customer object and the pending items tell of the credit per currency, positive minor units."""
    stated = {currency: minor for currency, minor in stated_credits(customer).items() if minor > 0}
    return with_items(stated, pending_items)


def with_items(credit_minor: Mapping[str, int], pending_items: Collection[PendingItem]) -> dict[str, int]:
    """Credit per currency with that of pending items: of each subscription's, and of those of none, that are one."""
    net: dict[tuple[str, str | None], int] = {}
    for item in pending_items:
        group = item.currency, item.subscription
        net[group] = net.get(group, 0) + item.amount_minor
    known = dict(credit_minor)
    for (currency, _), minor in net.items():
        if minor < 0:
            known[currency] = known.get(currency, 0) - minor
    return known


class Scale:
    """Adds up a night's new credit customer by customer."""

    def __init__(self) -> None:
        self._customers = 0
        self._credit_minor: dict[str, int] = {}

    def add(self, credit_minor: Mapping[str, int], *, standing: Mapping[str, Collection[int]]) -> None:
        """Add one customer.

        Args:
            credit_minor: Per currency, positive minor units, as `credits_known`.
            standing: Per currency, the credit with which a hold or skip of the customer stands (with and without its
                pending items): just that credit is not new.
        """
        new = {currency: minor for currency, minor in credit_minor.items() if minor not in standing.get(currency, ())}
        if not new:
            return
        self._customers += 1
        for currency, minor in new.items():
            self._credit_minor[currency] = self._credit_minor.get(currency, 0) + minor

    @property
    def weight(self) -> Weight:
        """What was added so far."""
        return Weight(customers=self._customers, credit_minor=dict(self._credit_minor))
