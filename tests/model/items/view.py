"""What a worker concludes from what it has read: movements first, then items."""

from tests.model.items.rules import Rule
from tests.model.items.state import Configuration
from tests.model.items.world import (
    ABSENT,
    GONE,
    LIVE,
    PENDING,
    Item,
    Moves,
    Named,
    balance,
    carries,
    carrying,
    lots,
)


def unfinished(setting: Configuration, moves: Moves, items: tuple[Item, ...]) -> list[int]:
    """Items that marks name and that are not as they must be at a good end."""
    return [at for at, item in enumerate(items) if carries(moves, at) and not _is_finished(setting, moves, at, item)]


def _is_finished(setting: Configuration, moves: Moves, at: int, item: Item) -> bool:
    held = len(carrying(moves, at))
    if item.where not in (GONE, ABSENT):
        return not held
    return held == 1 or (not held and setting.keeps(Rule.CORRECTED_ITEM_IS_LEFT))


def conversion_to_complete(moves: Moves, unfinished_items: list[int]) -> int:
    """The position of a credit to complete: the youngest that carries such an item, or names it."""
    found = [at for item in unfinished_items for at, _ in carrying(moves, item)[-1:]]
    return found[0] if found else carries(moves, unfinished_items[0])[-1][0]


def group(items: tuple[Item, ...]) -> Named:
    """The pending items, if they net to a credit."""
    pending = tuple((at, item.amount) for at, item in enumerate(items) if item.where == PENDING)
    return pending if sum(amount for _, amount in pending) < 0 else ()


def to_take(setting: Configuration, moves: Moves) -> Named:
    """The refundable lots, as far as there is credit: position and amount."""
    left = max(0, -balance(moves))
    found = []
    for at, lot in lots(moves, oldest_wins=setting.keeps(Rule.OLDEST_MARK_WINS)).items():
        part = min(lot.refundable, left)
        left -= part
        if part:
            found.append((at, part))
    return tuple(found)


def may_be_deleted(setting: Configuration, item: Item, amount: int) -> bool:
    """The item is still as the mark names it, and where a DELETE reaches it."""
    reach = LIVE if setting.keeps(Rule.DRAFT_ITEMS_ARE_DELETED) else (PENDING,)
    return item.where in reach and item.amount == amount
