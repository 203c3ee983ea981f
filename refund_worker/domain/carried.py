"""What conversions carried onto the balance, item by item, as the marks of all deployments say.

An item's amount is *carried* while the sum of what credits moved of it, less the corrections, is not zero. Rightly
carried is an item that is gone; of one that still exists nothing may be carried, for an invoice can use it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from refund_worker.domain.facts import CustomerBalanceTransaction, ItemNow, ItemState
from refund_worker.domain.marks import Mark, readable_mark
from refund_worker.domain.movements import is_conversion, is_correction

# So long a deletion of a worker that was paused, or of another deployment, may still arrive.
LOOKED_AT_S = 2 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedItem:
    """One invoice item that credits of ours named; amounts in minor units with Stripe's sign of the item.

    Attributes:
        named_minor: What the newest credit said that it is.
        carried_minor: What is on the balance of it: credits less corrections.
        conversion: The oldest credit that named it.
        moved: How many movements named it.
        newest: When the newest of them was made, epoch seconds.
    """

    item: str
    currency: str
    named_minor: int
    carried_minor: int
    conversion: str
    moved: int
    newest: int

    def wanted_minor(self, state: ItemState) -> int:
        """What should be carried of it: all where it is gone, nothing while it exists."""
        return self.named_minor if state is ItemState.GONE else 0

    def settled(self, now: ItemNow | None) -> bool:
        """Whether nothing is left to do about it; not where nobody looked."""
        return now is not None and self.carried_minor == self.wanted_minor(now.state)


def carried_items(transactions: Sequence[CustomerBalanceTransaction]) -> Mapping[str, CarriedItem]:
    """Return what is carried by item, of any currency.

    Args:
        transactions: Of one customer, newest first. A correction whose credit is not among them is passed over.
    """
    found: dict[str, CarriedItem] = {}
    for row, mark in _marked(reversed(transactions)):
        credits_items = mark.kind == "credit_items"
        for item in mark.items:
            known = found.get(item.item)
            if known is None and not credits_items:
                continue
            sign = 1 if credits_items else -1
            found[item.item] = CarriedItem(
                item=item.item,
                currency=row.currency,
                named_minor=item.amount_minor if known is None or credits_items else known.named_minor,
                carried_minor=(known.carried_minor if known else 0) + sign * item.amount_minor,
                conversion=known.conversion if known else row.id,
                moved=(known.moved if known else 0) + 1,
                newest=row.created,
            )
    return found


def items_to_look_at(transactions: Sequence[CustomerBalanceTransaction], *, now: int) -> tuple[str, ...]:
    """Return the items that a decision must know the state of: of all that a lot may be left of, or that is young.

    They are to be looked at after the balance transactions were read, never before.

    Args:
        transactions: Of one customer, newest first, of any currency.
        now: Epoch seconds.
    """
    spent: set[str] = set()
    found: dict[str, None] = {}
    for row in transactions:
        if row.ending_balance_minor >= 0:
            spent.add(row.currency)  # whatever was credited up to here was used, or is reserved
        mark = _ours(row)
        if mark is not None and (row.currency not in spent or row.created > now - LOOKED_AT_S):
            found |= dict.fromkeys(item.item for item in mark.items)
    return tuple(found)


def unsettled(
    transactions: Sequence[CustomerBalanceTransaction],
    *,
    items_now: Mapping[str, ItemNow],
    pending: AbstractSet[str],
    currency: str,
    now: int,
) -> tuple[CarriedItem, ...]:
    """Return the items of conversions that are not finished: carried and not gone, or gone and not carried.

    Args:
        transactions: Of one customer, newest first.
        items_now: By id, looked at after the transactions were read.
        pending: The ids of the customer's pending items.
        currency: The one to look at.
        now: Epoch seconds.
    """
    carried = carried_items(transactions)
    asked = set(items_to_look_at(transactions, now=now))
    return tuple(
        one
        for one in carried.values()
        if one.currency == currency
        and (
            (one.item in asked and not one.settled(items_now.get(one.item)))
            or (one.item in pending and one.carried_minor != 0)
        )
    )


def movements_of(items: Iterable[str], *, transactions: Iterable[CustomerBalanceTransaction]) -> int:
    """How many movements of ours named one of these items."""
    wanted = set(items)
    return sum(1 for _, mark in _marked(transactions) if wanted & {item.item for item in mark.items})


def _marked(
    transactions: Iterable[CustomerBalanceTransaction],
) -> Iterator[tuple[CustomerBalanceTransaction, Mark]]:
    for row in transactions:
        mark = _ours(row)
        if mark is not None:
            yield row, mark


def _ours(row: CustomerBalanceTransaction) -> Mark | None:
    mark = readable_mark(row.metadata)
    return mark if mark is not None and (is_conversion(mark, row) or is_correction(mark, row)) else None
