"""Stripe's side of the model: balance transactions, refunds, charges, idempotency keys with stored answers.

Amounts are small whole units. All values are tuples of integers, so that a state can be hashed and compared.
Time is a phase per case, counted from the first intent of its reserve: FRESH, LATE, PRUNED.
"""

from functools import cache
from typing import NamedTuple

FRESH, LATE, PRUNED = range(3)  # under 20 hours; 20 to 24 hours; more than 24 hours: keys may be gone
RESERVE, REFUND, GIVE_BACK = range(3)  # the steps; a re-credit is a give-back after the close
PRORATION, GOODWILL, INVOICE, DEBIT, CREDIT = range(5)  # customer balance transactions; CREDIT is a give-back
ACCEPTED, REFUSED, CHANGED, ERROR, UNKNOWN, MISMATCH = range(6)  # answers; CHANGED: less is left on the charge
NO_FAULT, ERROR_WITHOUT_EFFECT, ERROR_AFTER_EFFECT, ERROR_BEFORE_EFFECT = range(4)  # the last three store a 500
BY_HAND = -1  # the mark of a refund that somebody made by hand
BALANCE_REFUSES = 1 << 7  # beside one bit per charge in `World.refusing`


class Move(NamedTuple):
    """A customer balance transaction. `of`: the case of a debit, the debit's position for a give-back."""

    kind: int
    of: int
    amount: int


class Refund(NamedTuple):
    """A refund over one charge, marked with its case."""

    case: int
    charge: int
    amount: int
    failed: bool


class Request(NamedTuple):
    """One write. Its key is all but the amount; `of` is the case, or for a give-back the debit;
    `target` is the charge, or for a give-back the sum given back so far."""

    step: int
    of: int
    target: int
    attempt: int
    amount: int


class Answer(NamedTuple):
    """What Stripe said. `debit` is the position of the debit that an accepted reserve made."""

    kind: int
    debit: int = -1
    replayed: bool = False


class World(NamedTuple):
    """All that Stripe, the network and the clock know."""

    moves: tuple[Move, ...]
    refunds: tuple[Refund, ...] = ()
    keys: tuple[tuple[Request, Answer], ...] = ()
    refusing: int = 0
    transit: tuple[Request, ...] = ()  # sent, not arrived yet; nobody hears the answer
    landing: tuple[Request, ...] = ()  # answered with a 500, takes effect within 30 seconds
    ages: tuple[int, ...] = ()
    halted: bool = False
    begun: bool = False  # a reserve, or the first refund of a case, was intended while a halt stood


class Books(NamedTuple):
    """The lots after a replay. `covered`: per position, the part of a debit that still stands on its lots."""

    balance: int  # Stripe's sign: negative is credit
    proration_left: int
    covered: tuple[int, ...]


@cache
def replay(moves: tuple[Move, ...]) -> Books:
    """Replay the balance transactions, oldest first, into lots (design, section 3)."""
    balance = 0
    lots: dict[int, int] = {}
    taken: dict[int, dict[int, int]] = {}
    bare: dict[int, int] = {}  # the part of a debit that found no lot
    for position, (kind, of, amount) in enumerate(moves):
        if kind in (PRORATION, GOODWILL):
            balance -= amount
            lots[position] = min(amount, max(0, -balance))
        elif kind == INVOICE:
            balance += amount
            _take(lots, list(lots), amount)
        elif kind == DEBIT:
            balance += amount
            named = [lot for lot in lots if moves[lot].kind == PRORATION]
            taken[position] = _take(lots, named, amount)
            bare[position] = amount - sum(taken[position].values())
        else:
            balance -= amount
            put_back = amount - min(amount, bare[of])
            bare[of] -= amount - put_back
            for lot, part in taken[of].items():
                returned = min(part, put_back)
                lots[lot] += returned
                taken[of][lot] -= returned
                put_back -= returned
    left = sum(amount for lot, amount in lots.items() if moves[lot].kind == PRORATION)
    covered = tuple(sum(taken.get(position, {}).values()) for position in range(len(moves)))
    return Books(balance, left, covered)


def _take(lots: dict[int, int], order: list[int], amount: int) -> dict[int, int]:
    taken = {}
    for lot in order:
        part = min(lots[lot], amount)
        if part:
            lots[lot] -= part
            taken[lot] = part
            amount -= part
    return taken


def covered_at(moves: tuple[Move, ...], debit: int) -> int:
    """What the refundable lots covered of the debit at `debit` when it was booked."""
    return replay(moves[: debit + 1]).covered[debit]


def debits(world: World) -> list[int]:
    """Positions of all reserves."""
    return [position for position, move in enumerate(world.moves) if move.kind == DEBIT]


def debit_of(world: World, case: int) -> int:
    """The position of the (first) debit that bears the mark of `case`, or -1."""
    return next((p for p, move in enumerate(world.moves) if move.kind == DEBIT and move.of == case), -1)


def given_back(world: World, debit: int) -> int:
    """Sum of give-backs and re-credits that name the debit."""
    return sum(amount for kind, of, amount in world.moves if kind == CREDIT and of == debit)


def cash(world: World, case: int) -> int:
    """Refunds with the mark of `case` that have not failed."""
    return sum(amount for of, _, amount, failed in world.refunds if of == case and not failed)


def cash_of_debit(world: World, debit: int) -> int:
    """Refunds that name this debit; a second debit of the same case has none."""
    case = world.moves[debit].of
    return cash(world, case) if debit_of(world, case) == debit else 0


def rest(world: World, debit: int) -> int:
    """The mark's rest: reserve - give-backs - re-credits - refunds that have not failed."""
    return world.moves[debit].amount - given_back(world, debit) - cash_of_debit(world, debit)


@cache
def exposure(world: World) -> int:
    """What the company would lose now: cash that no lot covers, and credit given back beyond the rest."""
    covered = replay(world.moves).covered
    marks = debits(world)
    total = sum(max(0, cash_of_debit(world, debit) - covered[debit], -rest(world, debit)) for debit in marks)
    reserved = {world.moves[debit].of for debit in marks}
    return total + sum(cash(world, case) for case in range(len(world.ages)) if case not in reserved)


def left_on(world: World, charge: int, captured: tuple[int, ...]) -> int:
    """What can still be refunded of the charge."""
    return captured[charge] - sum(r.amount for r in world.refunds if r.charge == charge and not r.failed)


def submit(
    world: World, request: Request, captured: tuple[int, ...], *, stores_refusals: bool, fault: int = NO_FAULT
) -> tuple[World, Answer]:
    """Let Stripe execute one request under its key."""
    for earlier, stored in world.keys:
        if earlier[:4] == request[:4]:
            return world, stored._replace(replayed=True) if earlier == request else Answer(MISMATCH)
    refusal = _refusal(world, request, captured)
    if refusal is not None:
        return (_store(world, request, refusal) if stores_refusals else world), refusal
    if fault == ERROR_WITHOUT_EFFECT:
        return _store(world, request, Answer(ERROR)), Answer(ERROR)
    if fault == ERROR_BEFORE_EFFECT:
        world = world._replace(landing=(*world.landing, request))
        return _store(world, request, Answer(ERROR)), Answer(ERROR)
    world, answer = take_effect(world, request)
    if fault == ERROR_AFTER_EFFECT:
        answer = Answer(ERROR)
    return _store(world, request, answer), answer


def _refusal(world: World, request: Request, captured: tuple[int, ...]) -> Answer | None:
    if request.step != REFUND:
        return Answer(REFUSED) if world.refusing & BALANCE_REFUSES else None
    if world.refusing & 1 << request.target:
        return Answer(REFUSED)
    return Answer(CHANGED) if left_on(world, request.target, captured) < request.amount else None


def take_effect(world: World, request: Request) -> tuple[World, Answer]:
    """Book the request: one more balance transaction or refund."""
    if request.step == REFUND:
        refund = Refund(request.of, request.target, request.amount, failed=False)
        return world._replace(refunds=tuple(sorted((*world.refunds, refund)))), Answer(ACCEPTED)
    kind = DEBIT if request.step == RESERVE else CREDIT
    moves = (*world.moves, Move(kind, request.of, request.amount))
    return world._replace(moves=moves), Answer(ACCEPTED, debit=len(moves) - 1 if kind == DEBIT else -1)


def _store(world: World, request: Request, answer: Answer) -> World:
    return world._replace(keys=tuple(sorted((*world.keys, (request, answer)))))
