"""Completing a conversion: its items are deleted, and what could not be deleted is corrected. Anybody may, any time.

A round reads the movements, then looks at one item after the other; after each write a new round begins, and the case
closes at the end of a round that found nothing left. So what is decided about an item rests on movements that were read
before it was looked at.
"""

from collections.abc import Iterator

from tests.model.items.rules import Rule
from tests.model.items.state import (
    LOOK,
    LOOK_AGAIN,
    MARKS,
    OPEN,
    RESTING,
    SEND,
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
from tests.model.items.view import may_be_deleted
from tests.model.items.world import (
    ACCEPTED,
    CORRECT,
    DELETE_ITEM,
    ERROR,
    FORBIDDEN,
    GONE,
    LIVE,
    MISMATCH,
    REFUSED,
    UNKNOWN,
    Answer,
    Item,
    Key,
    Moves,
    Request,
    carries,
    carrying,
    corrections,
)

_ATTEMPTS_AT_MOST = 4


def resumed(setting: Configuration, state: State, me: int) -> State:
    """Where the case goes on: with its credit while that has no answer, then with its items."""
    case = case_of(setting, state, me)
    assert case is not None
    if case.credit == OPEN and setting.keeps(Rule.CREDIT_BEFORE_DELETE):
        return change(state, me, Worker(LOOK_AGAIN, case.id))
    return change(state, me, Worker(MARKS, case.id))


def read_marks(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Read the balance transactions: what the marks carry of each item."""
    worker = state.workers[me]
    if case_of(setting, state, me) is None:
        yield "has lost the claim", change(state, me, RESTING), True
        return
    if is_halted(setting, state):
        yield "leaves it as it is", change(state, me, RESTING), True
        return
    seen = len(state.world.moves)
    if worker.looks and worker.request is not None:
        yield from _second_look(setting, state, me, seen)
        return
    yield "reads the marks", change(state, me, Worker(LOOK, worker.case, seen=seen)), True


def _second_look(setting: Configuration, state: State, me: int, seen: int) -> Iterator[Successor]:
    """A correction's key is spent. If its effect is not seen in two looks, 30 seconds apart: the next attempt."""
    worker, world = state.workers[me], state.world
    assert worker.request is not None
    if worker.seen != seen:
        yield "reads the marks", change(state, me, Worker(LOOK, worker.case, seen=seen)), True
    elif worker.looks == 1:
        yield "reads the same marks", change(state, me, worker._replace(looks=2)), True
    elif not world.landing and worker.attempt < _ATTEMPTS_AT_MOST:
        again = Worker(LOOK, worker.case, seen=seen, attempt=worker.attempt + 1)
        yield "reads the same marks again", change(state, me, again), True


def look(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Look at one item and decide: delete it, correct what is carried of it, or go on."""
    worker, case = state.workers[me], case_of(setting, state, me)
    if case is None:
        yield "has lost the claim", change(state, me, RESTING), True
        return
    if worker.which == len(case.names):
        yield from _ends(setting, state, me, case)
        return
    named, amount = case.names[worker.which]
    item, moves = state.world.items[named], state.world.moves[: worker.seen]
    first = case.credit == OPEN  # only without CREDIT_BEFORE_DELETE
    if may_be_deleted(setting, item, amount) and not case.refused and (carrying(moves, named) or first):
        yield f"looks at item {named}, intends to delete it", _arm_delete(setting, state, me, case), True
        return
    movement = None if first else _correction(setting, case, worker.which, item, moves)
    if movement is None:
        yield f"looks at item {named}", change(state, me, worker._replace(which=worker.which + 1)), True
    elif not _may_be_corrected(setting, state, case, me, item):
        yield f"looks at item {named}, waits", change(state, me, RESTING), True
    else:
        if item.where in LIVE:
            state = with_case(setting, state, me, _outlived(case, worker.which))
        yield f"looks at item {named}, corrects it", _arm_correction(setting, state, me, movement), True


def _correction(setting: Configuration, case: Case, which: int, item: Item, moves: Moves) -> tuple[int, int] | None:
    """The credit to correct and what to take off it: all that it carries of the item.

    Of an item that is gone the oldest credit keeps it. One that was corrected, and is gone since, is put back only if a
    DELETE of this case was, or may have been, what deleted it.
    """
    named = case.names[which][0]
    held = carrying(moves, named)
    if len(held) > (item.where == GONE):
        return held[-1 if setting.keeps(Rule.CORRECTION_NAMES_THE_YOUNGEST) else 0]
    if held or item.where != GONE:
        return None
    by_us = (case.deleted | case.deletes_lost) & 1 << which or case.deletes_by[which]
    if by_us or not setting.keeps(Rule.CORRECTED_ITEM_IS_LEFT):
        at = carries(moves, named)[-1][0]
        return at, -dict(moves[at].names)[named]
    return None


def _may_be_corrected(setting: Configuration, state: State, case: Case, me: int, item: Item) -> bool:
    """Nothing of ours is under way that would delete the item; four hours after the last send nothing is."""
    if item.where not in LIVE or not setting.keeps(Rule.CORRECTED_ONLY_WITHOUT_OPEN_DELETE):
        return True
    which = state.workers[me].which
    named = case.names[which][0]
    open_here = case.deletes_by[which] or case.deletes_lost & 1 << which
    ledger = setting.deployments[me]
    armed = [
        worker.request
        for other, worker in enumerate(state.workers)
        if other != me and worker.at == SEND and worker.request is not None and setting.deployments[other] == ledger
    ]
    under_way = any(
        request.step == DELETE_ITEM and request.names[0][0] == named and request.by == ledger
        for request in (*state.world.transit, *armed)
    )
    return not (open_here and under_way)


def _outlived(case: Case, which: int) -> Case:
    """The item outlived the DELETEs that had no answer: they are over, and have deleted nothing."""
    by = (*case.deletes_by[:which], 0, *case.deletes_by[which + 1 :])
    return case._replace(deletes_by=by, deletes_lost=case.deletes_lost & ~(1 << which))


def _arm_delete(setting: Configuration, state: State, me: int, case: Case) -> State:
    which = state.workers[me].which
    request = Request(DELETE_ITEM, case.id, setting.deployments[me], (case.names[which],))
    if setting.keeps(Rule.DELETED_ONLY_WITH_A_RECORD):
        mine, bit = 1 << me, 1 << which
        before = case.deletes_by[which]
        lost = case.deletes_lost | (bit if before & mine else 0)
        by = (*case.deletes_by[:which], before | mine, *case.deletes_by[which + 1 :])
        case = case._replace(deletes_by=by, deletes_lost=lost, recorded=case.recorded | bit)
        state = with_case(setting, state, me, case)
    return change(state, me, Worker(SEND, case.id, request, which=which))


def judged_deletion(setting: Configuration, state: State, me: int) -> State:
    """A DELETE that goes out while its case is live and has no record of the item must never be."""
    worker = state.workers[me]
    assert worker.request is not None
    if worker.request.step == DELETE_ITEM:
        for case in ledger_of(setting, state, me).live:
            if case.id == worker.case and case.holder == me and not case.recorded & 1 << worker.which:
                return state._replace(world=state.world._replace(broken="an item was deleted without a record"))
    return state


def _arm_correction(setting: Configuration, state: State, me: int, movement: tuple[int, int]) -> State:
    worker, case = state.workers[me], case_of(setting, state, me)
    assert case is not None
    (credit, amount), named = movement, case.names[worker.which][0]
    by = setting.deployments[me]
    holder = credit if setting.keeps(Rule.CORRECTION_KEY_IS_COMPARE_AND_SET) else -1 - by
    so_far = corrections(state.world.moves[: worker.seen], named, credit)
    key: Key = (CORRECT, named, holder, so_far, worker.attempt)
    request = Request(CORRECT, case.id, by, ((named, amount),), of=credit, key=key)
    armed = Worker(SEND, case.id, request, seen=worker.seen, which=worker.which, attempt=worker.attempt)
    return change(state, me, armed)


def record(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Write what came of a DELETE or a correction, and begin a new round."""
    worker = state.workers[me]
    assert worker.request is not None
    assert worker.answer is not None
    kind = worker.answer.kind
    if worker.request.step == CORRECT:
        spent = kind == MISMATCH or (kind == ERROR and worker.answer.replayed)
        again = worker._replace(at=MARKS, looks=1, answer=None) if spent else Worker(MARKS, worker.case)
        yield "heeds the answer", change(state, me, again), True
        return
    state = _delete_answered(setting, state, me)
    yield "records the answer", change(state, me, RESTING if kind == UNKNOWN else Worker(MARKS, worker.case)), True


def _delete_answered(setting: Configuration, state: State, me: int) -> State:
    worker = state.workers[me]
    assert worker.answer is not None
    kind, which, bit = worker.answer.kind, worker.which, 1 << worker.which
    case = next((row for row in ledger_of(setting, state, me).live if row.id == worker.case), None)
    if case is None or not setting.keeps(Rule.DELETED_ONLY_WITH_A_RECORD):
        return state
    rest = case.deletes_by[which] & ~(1 << me)
    case = case._replace(deletes_by=(*case.deletes_by[:which], rest, *case.deletes_by[which + 1 :]))
    if kind == UNKNOWN:
        case = case._replace(deletes_lost=case.deletes_lost | bit)
    if kind == FORBIDDEN and case.holder == me:
        case = case._replace(refused=True)
    if kind == ACCEPTED:
        case = case._replace(deletes_lost=case.deletes_lost & ~bit, deleted=case.deleted | bit)
    return with_case(setting, state, me, case)


def never_sent(setting: Configuration, state: State, me: int) -> State:
    """A DELETE was kept back: it is not open."""
    return _delete_answered(setting, change(state, me, state.workers[me]._replace(answer=Answer(REFUSED))), me)


def _ends(setting: Configuration, state: State, me: int, case: Case) -> Iterator[Successor]:
    if case.credit == OPEN:
        yield "finds all items gone", change(state, me, Worker(LOOK_AGAIN, case.id)), True
    else:
        yield "closes", change(without_case(setting, state, me), me, RESTING), True
