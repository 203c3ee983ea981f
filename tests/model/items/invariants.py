"""What must hold in every state, and what a good end is."""

from tests.model.items.state import DONE, IDLE, Configuration, State
from tests.model.items.view import to_take, unfinished
from tests.model.items.world import (
    CASH,
    INVOICE,
    PENDING,
    World,
    balance,
    carries,
    carrying,
    lots,
    worth,
)

UNITS_PER_ITEM = 2  # every world has one item of two units; its table speaks of an item of 100


def broken_rule(setting: Configuration, state: State) -> str:
    """The first invariant that the state breaks, or an empty string."""
    world = state.world
    if world.broken:
        return world.broken
    for item in range(len(world.items)):
        named = carrying(world.moves, item)
        if any((rest < 0) != (dict(world.moves[at].names)[item] < 0) for at, rest in named):
            return "more was taken off than the mark carried"
        if len(named) > 1 and not setting.twice:
            return "the credit of an item was given twice"
    if is_quiet(state) and not unfinished(setting, world.moves, world.items):
        return _broken_at_rest(setting, world)
    return ""


def _broken_at_rest(setting: Configuration, world: World) -> str:
    value = worth(world)
    if value > world.high:
        return f"at rest, with {(value - world.high) * 100 // UNITS_PER_ITEM} made"
    if value < world.low:
        return f"at rest, with {(world.low - value) * 100 // UNITS_PER_ITEM} lost"
    if not setting.goodwill and not any(move.kind == INVOICE for move in world.moves):
        refundable = sum(amount for _, amount in to_take(setting, world.moves))
        if refundable < -balance(world.moves):
            return "at rest, with credit of the items that can never leave as cash"
    return ""


def is_quiet(state: State) -> bool:
    """Nobody works, nothing is live or under way."""
    is_working = any(worker.at != IDLE for worker in state.workers) or any(ledger.live for ledger in state.ledgers)
    return not is_working and not state.world.transit and not state.world.landing


def is_good_end(setting: Configuration, state: State) -> bool:
    """All finished: no conversion is left half done; where all must be converted, nothing is pending. Under a halt what
    has its credit may stay as it is."""
    world = state.world
    if world.halted and _is_left_as_it_is(state):
        return True
    if not is_quiet(state) or unfinished(setting, world.moves, world.items):
        return False
    is_left = any(item.where == PENDING for item in world.items) and not world.forbidden
    return not (setting.converts_all and is_left)


def _is_left_as_it_is(state: State) -> bool:
    is_working = any(worker.at != IDLE for worker in state.workers)
    live = [case for ledger in state.ledgers for case in ledger.live]
    return not is_working and not state.world.transit and all(case.credit == DONE for case in live)


def exposure(state: State) -> int:
    """What counts twice in this instant, as an item and as a credit or as two credits, in units."""
    return max(0, worth(state.world) - state.world.high)


def loss_at_rest(state: State) -> int:
    """Nothing here is followed to its worst: the first violation ends the exploration."""
    return 0


def forget() -> None:
    """Drop what was remembered of the worlds explored before."""
    carries.cache_clear()
    lots.cache_clear()


def describe(state: State) -> str:
    """The items, the balance, the cash."""
    world = state.world
    places = ("absent", "pending", "on a draft", "on an invoice", "gone")
    shown = ", ".join(f"{item.amount} {places[item.where]}" for item in world.items)
    cash = sum(move.amount for move in world.moves if move.kind == CASH)
    return f"items {shown}; balance {balance(world.moves)}; cash {cash}"
