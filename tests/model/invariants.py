"""What must hold in every state, and what a good end is (design, section 5: 1, 2, 5, 6, 7 and 10)."""

from functools import cache

from tests.model.rules import Rule
from tests.model.state import IDLE, Configuration, State
from tests.model.world import PRORATION, World, debits, exposure, left_on, replay, rest


def broken_rule(setting: Configuration, state: State) -> str:
    """The first invariant that the state breaks, or an empty string."""
    if not setting.keeps(Rule.RESERVE_FIRST):  # exposed by nature: what counts is how it ends
        return "finished, with cash out that no refundable credit covers" if loss_at_rest(state) else ""
    return _broken_at_stripe(state.world, setting.charges, counts_hands=setting.faults.by_hand > 0)


@cache
def _broken_at_stripe(world: World, captured: tuple[int, ...], *, counts_hands: bool) -> str:
    if any(left_on(world, charge, captured) < 0 for charge in range(len(captured))):
        return "a charge has more refunded than was captured"
    if counts_hands:
        out = sum(refund.amount for refund in world.refunds if not refund.failed)
        if out > sum(move.amount for move in world.moves if move.kind == PRORATION):
            return "the same credit was refunded by hand and by us"
    if world.begun:
        return "a money step began while a halt stood"
    if any(rest(world, debit) < 0 for debit in debits(world)):
        return "cash out and given back exceed what was debited"
    if exposure(world):
        return "cash went out that no refundable credit covers"
    return ""


def forget() -> None:
    """Drop what was remembered of the worlds explored before."""
    _broken_at_stripe.cache_clear()
    exposure.cache_clear()
    replay.cache_clear()


def loss_at_rest(state: State) -> int:
    """What is still lost when all work is finished, in units."""
    lost = exposure(state.world)
    return lost if lost and _is_quiet(state) else 0


def is_good_end(setting: Configuration, state: State) -> bool:
    """All finished, and each mark's rest is zero: what was debited was refunded or given back."""
    return _is_quiet(state) and not any(rest(state.world, debit) for debit in debits(state.world))


def _is_quiet(state: State) -> bool:
    is_working = any(worker.at != IDLE for worker in state.workers) or any(ledger.live for ledger in state.ledgers)
    return not is_working and not state.world.transit and not state.world.landing
