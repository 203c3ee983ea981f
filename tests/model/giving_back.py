"""Give-backs and re-credits: one procedure, for the close of a case, for orphans and for failed refunds.

It needs no ledger and no claim: the rest is read from Stripe, and the key is a compare-and-set that holds
between two deployments too. The attempt starts at 1 in every round and grows only with answers that Stripe
replays.
"""

from collections.abc import Iterator

from tests.model.rules import Rule
from tests.model.state import (
    END_CASE,
    READ_REFUNDS,
    READ_REST,
    RESTING,
    SEND_GIVE_BACK,
    Configuration,
    State,
    Successor,
    Worker,
    change,
    ledger_of,
)
from tests.model.wire import outcomes
from tests.model.world import (
    ACCEPTED,
    ERROR,
    GIVE_BACK,
    MISMATCH,
    PRUNED,
    REFUSED,
    Answer,
    Request,
    cash_of_debit,
    debits,
    given_back,
    rest,
)

_ATTEMPTS_AT_MOST = 5  # two stored refusals and two stored 500s use up four keys


def recoverable(setting: Configuration, state: State, me: int) -> list[int]:
    """Debits whose positive rest this worker may give back without a live case."""
    world, ledger = state.world, ledger_of(setting, state, me)
    live = {case.id for case in ledger.live}
    found = []
    for debit in debits(world):
        case = world.moves[debit].of
        closed_here = bool(ledger.closed & 1 << case)
        rule = Rule.FAILED_REFUND_IS_RECREDITED if closed_here else Rule.ORPHAN_RESERVATION_IS_GIVEN_BACK
        old_enough = closed_here or world.ages[case] == PRUNED
        if case not in live and old_enough and setting.keeps(rule) and rest(world, debit) > 0:
            found.append(debit)
    return found


def read_refunds(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Read the charges with their refunds: the cash that bears the mark."""
    worker = state.workers[me]
    paid = cash_of_debit(state.world, worker.debit)
    if not setting.keeps(Rule.GIVE_BACK_AT_MOST_THE_MARKS_REST):
        paid = _refunded_by_ledger(setting, state, me, state.world.moves[worker.debit].of)
    yield (
        "reads the refunds",
        change(state, me, worker._replace(at=READ_REST, cash=paid, attempt=1, looks=0)),
        True,
    )


def _refunded_by_ledger(setting: Configuration, state: State, me: int, case_id: int) -> int:
    rows = [case for case in ledger_of(setting, state, me).live if case.id == case_id]
    return sum(step.amount for case in rows for step in case.steps[1:] if step.is_accepted)


def read_rest(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Read the balance transactions: the mark's rest, and the sum that the key names."""
    worker, world = state.workers[me], state.world
    so_far = given_back(world, worker.debit)
    target = so_far if setting.keeps(Rule.GIVE_BACK_KEY_IS_COMPARE_AND_SET) else -1 - setting.deployments[me]
    amount = world.moves[worker.debit].amount - so_far - worker.cash
    if amount <= 0:
        yield "finds no rest", _finish(state, me), True
        return
    attempt = worker.attempt
    if worker.looks:
        wanted = 2 if setting.keeps(Rule.STORED_500_NEEDS_TWO_ABSENT_LOOKUPS) else 1
        if worker.request is None or worker.request.target != target or worker.request.amount != amount:
            yield "finds it given back", change(state, me, worker._replace(at=READ_REFUNDS, looks=0)), True
            return
        if worker.looks < wanted:
            yield "finds nothing", change(state, me, worker._replace(looks=worker.looks + 1)), True
            return
        if wanted == 2 and any(late.step == GIVE_BACK and late.of == worker.debit for late in world.landing):
            return  # the second look-up is 30 seconds after the first
        attempt += 1
    request = Request(GIVE_BACK, worker.debit, target, attempt, amount)
    armed = worker._replace(at=SEND_GIVE_BACK, request=request, attempt=attempt, looks=0)
    yield "reads the rest", change(state, me, armed), True


def send_give_back(setting: Configuration, state: State, me: int) -> Iterator[Successor]:
    """Send it; after every answer but a fresh yes, look again."""
    worker = state.workers[me]
    assert worker.request is not None
    for label, sent, answer, plain in outcomes(setting, state, worker.request):
        again = worker._replace(at=READ_REFUNDS, request=None, attempt=1, looks=0, cash=0)
        after = change(sent, me, again)
        if answer.kind == ACCEPTED and not answer.replayed:
            after = _finish(sent, me)
        elif _calls_for_look_ups(setting, answer):
            after = change(sent, me, worker._replace(at=READ_REST, looks=1))
        elif answer.kind == REFUSED:
            after = change(sent, me, _after_refusal(setting, worker, replayed=answer.replayed))
        yield label + " the give-back", after, plain


def _calls_for_look_ups(setting: Configuration, answer: Answer) -> bool:
    """The key is spent, and may have been spent without effect."""
    is_mismatch = answer.kind == MISMATCH and setting.keeps(Rule.MISMATCHED_KEY_IS_SPENT)
    return is_mismatch or (answer.kind == ERROR and answer.replayed)


def _after_refusal(setting: Configuration, worker: Worker, *, replayed: bool) -> Worker:
    """A replayed refusal has spent the key for everyone; a fresh one may not even be stored."""
    spent = replayed or not setting.keeps(Rule.GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT)
    if spent and setting.keeps(Rule.NEW_ATTEMPT_AFTER_DEFINITE_NO) and worker.attempt < _ATTEMPTS_AT_MOST:
        return worker._replace(at=READ_REST, attempt=worker.attempt + 1, request=None)
    return RESTING


def _finish(state: State, me: int) -> State:
    case = state.workers[me].case
    return change(state, me, Worker(END_CASE, case) if case >= 0 else RESTING)
