"""What is left to do about the items of a conversion whose credit is on the balance: delete, or take off again."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from refund_worker.domain.carried import CarriedItem
from refund_worker.domain.facts import ItemNow, ItemState, PendingItem


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an item that is as it was when it was credited."""

    item: PendingItem


@dataclass(frozen=True, slots=True)
class Correct:
    """Take off the balance what of an item does not belong there: `amount_minor` has Stripe's sign of the item."""

    item: CarriedItem
    amount_minor: int


def left_to_delete(
    carried: Iterable[CarriedItem], *, items_now: Mapping[str, ItemNow], undeletable: AbstractSet[str]
) -> tuple[Delete, ...]:
    """Return the items that still exist as they were credited, by their order.

    One of which nothing is carried stays: somebody took it off the balance, and it will be judged anew.

    Args:
        carried: Of the conversion, read before the items were looked at.
        items_now: Where the items are.
        undeletable: Items that Stripe refused to delete.
    """
    return tuple(
        Delete(found.item)
        for one in carried
        if (found := items_now[one.item]).item is not None
        and found.state is ItemState.PENDING
        and one.item not in undeletable
        and one.carried_minor == one.named_minor
        and (found.item.amount_minor, found.item.currency) == (one.named_minor, one.currency)
    )


def left_to_correct(carried: Iterable[CarriedItem], *, items_now: Mapping[str, ItemNow]) -> tuple[Correct, ...]:
    """Return what must be taken off again, or put back: what is carried must be all of an item that is gone, else none.

    Only asked when nothing is left to delete.
    """
    return tuple(
        Correct(item=one, amount_minor=one.carried_minor - wanted)
        for one in carried
        if one.carried_minor != (wanted := one.wanted_minor(items_now[one.item].state))
    )
