"""A worker: one call to Stripe or one ledger transaction per step.

Between two steps anything may happen to the worker and to the world. A worker that dies loses what it held
in memory; what it wrote to the ledger stays. Local thinking is part of the step before or after it. Reads of
what cannot change any more (the balance transactions up to our own debit) are part of the step that uses them.
"""

from collections.abc import Callable, Iterator

from tests.model import giving_back
from tests.model.decide import CLOSE, CLOSE_BY_MARK, LOOK_FOR_IT, next_steps, refund_was_sent
from tests.model.rules import Rule
from tests.model.state import (
    DONE,
    END_CASE,
    IDLE,
    LOOK,
    NO,
    OPEN,
    READ_MOVES,
    READ_REFUNDS,
    READ_REST,
    RECORD,
    RESTING,
    RESUME,
    SEND,
    SEND_GIVE_BACK,
    Case,
    Configuration,
    State,
    Step,
    Successor,
    Worker,
    case_of,
    change,
    ledger_of,
    with_case,
    without_case,
)
from tests.model.wire import outcomes
from tests.model.world import (
    ACCEPTED,
    BY_HAND,
    CHANGED,
    ERROR,
    FRESH,
    REFUND,
    REFUSED,
    RESERVE,
    Answer,
    Request,
    cash,
    covered_at,
    debit_of,
    given_back,
    left_on,
    replay,
    rest,
)


def successors(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """All that worker `me` may do next."""
    return _STEPS[state.workers[me].at](setting, state, me)


def idle(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Take a live case, or plan a new one, or look for rests of marks."""
    for case in ledger_of(setting, state, me).live:
        reads_first = setting.keeps(Rule.TAKEN_OVER_READS_THE_MARK) and setting.keeps(Rule.RESERVE_FIRST)
        taken = change(state, me, Worker(unread=reads_first))
        yield "claims the case", _resumed(setting, taken, me, case._replace(holder=me)), True
    if len(state.world.ages) < setting.cases and not _is_held(setting, state, me):
        images = tuple(left_on(state.world, charge, setting.charges) for charge in range(len(setting.charges)))
        yield "reads the charges", change(state, me, Worker(READ_MOVES, images=images)), True
    for debit in giving_back.recoverable(setting, state, me):
        yield "finds the rest of a mark", change(state, me, Worker(READ_REFUNDS, debit=debit)), True


def _is_held(setting: Configuration, state: State, me: int) -> bool:
    """A case is live, or somebody refunded by hand and has not debited the credit."""
    is_live = bool(ledger_of(setting, state, me).live) and setting.keeps(Rule.ONE_LIVE_CASE)
    return is_live or cash(state.world, BY_HAND) > 0


def read_moves(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Read the balance transactions, plan, and write the case with its first intent."""
    worker, world = state.workers[me], state.world
    books = replay(world.moves)
    planned = min(books.proration_left, max(0, -books.balance), sum(worker.images))
    halted = world.halted and setting.keeps(Rule.HALT_BEGINS_NOTHING)
    if halted or not planned or len(world.ages) == setting.cases or _is_held(setting, state, me):
        yield "plans nothing", change(state, me, RESTING), True
        return
    steps = (Step(),) * (1 + len(worker.images))
    case = Case(len(world.ages), planned, books.balance + planned, worker.images, me, steps)
    state = state._replace(world=world._replace(ages=(*world.ages, FRESH)))
    if setting.keeps(Rule.RESERVE_FIRST):
        yield "plans a case", _arm(setting, state, me, case, index=0, amount=planned), True
    else:
        state = with_case(setting, state, me, case)
        yield "plans a case", change(state, me, Worker(RESUME, case.id)), True


def _arm(setting: Configuration, state: State, me: int, case: Case, *, index: int, amount: int) -> State:
    """Write the intent of a send; from here on the worker may send at any time."""
    if state.world.halted and not (index and refund_was_sent(case)):
        state = state._replace(world=state.world._replace(begun=True))
    step = _next_attempt(setting, case.steps[index])
    mine = 1 << me
    step = step._replace(amount=amount, lost=step.lost or bool(step.sent_by & mine), sent_by=step.sent_by | mine)
    kind, target = (RESERVE, 0) if index == 0 else (REFUND, index - 1)
    request = Request(kind, case.id, target, step.attempt, amount)
    armed = _put(case, index, step)
    if setting.keeps(Rule.INTENT_BEFORE_SEND):
        unread = state.workers[me].unread
        return change(with_case(setting, state, me, armed), me, Worker(SEND, case.id, request, unread=unread))
    return change(state, me, Worker(SEND, case.id, request, draft=None if index else armed))


def _next_attempt(setting: Configuration, step: Step) -> Step:
    if step.outcome == NO:
        attempt = step.attempt + 1 if setting.keeps(Rule.NEW_ATTEMPT_AFTER_DEFINITE_NO) else step.attempt
        return Step(attempt)
    if step.is_sent and not setting.keeps(Rule.SAME_KEY_AFTER_UNKNOWN):
        return Step(step.attempt + 1)
    return step


def _put(case: Case, index: int, step: Step) -> Case:
    return case._replace(steps=(*case.steps[:index], step, *case.steps[index + 1 :]))


def send(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """The request goes out, at last."""
    worker = state.workers[me]
    assert worker.request is not None
    name = ("the reserve", "a refund")[worker.request.step]
    if state.world.halted and setting.keeps(Rule.HALT_BEGINS_NOTHING):
        yield from _kept_back(setting, state, me, worker.request)
    # Also while a halt stands: it may have fallen in the moment between the check and the send.
    for label, sent, answer, plain in outcomes(setting, state, worker.request):
        yield f"{label} {name}", change(sent, me, worker._replace(at=RECORD, answer=answer)), plain


def _kept_back(setting: Configuration, state: State, me: int, request: Request) -> Iterator[Successor]:
    """The check directly before the send sees the halt: the send is answered as one that did nothing."""
    case = case_of(setting, state, me, request.of)
    if case is None or not _holds(setting, case, me):
        yield "has lost the claim", change(state, me, RESTING), True
    elif request.step == RESERVE or not refund_was_sent(case, besides=1 << me):
        index = _index(request)
        step = case.steps[index]
        kept = _put(case, index, step._replace(sent_by=step.sent_by & ~(1 << me)))
        yield "is kept back by the halt", _resumed(setting, state, me, kept), True


def record(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Write the answer to the ledger: a fact, whoever brings it. Going on needs the claim."""
    worker = state.workers[me]
    request, answer = worker.request, worker.answer
    assert request is not None
    assert answer is not None
    case = worker.draft or case_of(setting, state, me, worker.case)
    if case is None:
        yield "finds the case closed", change(state, me, RESTING), True
        return
    index = _index(request)
    step = case.steps[index]
    if step.attempt == request.attempt and step.outcome == OPEN:
        case = _heard(setting, state, me, case, answer)
    state = with_case(setting, state, me, case)
    if not _holds(setting, case, me):
        yield "records the answer", change(state, me, RESTING), True
    elif answer.kind == ERROR and answer.replayed and case.steps[index].outcome == OPEN:
        yield (
            "records a stored 500",
            change(state, me, Worker(LOOK, case.id, request, looks=1, unread=worker.unread)),
            True,
        )
    else:
        yield "records the answer", _resumed(setting, state, me, case), True


def _index(request: Request) -> int:
    return 0 if request.step == RESERVE else request.target + 1


def _heard(setting: Configuration, state: State, me: int, case: Case, answer: Answer) -> Case:
    """The row after an answer to the worker's request."""
    request = state.workers[me].request
    assert request is not None
    index = _index(request)
    if answer.kind == ACCEPTED:
        return _accepted(setting, state, case, request, answer.debit)
    step = case.steps[index]
    others = step._replace(sent_by=step.sent_by & ~(1 << me))
    if answer.kind not in (REFUSED, CHANGED):
        return _put(case, index, others._replace(lost=True))
    if others.is_sent and not answer.replayed and setting.keeps(Rule.DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND):
        return _put(case, index, others)
    stops = answer.kind == CHANGED and setting.keeps(Rule.CHANGED_CHARGE_STOPS_THE_CASE)
    no = step._replace(outcome=NO, sent_by=0, lost=False, amount=0)
    return _put(case, index, no)._replace(closing=case.closing or stops)


def _accepted(setting: Configuration, state: State, case: Case, request: Request, debit: int) -> Case:
    """Adopt what Stripe booked; of a reserve, learn what it covered."""
    index = _index(request)
    case = _put(case, index, Step(request.attempt, DONE, amount=request.amount))
    if index:
        return case
    covered = case.planned
    ending = replay(state.world.moves[: debit + 1]).balance
    looks = ending != case.expected_ending
    if looks and setting.keeps(Rule.ENDING_BALANCE_TELLS_OF_MOVES):
        covered = covered_at(state.world.moves, debit)
    return case._replace(debit=debit, covered=covered)


def _holds(setting: Configuration, case: Case, me: int) -> bool:
    return case.holder == me or not setting.keeps(Rule.CLAIM_YOUNGER_THAN_LEASE)


def look(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """After a replayed 500: look for the mark, twice; only then take a new key."""
    worker, world = state.workers[me], state.world
    case, request = case_of(setting, state, me, worker.case), worker.request
    assert request is not None
    if case is None or not _holds(setting, case, me) or case.steps[_index(request)].attempt != request.attempt:
        yield "has lost the claim", change(state, me, RESTING), True
        return
    index = _index(request)
    debit = debit_of(world, case.id)
    present = debit >= 0 if not index else any(r[:2] == (case.id, request.target) for r in world.refunds)
    wanted = 2 if setting.keeps(Rule.STORED_500_NEEDS_TWO_ABSENT_LOOKUPS) else 1
    if worker.looks == 2 and request in world.landing:
        return  # the second look-up is 30 seconds after the first
    if present:
        case = _accepted(setting, state, case, request, debit)
    elif worker.looks < wanted:
        yield "finds nothing", change(state, me, worker._replace(looks=2)), True
        return
    else:
        case = _put(case, index, Step(request.attempt + 1))
    yield "finds it" if present else "takes a new key", _resumed(setting, state, me, case), True


def _resumed(setting: Configuration, state: State, me: int, case: Case) -> State:
    """The row is written; what follows is decided in the next step. Only a worker that needs no claim would
    decide by what it remembers of the row."""
    remembered = None if setting.keeps(Rule.CLAIM_YOUNGER_THAN_LEASE) else case
    resumed = Worker(RESUME, case.id, unread=state.workers[me].unread, draft=remembered)
    return change(with_case(setting, state, me, case), me, resumed)


def resume(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """One ledger transaction: decide what comes next and write it down."""
    case = state.workers[me].draft or case_of(setting, state, me, state.workers[me].case)
    if case is None or not _holds(setting, case, me):
        yield "has lost the claim", change(state, me, RESTING), True
        return
    nexts = next_steps(setting, case, state.world.ages[case.id], halted=state.world.halted)
    if not nexts:
        yield "waits for 24 hours", change(state, me, RESTING), True
    for step in nexts:
        if step == CLOSE_BY_MARK:
            debit = case.debit if case.debit >= 0 else debit_of(state.world, case.id)
            yield "closes by mark", _close(setting, state, me, case._replace(debit=debit)), True
        elif step == LOOK_FOR_IT:
            yield _looked(setting, state, me, case)
        elif step == CLOSE:
            yield "closes", _close(setting, state, me, case), True
        elif step[0] and state.workers[me].unread:
            yield "reads the mark", _mark_read(setting, state, me, case), True
        else:
            index, amount = step
            yield "writes the intent", _arm(setting, state, me, case, index=index, amount=amount), True


def _mark_read(setting: Configuration, state: State, me: int, case: Case) -> State:
    """Adopt the refunds that bear the mark. The case only closes where something was given back, or less is left than
    an open refund asks for: a newer ledger had decided all of it."""
    for of, charge, amount, failed in state.world.refunds:
        if of == case.id and case.steps[charge + 1].outcome != DONE:
            attempt = max(case.steps[charge + 1].attempt, setting.attempts)
            shown = Step(attempt, NO) if failed else Step(attempt, DONE, amount=amount)
            case = _put(case, charge + 1, shown)
    largest = max((step.amount for step in case.steps[1:] if step.outcome == OPEN), default=0)
    if given_back(state.world, case.debit) or rest(state.world, case.debit) < largest:
        decided = tuple(step if step.outcome != OPEN else Step(step.attempt, NO) for step in case.steps)
        case = case._replace(steps=decided, closing=True)
    read = change(state, me, state.workers[me]._replace(unread=False))
    return _resumed(setting, read, me, case)


def _looked(setting: Configuration, state: State, me: int, case: Case) -> Successor:
    """During a halt: a reserve without an answer is adopted where its mark is found, and never sent again."""
    debit, step = debit_of(state.world, case.id), case.steps[0]
    if debit < 0:
        return "looks for the reserve, and waits", change(state, me, RESTING), True
    request = Request(RESERVE, case.id, 0, step.attempt, step.amount)
    return "finds the reserve", _resumed(setting, state, me, _accepted(setting, state, case, request, debit)), True


def _close(setting: Configuration, state: State, me: int, case: Case) -> State:
    """Decide that no more is sent; what is left of the reserve goes back before the case ends."""
    refunded = sum(step.amount for step in case.steps[1:] if step.is_accepted)
    if case.debit < 0 or refunded == case.planned or not setting.keeps(Rule.RESERVE_FIRST):
        return change(without_case(setting, state, me, case.id), me, RESTING)
    closing = case._replace(closing=case.closing or setting.keeps(Rule.CLOSING_IS_FINAL))
    return change(with_case(setting, state, me, closing), me, Worker(READ_REFUNDS, case.id, debit=case.debit))


def end_case(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Close the case in the ledger."""
    case = case_of(setting, state, me, state.workers[me].case)
    if case is not None and _holds(setting, case, me):
        state = without_case(setting, state, me, case.id)
    yield "ends the case", change(state, me, RESTING), True


_STEPS: dict[int, Callable[[Configuration, State, int], Iterator[Successor]]] = {
    IDLE: idle,
    READ_MOVES: read_moves,
    SEND: send,
    RECORD: record,
    RESUME: resume,
    LOOK: look,
    READ_REFUNDS: giving_back.read_refunds,
    READ_REST: giving_back.read_rest,
    SEND_GIVE_BACK: giving_back.send_give_back,
    END_CASE: end_case,
}
