"""The game of the refunds: reserve, refund, close."""

from collections.abc import Iterator

from tests.model import protocol
from tests.model.environment import events
from tests.model.explore import Explorer, Game, Result
from tests.model.invariants import broken_rule, forget, is_good_end, loss_at_rest
from tests.model.rules import Rule
from tests.model.state import Configuration, State
from tests.model.world import exposure, replay


def successors(setting: Configuration, state: State) -> Iterator[tuple[str, str, State, bool]]:
    """Who does what, the state after it, and whether recovery may count on it."""
    for me in range(len(state.workers)):
        for label, after, counts in protocol.successors(setting, state, me):
            yield f"worker {me}", label, after, counts
    for label, after, counts in events(setting, state):
        yield "", label, after, counts


def _describe(state: State) -> str:
    world = state.world
    paid = [
        f"{amount} from charge {charge}{' by hand' if case < 0 else ''}{', failed' if failed else ''}"
        for case, charge, amount, failed in world.refunds
    ]
    return f"balance {replay(world.moves).balance}, refunds: {'; '.join(paid) or 'none'}"


REFUNDS: Game[Configuration, State] = Game(
    start=Configuration.start,
    state=State,
    successors=successors,
    broken_rule=broken_rule,
    is_good_end=is_good_end,
    exposure=lambda state: exposure(state.world),
    loss_at_rest=loss_at_rest,
    is_followed=lambda setting: not setting.keeps(Rule.RESERVE_FIRST),
    describe=_describe,
    forget=forget,
)


def explore(setting: Configuration) -> Result:
    """Explore one configuration until its first violation, or all of it."""
    return Explorer(REFUNDS, setting).run()
