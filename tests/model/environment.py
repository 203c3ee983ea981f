"""What happens without the workers: kills, time, the network, invoices, people, banks and lost ledgers."""

from collections.abc import Iterator

from tests.model.state import (
    IDLE,
    READ_REST,
    RESTING,
    SEND,
    SEND_GIVE_BACK,
    Configuration,
    Ledger,
    State,
    Successor,
    change,
)
from tests.model.wire import arrivals
from tests.model.world import (
    BY_HAND,
    GIVE_BACK,
    GOODWILL,
    INVOICE,
    LATE,
    PRUNED,
    REFUND,
    Move,
    Refund,
    Request,
    World,
    debits,
    left_on,
    replay,
    rest,
    take_effect,
)


def events(setting: Configuration, state: State) -> Iterator[Successor]:
    """All that may happen to the state from outside. Recovery may count on time, the network and on Stripe
    accepting again, not on luck."""
    if setting.clock:
        yield from _ticks(setting, state)
    yield from _network(setting, state)
    if state.world.refusing:
        yield "Stripe accepts again", state._replace(world=state.world._replace(refusing=0)), True
    if state.world.halted:
        # Nobody counts on it: every case must find its end under the halt too.
        yield "the halt is lifted", state._replace(world=state.world._replace(halted=False)), False
    for name, happens in _FAULTS.items():
        budget = getattr(state.faults, name)
        if budget:
            less = state._replace(faults=state.faults._replace(**{name: budget - 1}))
            for label, after in happens(setting, less):
                yield label, after, False


def _ticks(setting: Configuration, state: State) -> Iterator[Successor]:
    """A case grows older. A request that was checked in time is on its way for less than four hours, so it
    arrives, or is dropped, before the case is 24 hours old."""
    world = state.world
    for case, age in enumerate(world.ages):
        if age == PRUNED or not _matters(state, case):
            continue
        if any(older <= age and _matters(state, other) for other, older in enumerate(world.ages[:case])):
            continue
        if age == LATE and _is_under_way(state, case) and not setting.long_pauses:
            continue
        keys = world.keys
        if age == LATE:
            keys = tuple(row for row in keys if row[0].step == GIVE_BACK or row[0].of != case)
        ages = (*world.ages[:case], age + 1, *world.ages[case + 1 :])
        label = "24 hours have passed, its keys are gone" if age == LATE else "20 hours have passed"
        yield label, state._replace(world=world._replace(ages=ages, keys=keys)), True


def _is_under_way(state: State, case: int) -> bool:
    armed = [worker.request for worker in state.workers if worker.at == SEND and worker.request is not None]
    requests = (*armed, *state.world.transit, *state.world.landing)
    return any(request.of == case and request.step != GIVE_BACK for request in requests)


def _matters(state: State, case: int) -> bool:
    """False once nothing in the model depends on the age of the case."""
    is_live = any(row.id == case for ledger in state.ledgers for row in ledger.live)
    marks = [debit for debit in debits(state.world) if state.world.moves[debit].of == case]
    may_fail = state.faults.failures and any(refund.case == case for refund in state.world.refunds)
    return is_live or bool(may_fail) or _is_under_way(state, case) or any(rest(state.world, d) for d in marks)


def _network(setting: Configuration, state: State) -> Iterator[Successor]:
    world = state.world
    for request in sorted(set(world.transit)):
        left = world._replace(transit=_without(world.transit, request))
        yield "a delayed request is dropped", state._replace(world=left), True
        for after, _ in arrivals(setting, left, request):
            yield "a delayed request arrives", state._replace(world=after), True
    for request in sorted(set(world.landing)):
        left = world._replace(landing=_without(world.landing, request))
        yield "a 500 takes effect", state._replace(world=_land(left, request, setting.charges)), True


def _without(requests: tuple[Request, ...], gone: Request) -> tuple[Request, ...]:
    at = requests.index(gone)
    return (*requests[:at], *requests[at + 1 :])


def _land(world: World, request: Request, captured: tuple[int, ...]) -> World:
    if request.step == REFUND and left_on(world, request.target, captured) < request.amount:
        return world
    return take_effect(world, request)[0]


def _kills(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for me, worker in enumerate(state.workers):
        if worker.at != IDLE:
            yield f"worker {me} is killed", change(state, me, RESTING)


def _invoices(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    amount = min(setting.invoice, max(0, -replay(state.world.moves).balance))
    if amount:
        yield f"an invoice uses {amount}", _booked(state, Move(INVOICE, 0, amount))


def _grants(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    yield "goodwill of 1 is granted", _booked(state, Move(GOODWILL, 0, 1))


def _booked(state: State, move: Move) -> State:
    return state._replace(world=state.world._replace(moves=(*state.world.moves, move)))


def _refusals(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for bit in setting.refusable:
        if not state.world.refusing & bit:
            refusing = state.world._replace(refusing=state.world.refusing | bit)
            yield "Stripe begins to refuse", state._replace(world=refusing)


def _failures(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for at, refund in enumerate(state.world.refunds):
        if refund.case != BY_HAND and not refund.failed:
            rows = (*state.world.refunds[:at], refund._replace(failed=True), *state.world.refunds[at + 1 :])
            yield "a refund fails", state._replace(world=state.world._replace(refunds=tuple(sorted(rows))))


def _lost_ledgers(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for at, ledger in enumerate(state.ledgers):
        if ledger != Ledger():
            ledgers = (*state.ledgers[:at], Ledger(), *state.ledgers[at + 1 :])
            yield f"ledger {at} is lost", state._replace(ledgers=ledgers)


def _backups(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    for at, ledger in enumerate(state.ledgers):
        if state.faults.backups:
            label, after = f"ledger {at} is backed up", ledger._replace(backup=ledger._replace(backup=None))
        elif ledger.backup is not None:
            if not setting.restores_under_way and (state.world.transit or state.world.landing):
                continue
            state = _stopped(setting, state, at)
            label, after = f"ledger {at} is restored from its backup", ledger.backup
        else:
            continue
        yield label, state._replace(ledgers=(*state.ledgers[:at], after, *state.ledgers[at + 1 :]))


def _stopped(setting: Configuration, state: State, ledger: int) -> State:
    """Whoever restores a ledger has stopped its workers."""
    for me, deployment in enumerate(setting.deployments):
        if deployment == ledger:
            state = change(state, me, RESTING)
    return state


def _by_hand(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    left = left_on(state.world, 0, setting.charges)
    if left:
        rows = (*state.world.refunds, Refund(BY_HAND, 0, left, failed=False))
        yield (
            f"somebody refunds {left} by hand",
            state._replace(world=state.world._replace(refunds=tuple(sorted(rows)))),
        )


def _pruned_keys(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    """A give-back's key is 24 hours old; a round of reading and sending takes less than four."""
    world = state.world
    busy = {worker.debit for worker in state.workers if worker.at in (READ_REST, SEND_GIVE_BACK)}
    busy |= {request.of for request in (*world.transit, *world.landing) if request.step == GIVE_BACK}
    for row in world.keys:
        if row[0].step == GIVE_BACK and row[0].of not in busy:
            keys = tuple(other for other in world.keys if other != row)
            yield "the key of a give-back is pruned", state._replace(world=world._replace(keys=keys))


def _halts(setting: Configuration, state: State) -> Iterator[tuple[str, State]]:
    if not state.world.halted:
        yield "a person halts all money steps", state._replace(world=state.world._replace(halted=True))


_FAULTS = {
    "kills": _kills,
    "invoices": _invoices,
    "grants": _grants,
    "refusals": _refusals,
    "failures": _failures,
    "lost_ledgers": _lost_ledgers,
    "backups": _backups,
    "by_hand": _by_hand,
    "pruned_keys": _pruned_keys,
    "halts": _halts,
}
