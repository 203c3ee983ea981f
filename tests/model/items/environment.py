"""What happens without the workers: kills, time, the network, invoices, people, lost ledgers."""

from collections.abc import Callable, Iterator

from tests.model.items.state import (
    IDLE,
    OPEN,
    READ_SECOND,
    RESTING,
    SEND,
    Configuration,
    Ledger,
    State,
    Successor,
    change,
)
from tests.model.items.world import (
    ABSENT,
    CORRECT,
    CREDIT_ITEMS,
    DRAFT,
    FINAL,
    FRESH,
    GONE,
    INVOICE,
    LATE,
    LIVE,
    PENDING,
    PRUNED,
    Item,
    Move,
    Request,
    World,
    balance,
    book,
    carrying,
    put,
    submit,
)


def events(setting: Configuration, state: State) -> Iterator[Successor]:
    """All that may happen from outside. Recovery may count on time and on the network, not on luck."""
    yield from _ticks(state)
    yield from _network(state)
    drafts = [at for at, item in enumerate(state.world.items) if item.where == DRAFT]
    if drafts:
        yield "the draft is finalised", _moved(state, drafts, FINAL), False
    if state.world.forbidden:
        yield "the right to delete is given back", state._replace(world=state.world._replace(forbidden=0)), False
    if state.world.halted:
        # Nobody counts on it: what is left live under the halt is a good end of its own.
        yield "the halt is lifted", state._replace(world=state.world._replace(halted=False)), False
    for name, happens in _FAULTS.items():
        budget = getattr(state.faults, name)
        if budget:
            less = state._replace(faults=state.faults._replace(**{name: budget - 1}))
            for label, after in happens(setting, less):
                yield label, after, False


def _ticks(state: State) -> Iterator[Successor]:
    """A case whose credit may still come grows older. What was sent within four hours has landed by the end of eight,
    and every case that was planned without seeing another's credit is then no more than eight hours younger."""
    world = state.world
    for case, age in enumerate(world.ages):
        if age == PRUNED or any(older <= age for older in world.ages[:case]) or not _matters(state):
            continue
        keys = world.keys
        if age == LATE:
            if FRESH in world.ages or _is_deciding(state):
                continue
            keys = tuple(row for row in keys if row[0].step != CREDIT_ITEMS or row[0].case != case)
        ages = (*world.ages[:case], age + 1, *world.ages[case + 1 :])
        label = "24 hours have passed, its key is gone" if age == LATE else "4 hours have passed"
        yield label, state._replace(world=world._replace(ages=ages, keys=keys)), True


def _is_deciding(state: State) -> bool:
    """Somebody plans from facts that grow old, or sends a credit that was checked in time."""
    reads = any(worker.at == READ_SECOND for worker in state.workers)
    return reads or any(not request.late for request in _credits_under_way(state))


def _matters(state: State) -> bool:
    live = [case for ledger in state.ledgers for case in ledger.live]
    return any(case.credit == OPEN for case in live) or bool(_credits_under_way(state))


def _credits_under_way(state: State) -> list[Request]:
    armed = [worker.request for worker in state.workers if worker.at == SEND and worker.request is not None]
    requests = (*armed, *state.world.transit, *state.world.landing)
    return [request for request in requests if request.step == CREDIT_ITEMS]


def _network(state: State) -> Iterator[Successor]:
    world = state.world
    for request in sorted(set(world.transit)):
        left = world._replace(transit=_without(world.transit, request))
        name = ("credit", "DELETE", "correction")[request.step]
        yield f"a delayed {name} is dropped", state._replace(world=left), True
        yield f"a delayed {name} arrives", state._replace(world=submit(left, request)[0]), True
    for request in sorted(set(world.landing)):
        left = world._replace(landing=_without(world.landing, request))
        yield "a 500 takes effect", state._replace(world=book(left, request)), True


def _without(requests: tuple[Request, ...], gone: Request) -> tuple[Request, ...]:
    at = requests.index(gone)
    return (*requests[:at], *requests[at + 1 :])


def _kills(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for me, worker in enumerate(state.workers):
        if worker.at != IDLE:
            yield f"worker {me} is killed", change(state, me, RESTING)


def _moved(state: State, which: list[int], where: int) -> State:
    world = state.world
    for at in which:
        world = put(world, at, world.items[at]._replace(where=where))
    return state._replace(world=world)


def _at(state: State, where: int) -> list[int]:
    return [at for at, item in enumerate(state.world.items) if item.where == where]


def _made(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for at in _at(state, ABSENT):
        after = _moved(state, [at], PENDING)
        yield f"item {at} is made", after._replace(world=_valued(after.world, -after.world.items[at].amount))


def _valued(world: World, more: int, *, either: bool = False) -> World:
    """The customer is worth so much more; or, where it cannot be told, perhaps."""
    low = world.low + (min(0, more) if either else more)
    high = world.high + (max(0, more) if either else more)
    return world._replace(low=low, high=high)


def _invoices(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    if pending := _at(state, PENDING):
        yield "an invoice takes the items", _moved(state, pending, FINAL)


def _drafts(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    if pending := _at(state, PENDING):
        yield "a draft takes the items", _moved(state, pending, DRAFT)


def _undrafts(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    if drafts := _at(state, DRAFT):
        yield "the draft is deleted, its items are pending again", _moved(state, drafts, PENDING)


def _uses(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    world = state.world
    amount = max(0, -balance(world.moves))
    if amount:
        moves = (*world.moves, Move(INVOICE, 0, amount))
        yield f"an invoice uses {amount} of the balance", state._replace(world=world._replace(moves=moves))


def _deletes(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    under_way = _credits_under_way(state) and not setting.in_the_moment
    for at, (amount, where) in enumerate(state.world.items):
        has_credit = bool(carrying(state.world.moves, at))
        if where in LIVE and (has_credit or not under_way):
            world = put(state.world, at, Item(amount, GONE))
            world = _valued(world, amount, either=has_credit)
            yield f"somebody deletes item {at}", state._replace(world=world)


def _changes(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    under_way = _credits_under_way(state) and not setting.in_the_moment
    for at, (amount, where) in enumerate(state.world.items):
        has_credit = bool(carrying(state.world.moves, at))
        if where in LIVE and amount + 1 and (has_credit or not under_way):
            world = put(state.world, at, Item(amount + 1, where))
            world = _valued(world, -1, either=has_credit)
            yield f"somebody changes item {at} to {amount + 1}", state._replace(world=world)


def _lost_ledgers(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for at, ledger in enumerate(state.ledgers):
        if ledger != Ledger():
            ledgers = (*state.ledgers[:at], Ledger(), *state.ledgers[at + 1 :])
            yield f"ledger {at} is lost", state._replace(ledgers=ledgers)


def _backups(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    """Whoever puts an older ledger back has stopped its workers, and waited for what was under way."""
    for at, ledger in enumerate(state.ledgers):
        if state.faults.backups:
            label, after = f"ledger {at} is backed up", ledger._replace(backup=ledger._replace(backup=None))
        elif ledger.backup is not None and not state.world.transit and not state.world.landing:
            state = _stopped(setting, state, at)
            label, after = f"ledger {at} is restored from its backup", ledger.backup
        else:
            continue
        yield label, state._replace(ledgers=(*state.ledgers[:at], after, *state.ledgers[at + 1 :]))


def _stopped(setting: Configuration, state: State, ledger: int) -> State:
    for me, deployment in enumerate(setting.deployments):
        if deployment == ledger:
            state = change(state, me, RESTING)
    return state


def _forbids(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for at in range(len(state.ledgers)):
        forbidden = state.world.forbidden | 1 << at
        yield f"deployment {at} may not delete", state._replace(world=state.world._replace(forbidden=forbidden))


def _halts(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    if not state.world.halted:
        yield "a person halts all money steps", state._replace(world=state.world._replace(halted=True))


def _pruned_keys(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    """A correction's key is 24 hours old; a round of reading and sending takes less than four."""
    world = state.world
    if any(worker.at != IDLE for worker in state.workers) or world.transit or world.landing:
        return
    for row in world.keys:
        if row[0].step == CORRECT:
            keys = tuple(other for other in world.keys if other != row)
            yield "the key of a correction is pruned", state._replace(world=world._replace(keys=keys))


_FAULTS: dict[str, Callable[[Configuration, State], Iterator[tuple[str, State]]]] = {
    "kills": _kills,
    "made": _made,
    "invoices": _invoices,
    "drafts": _drafts,
    "undrafts": _undrafts,
    "uses": _uses,
    "deletes": _deletes,
    "changes": _changes,
    "lost_ledgers": _lost_ledgers,
    "backups": _backups,
    "forbids": _forbids,
    "halts": _halts,
    "pruned_keys": _pruned_keys,
}
