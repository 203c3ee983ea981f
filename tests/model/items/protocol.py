"""A worker that plans, credits items and takes cash: one call to Stripe or one ledger transaction per step.

Between two steps anything may happen to the worker and to the world. A worker that dies loses what it held in memory.
Local thinking is part of the step before or after it.
"""

from collections.abc import Callable, Iterator

from tests.model.items import completing
from tests.model.items.completing import resumed
from tests.model.items.rules import Rule
from tests.model.items.state import (
    DONE,
    IDLE,
    LOOK,
    LOOK_AGAIN,
    LOOK_BY_MARK,
    MARKS,
    READ_SECOND,
    RECORD,
    RESTING,
    SEND,
    TAKE,
    Case,
    Configuration,
    State,
    Successor,
    Worker,
    case_of,
    change,
    is_halted,
    ledger_of,
    with_case,
    without_case,
)
from tests.model.items.view import conversion_to_complete, group, to_take, unfinished
from tests.model.items.wire import outcomes
from tests.model.items.world import (
    ACCEPTED,
    CASH,
    CREDIT,
    CREDIT_ITEMS,
    DELETE_ITEM,
    ERROR,
    FRESH,
    LIVE,
    MISMATCH,
    PENDING,
    PRUNED,
    REFUSED,
    UNKNOWN,
    Answer,
    Item,
    Key,
    Move,
    Moves,
    Request,
    World,
    balance,
    lots,
    marks,
)


def successors(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """All that worker `me` may do next."""
    return _STEPS[state.workers[me].at](setting, state, me)


def idle(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Take the live case, or plan."""
    live = ledger_of(setting, state, me).live
    for case in live:
        taken = with_case(setting, state, me, case._replace(holder=me))
        yield "claims the case", resumed(setting, change(taken, me, Worker(MARKS, case.id)), me), True
    if live or is_halted(setting, state):
        return
    world = state.world
    if not setting.keeps(Rule.ITEMS_AFTER_MOVEMENTS):
        yield "reads the items", change(state, me, Worker(READ_SECOND, items=world.items)), True
    elif _is_found(setting, world) or _may_plan(setting, state, me) or to_take(setting, world.moves):
        yield "reads the movements", change(state, me, Worker(READ_SECOND, seen=len(world.moves))), True


def _is_found(setting: Configuration, world: World) -> bool:
    """A run finds customers with credit or with pending items, `recover` finds all that bear marks."""
    is_shown = balance(world.moves) < 0 or any(item.where == PENDING for item in world.items)
    is_looked_for = is_shown or setting.keeps(Rule.ABANDONED_CONVERSION_IS_FOUND)
    return is_looked_for and bool(unfinished(setting, world.moves, world.items))


def _may_plan(setting: Configuration, state: State, me: int) -> bool:
    """A run that was stopped by a missing right converts nothing before it is there again."""
    world = state.world
    may_delete = not world.forbidden & 1 << setting.deployments[me]
    return may_delete and len(world.ages) < setting.cases and bool(group(world.items))


def read_second(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Read the items (or whatever was not read yet), then decide."""
    worker, world = state.workers[me], state.world
    items = worker.items or world.items
    moves = world.moves[: worker.seen] if worker.seen >= 0 else world.moves
    what = "items" if worker.seen >= 0 else "movements"
    if ledger_of(setting, state, me).live or is_halted(setting, state):
        yield f"reads the {what}, may begin nothing", change(state, me, RESTING), True
        return
    open_items = unfinished(setting, moves, items) if setting.keeps(Rule.NO_CASH_WHILE_BOTH_EXIST) else []
    if open_items and setting.keeps(Rule.CONVERSION_COMPLETED_FIRST):
        at = conversion_to_complete(moves, open_items)
        mark = moves[at]
        case = Case(mark.by, mark.names, (), me, credit=DONE, deletes_by=(0,) * len(mark.names))
        adopted = with_case(setting, state, me, case)
        yield f"reads the {what}, adopts a conversion", change(adopted, me, Worker(MARKS, case.id)), True
        return
    names, takes = group(items), to_take(setting, moves)
    if open_items:
        yield f"reads the {what}, holds", change(state, me, RESTING), True
    elif names and _may_plan(setting, state, me):
        counts = tuple(marks(moves, item) for item, _ in names)
        case = Case(len(world.ages), names, counts, me, deletes_by=(0,) * len(names))
        state = state._replace(world=world._replace(ages=(*world.ages, FRESH)))
        label = f"reads the {what}, plans a conversion"
        if setting.keeps(Rule.CREDIT_BEFORE_DELETE):
            yield label, arm_credit(setting, state, me, case), True
        else:
            yield label, change(with_case(setting, state, me, case), me, Worker(MARKS, case.id)), True
    elif takes:
        yield f"reads the {what}, plans a refund", change(state, me, Worker(TAKE, takes=takes)), True
    else:
        yield f"reads the {what}, plans nothing", change(state, me, RESTING), True


def take(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Reserve and refund what the planned lots still cover."""
    world = state.world
    if is_halted(setting, state):
        yield "begins nothing", change(state, me, RESTING), True
        return
    now = lots(world.moves, oldest_wins=setting.keeps(Rule.OLDEST_MARK_WINS))
    takes = tuple((at, min(amount, now[at].refundable)) for at, amount in state.workers[me].takes)
    takes = tuple((at, amount) for at, amount in takes if amount)
    total = sum(amount for _, amount in takes)
    if not total:
        yield "finds the credit gone", change(state, me, RESTING), True
        return
    named = {item for at, _ in takes for item, _ in world.moves[at].names}
    both = any(world.items[item].where in LIVE for item in named)
    after = world._replace(
        moves=(*world.moves, Move(CASH, 0, total, takes)),
        broken="cash left while an item and its credit both existed" if both else world.broken,
    )
    yield f"refunds {total}", change(state._replace(world=after), me, RESTING), True


def arm_credit(setting: Configuration, state: State, me: int, case: Case) -> State:
    """Write the intent of the credit; from here on the worker may send at any time."""
    if state.world.halted:
        state = state._replace(world=state.world._replace(broken="a money step began while a halt stood"))
    mine = 1 << me
    case = case._replace(lost=case.lost or bool(case.sent_by & mine), sent_by=case.sent_by | mine)
    by = setting.deployments[me]
    late = state.world.ages[case.id] != FRESH
    request = Request(CREDIT_ITEMS, case.id, by, case.names, key=_credit_key(setting, case, by), late=late)
    return change(with_case(setting, state, me, case), me, Worker(SEND, case.id, request))


def _credit_key(setting: Configuration, case: Case, by: int) -> Key:
    if not setting.keeps(Rule.CREDIT_KEY_NAMES_THE_ITEMS):
        return (CREDIT_ITEMS, by, case.id, case.attempt)
    counts = case.counts if setting.keeps(Rule.CREDIT_KEY_COUNTS_THE_MARKS) else ()
    return (CREDIT_ITEMS, case.names, tuple(enumerate(counts)), case.attempt)


def send(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """The request goes out, at last."""
    worker = state.workers[me]
    assert worker.request is not None
    name = ("the credit", "a DELETE", "a correction")[worker.request.step]
    state = completing.judged_deletion(setting, state, me)
    if is_halted(setting, state):
        yield "is kept back by the halt", _kept_back(setting, state, me), True
    # Also while a halt stands: it may have fallen in the moment between the check and the send.
    for label, sent, answer, plain in outcomes(state, worker.request):
        yield f"{label} {name}", change(sent, me, worker._replace(at=RECORD, answer=answer)), plain


def _kept_back(setting: Configuration, state: State, me: int) -> State:
    """The check directly before the send sees the halt: that nothing went out is written."""
    worker = state.workers[me]
    assert worker.request is not None
    if worker.request.step == DELETE_ITEM:
        state = completing.never_sent(setting, state, me)
    elif worker.request.step == CREDIT_ITEMS:
        state = _answered(setting, state, me, Answer(REFUSED))
    return change(state, me, RESTING)


def record(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Write what came of the send."""
    worker, case = state.workers[me], case_of(setting, state, me)
    assert worker.request is not None
    assert worker.answer is not None
    if worker.request.step != CREDIT_ITEMS:
        yield from completing.record(setting, state, me)
    elif case is None:
        yield "has lost the claim", change(_answered(setting, state, me, worker.answer), me, RESTING), True
    else:
        yield "records the answer", _recorded(setting, state, me, case, worker.answer), True


def _answered(setting: Configuration, state: State, me: int, answer: Answer) -> State:
    """The claim is another's: only that this send has its answer is noted."""
    for case in ledger_of(setting, state, me).live:
        if case.id == state.workers[me].case and answer.kind != UNKNOWN:
            return with_case(setting, state, me, case._replace(sent_by=case.sent_by & ~(1 << me)))
    return state


def _recorded(setting: Configuration, state: State, me: int, case: Case, answer: Answer) -> State:
    heard = case._replace(sent_by=case.sent_by & ~(1 << me))
    if answer.kind == ACCEPTED:
        state = with_case(setting, state, me, heard._replace(credit=DONE))
        return change(state, me, Worker(MARKS, case.id))
    if answer.kind == MISMATCH or (answer.kind == ERROR and answer.replayed):
        state = with_case(setting, state, me, heard._replace(lost=True))
        return change(state, me, Worker(LOOK_BY_MARK, case.id))
    state = with_case(setting, state, me, heard._replace(lost=True))
    return change(state, me, RESTING)


def look_again(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Look at the items before the credit is sent again; or, when that is too late, look for it by its mark."""
    case = case_of(setting, state, me)
    if case is None or case.credit == DONE:
        yield "has lost the claim", change(state, me, RESTING), True
        return
    age = state.world.ages[case.id]
    halted = is_halted(setting, state)
    if halted and not case.lost and not case.sent_by:
        yield "closes: nothing was sent", change(without_case(setting, state, me), me, RESTING), True
        return
    within = age == FRESH or (age != PRUNED and not setting.keeps(Rule.CREDIT_WITHIN_4_HOURS))
    as_named = all(state.world.items[item] == Item(amount, PENDING) for item, amount in case.names)
    if within and not halted and (as_named or not setting.keeps(Rule.ITEMS_PENDING_BEFORE_EVERY_SEND)):
        yield "finds the items pending", arm_credit(setting, state, me, case), True
    elif _own_mark(state.world.moves, case) >= 0:
        adopted = with_case(setting, state, me, case._replace(credit=DONE))
        yield "finds its credit by the mark", change(adopted, me, Worker(MARKS, case.id)), True
    elif age == PRUNED:
        yield "finds no credit, closes", change(without_case(setting, state, me), me, RESTING), True
    else:
        yield "waits", change(state, me, RESTING), True


def _own_mark(moves: Moves, case: Case) -> int:
    marks_of_it = (at for at, move in enumerate(moves) if move.kind == CREDIT and move.by == case.id)
    return next(marks_of_it, -1)


def look_by_mark(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """The key is spent: by our credit, by another's, or by nothing. Two looks, 30 seconds apart."""
    worker, case, world = state.workers[me], case_of(setting, state, me), state.world
    if case is None:
        yield "has lost the claim", change(state, me, RESTING), True
        return
    if _own_mark(world.moves, case) >= 0:
        adopted = with_case(setting, state, me, case._replace(credit=DONE))
        yield "finds its credit by the mark", change(adopted, me, Worker(MARKS, case.id)), True
    elif _others_mark(setting, world.moves, case):
        yield "finds another's credit, closes", change(without_case(setting, state, me), me, RESTING), True
    elif not worker.looks:
        yield "finds no credit", change(state, me, worker._replace(looks=1)), True
    elif not world.landing:
        case = case._replace(attempt=case.attempt + 1, lost=False)
        again = with_case(setting, state, me, case)
        yield "finds no credit again", change(again, me, Worker(LOOK_AGAIN, case.id)), True


def _others_mark(setting: Configuration, moves: Moves, case: Case) -> bool:
    before = case.counts if setting.keeps(Rule.CREDIT_KEY_COUNTS_THE_MARKS) else (0,) * len(case.names)
    return any(marks(moves, item) > count for (item, _), count in zip(case.names, before, strict=True))


_STEPS: dict[int, Callable[[Configuration, State, int], Iterator[Successor]]] = {
    IDLE: idle,
    READ_SECOND: read_second,
    TAKE: take,
    SEND: send,
    RECORD: record,
    LOOK_AGAIN: look_again,
    LOOK_BY_MARK: look_by_mark,
    MARKS: completing.read_marks,
    LOOK: completing.look,
}
