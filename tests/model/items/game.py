"""The game of the conversions: credit the items, delete them, correct what could not be deleted."""

from collections.abc import Iterator

from tests.model.explore import Explorer, Game, Result
from tests.model.items import protocol
from tests.model.items.environment import events
from tests.model.items.invariants import broken_rule, describe, exposure, forget, is_good_end, loss_at_rest
from tests.model.items.state import Configuration, State


def successors(setting: Configuration, state: State) -> Iterator[tuple[str, str, State, bool]]:
    """Who does what, the state after it, and whether recovery may count on it."""
    for me in range(len(state.workers)):
        for label, after, counts in protocol.successors(setting, state, me):
            yield f"worker {me}", label, after, counts
    for label, after, counts in events(setting, state):
        yield "", label, after, counts


CONVERSIONS: Game[Configuration, State] = Game(
    start=Configuration.start,
    state=State,
    successors=successors,
    broken_rule=broken_rule,
    is_good_end=is_good_end,
    exposure=exposure,
    loss_at_rest=loss_at_rest,
    is_followed=lambda _: False,
    describe=describe,
    forget=forget,
)


def explore(setting: Configuration) -> Result:
    """Explore one configuration until its first violation, or all of it."""
    return Explorer(CONVERSIONS, setting).run()
