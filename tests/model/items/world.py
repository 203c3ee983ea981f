"""Stripe's side: invoice items, the customer's balance transactions, idempotency keys with stored answers.

Amounts are small whole units with Stripe's sign: negative is credit. All values are tuples of integers. A reserve with
its refunds is one movement here, `CASH`: how the two are kept together is the other model's question.
"""

from functools import cache
from typing import NamedTuple

ABSENT, PENDING, DRAFT, FINAL, GONE = range(5)  # an item: not made yet; pending; on a draft; on an invoice; deleted
CREDIT, CORRECTION, INVOICE, CASH, GOODWILL = range(5)  # customer balance transactions
CREDIT_ITEMS, DELETE_ITEM, CORRECT = range(3)  # the steps
ACCEPTED, REFUSED, FORBIDDEN, NOT_FOUND, ERROR, UNKNOWN, MISMATCH = range(7)  # answers
NO_FAULT, ERROR_WITHOUT_EFFECT, ERROR_AFTER_EFFECT, ERROR_BEFORE_EFFECT = range(4)
FRESH, LATE, PRUNED = range(3)  # of a case: under 4 hours; 4 to 24; more: its keys may be gone
LIVE = (PENDING, DRAFT)  # where an item can still be changed and deleted

Named = tuple[tuple[int, int], ...]  # items and amounts, or lots and amounts
Key = tuple[int | Named, ...]


class Item(NamedTuple):
    """An invoice item of an ended subscription."""

    amount: int
    where: int = PENDING


class Move(NamedTuple):
    """A customer balance transaction.

    `by`: the case of a credit, the position of the credit that a correction names. `names`: what a credit carries,
    what a correction takes off it, both with the items' sign; of cash the lots it was taken from, by position.
    """

    kind: int
    by: int
    amount: int
    names: Named = ()


class Request(NamedTuple):
    """One write. Its parameters are all but the key, and whether it was sent late."""

    step: int
    case: int
    by: int  # the deployment
    names: Named
    of: int = -1
    key: Key = ()
    late: bool = False


class Answer(NamedTuple):
    """What Stripe said. `at` is the position of the movement it made."""

    kind: int
    at: int = -1
    replayed: bool = False


class World(NamedTuple):
    """All that Stripe, the network and the clock know.

    `low`, `high`: what the customer is worth, as a credit, positive; a person who deletes or changes an item whose
    credit was accepted may have meant either. `broken`: what was done that must never be done.
    """

    items: tuple[Item, ...]
    moves: tuple[Move, ...] = ()
    keys: tuple[tuple[Request, Answer], ...] = ()
    transit: tuple[Request, ...] = ()
    landing: tuple[Request, ...] = ()
    ages: tuple[int, ...] = ()
    forbidden: int = 0  # bits of deployments that may not delete items
    low: int = 0
    high: int = 0
    halted: bool = False
    broken: str = ""


Moves = tuple[Move, ...]


@cache
def carries(moves: Moves, item: int) -> tuple[tuple[int, int], ...]:
    """The credits that name the item, oldest first: their position, and what they still carry of it."""
    rests: dict[int, int] = {}
    for position, move in enumerate(moves):
        for named, amount in move.names if move.kind in (CREDIT, CORRECTION) else ():
            if named == item:
                at, sign = (position, 1) if move.kind == CREDIT else (move.by, -1)
                rests[at] = rests.get(at, 0) + sign * amount
    return tuple(rests.items())


def carrying(moves: Moves, item: int) -> list[tuple[int, int]]:
    """Those that still carry something of it."""
    return [(at, rest) for at, rest in carries(moves, item) if rest]


def corrections(moves: Moves, item: int, credit: int) -> int:
    """How many corrections of this credit name the item: it only grows, and only by such corrections."""
    return sum(move.kind == CORRECTION and move.by == credit and move.names[0][0] == item for move in moves)


def marks(moves: Moves, item: int) -> int:
    """How many movements name the item: it only grows."""
    return sum(move.kind in (CREDIT, CORRECTION) and item in dict(move.names) for move in moves)


class Lot(NamedTuple):
    """What is left of a credit: the part that may leave as cash, and the part of unknown origin."""

    refundable: int = 0
    unknown: int = 0


@cache
def lots(moves: Moves, *, oldest_wins: bool) -> dict[int, Lot]:
    """Replay the balance transactions, oldest first, into lots by position (design, section 3)."""
    balance = 0
    found: dict[int, Lot] = {}
    for position, move in enumerate(moves):
        balance += move.amount
        if move.kind in (CREDIT, GOODWILL):
            found[position] = _opened(moves, position, balance, oldest_wins=oldest_wins)
        elif move.kind == CORRECTION and move.amount < 0:
            lot = found[move.by]
            found[move.by] = lot._replace(refundable=lot.refundable - move.amount)
        elif move.kind == CORRECTION:
            twice = _twice(moves, move.by, oldest_wins=oldest_wins)
            _take(found, move.by, move.amount, unknown_first=move.names[0][0] in twice)
        elif move.kind == INVOICE:
            left = move.amount
            for at in list(found):
                left = _take(found, at, left, unknown_first=False)
        else:
            for at, amount in move.names:
                found[at] = found[at]._replace(refundable=found[at].refundable - amount)
    return found


def _twice(moves: Moves, position: int, *, oldest_wins: bool) -> frozenset[int]:
    """The items of the credit at `position` that an older mark carried already."""
    names = moves[position].names if oldest_wins else ()
    return frozenset(item for item, _ in names if carrying(moves[:position], item))


def _opened(moves: Moves, position: int, balance: int, *, oldest_wins: bool) -> Lot:
    move = moves[position]
    amount = max(0, min(-move.amount, -balance))
    if move.kind == GOODWILL:
        return Lot(0, amount)
    twice = _twice(moves, position, oldest_wins=oldest_wins)
    refundable = max(0, -sum(part for item, part in move.names if item not in twice))
    refundable = min(refundable, amount)
    return Lot(refundable, amount - refundable)


def _take(found: dict[int, Lot], at: int, amount: int, *, unknown_first: bool) -> int:
    """Take from one lot; what it does not have is returned."""
    refundable, unknown = found[at]
    if unknown_first:
        part = min(unknown, amount)
        other = min(refundable, amount - part)
        found[at] = Lot(refundable - other, unknown - part)
    else:
        part = min(refundable, amount)
        other = min(unknown, amount - part)
        found[at] = Lot(refundable - part, unknown - other)
    return amount - part - other


def balance(moves: Moves) -> int:
    """The customer's balance, with Stripe's sign."""
    return sum(move.amount for move in moves)


def worth(world: World) -> int:
    """What the customer has had or still has of the items: as items, in invoices, on the balance, as cash."""
    items = sum(item.amount for item in world.items if item.where in (PENDING, DRAFT, FINAL))
    return -items - sum(move.amount for move in world.moves if move.kind in (CREDIT, CORRECTION))


def submit(world: World, request: Request, *, fault: int = NO_FAULT) -> tuple[World, Answer]:
    """Let Stripe execute one request, under its key if it has one."""
    if request.step == DELETE_ITEM:
        return _deleted(world, request)
    for earlier, stored in world.keys:
        if earlier.key == request.key:
            same = earlier._replace(late=False) == request._replace(late=False)
            return world, stored._replace(replayed=True) if same else Answer(MISMATCH)
    if fault == ERROR_WITHOUT_EFFECT:
        return _store(world, request, Answer(ERROR)), Answer(ERROR)
    if fault == ERROR_BEFORE_EFFECT:
        world = world._replace(landing=(*world.landing, request))
        return _store(world, request, Answer(ERROR)), Answer(ERROR)
    world = book(world, request)
    answer = Answer(ERROR) if fault == ERROR_AFTER_EFFECT else Answer(ACCEPTED, at=len(world.moves) - 1)
    return _store(world, request, answer), answer


def book(world: World, request: Request) -> World:
    """One more balance transaction."""
    total = sum(amount for _, amount in request.names)
    if request.step == CREDIT_ITEMS:
        move = Move(CREDIT, request.case, total, request.names)
    else:
        move = Move(CORRECTION, request.of, -total, request.names)
    return world._replace(moves=(*world.moves, move))


def _deleted(world: World, request: Request) -> tuple[World, Answer]:
    ((item, _),) = request.names
    amount, where = world.items[item]
    if world.forbidden & 1 << request.by:
        return world, Answer(FORBIDDEN)
    if where == FINAL:
        return world, Answer(REFUSED)
    if where == GONE:
        return world, Answer(NOT_FOUND)
    return put(world, item, Item(amount, GONE)), Answer(ACCEPTED)


def put(world: World, at: int, item: Item) -> World:
    """The world with another item at that place."""
    return world._replace(items=(*world.items[:at], item, *world.items[at + 1 :]))


def _store(world: World, request: Request, answer: Answer) -> World:
    return world._replace(keys=tuple(sorted((*world.keys, (request, answer)))))
