"""Judges a world from the sandbox's books alone: never from our ledger, never with our own replay."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from refund_worker.sandbox import Books, Sandbox
from refund_worker.sandbox.books import BookedMovement
from tests.crash.item_judge import items_of

STANDING = frozenset({"succeeded", "pending", "requires_action"})


def money_of(sandbox: Sandbox) -> dict[str, object]:
    """Where the money is: per customer its balance and what each charge gave back."""
    return {
        f"{book.customer} {book.currency}": (
            book.balance,
            tuple((charge.charge, charge.refunded) for charge in book.charges),
        )
        for book in sandbox.books()
    }


def losses(sandbox: Sandbox) -> list[str]:
    """Every way in which the books show a cent lost: empty where all is right, at rest."""
    found: list[str] = []
    for book in sandbox.books():
        found += [
            f"{one.charge}: refunded {one.refunded} of {one.captured} captured"
            for one in book.charges
            if one.refunded > one.captured
        ]
        found += [
            f"{book.customer}: the rest of debit {debit} is {rest}" for debit, rest in rests(book).items() if rest != 0
        ]
        found += exposure(book)
    return found


def exposure(book: Books) -> list[str]:
    """What may never be true: cash out beyond what was debited, or goodwill paid out (invariants 5, 10)."""
    found = [
        f"{book.customer}: {-rest} more left than debit {debit} reserved"
        for debit, rest in rests(book).items()
        if rest < 0
    ]
    uncovered = _uncovered(book)
    refunded = _marked_refunds(book)
    for debit, amount in _debits(book).items():
        covered = amount - uncovered.get(debit, 0)
        if refunded.get(debit, 0) > covered:
            found.append(f"{book.customer}: {refunded[debit]} refunded for debit {debit} that covered {covered}")
    return found


def rests(book: Books) -> dict[str, int]:
    """Per debit of ours: reserve - give-backs - re-credits - refunds that stand."""
    rest = _debits(book)
    for movement in book.balance_transactions:
        debit = movement.metadata.get("refund_worker_debit")
        if debit is not None and movement.amount < 0:
            rest[debit] = rest.get(debit, 0) + movement.amount
    for debit, amount in _marked_refunds(book).items():
        rest[debit] = rest.get(debit, 0) - amount
    return rest


def double_refunds(book: Books) -> list[str]:
    """Two refunds of ours that stand for one step of one case."""
    seen: set[tuple[str, str]] = set()
    twice = []
    for refund in book.refunds:
        mark = (refund.metadata.get("refund_worker_case", ""), refund.metadata.get("refund_worker_step", ""))
        if mark[0] and refund.status in STANDING:
            if mark in seen:
                twice.append(f"{refund.refund}: a second refund for {mark}")
            seen.add(mark)
    return twice


def _debits(book: Books) -> dict[str, int]:
    return {
        movement.customer_balance_transaction: movement.amount
        for movement in book.balance_transactions
        if movement.metadata.get("refund_worker_step") == "reserve"
    }


def _marked_refunds(book: Books) -> dict[str, int]:
    sums: dict[str, int] = {}
    for refund in book.refunds:
        debit = refund.metadata.get("refund_worker_debit")
        if debit is not None and refund.status in STANDING:
            sums[debit] = sums.get(debit, 0) + refund.amount
    return sums


@dataclass(slots=True)
class _Pot:
    cash: bool
    left: int


class ItemPots:
    """Which credit of pending items opened which pots; an item's credit is cash credit once, not twice."""

    def __init__(self) -> None:
        self._carried: Counter[str] = Counter()
        self._opened: dict[str, list[_Pot]] = {}
        self.put_back: list[_Pot] = []

    def credited(self, movement: BookedMovement) -> int:
        """Of a credit for items, what is of items that nothing was credited for; zero for any other movement."""
        step = movement.metadata.get("refund_worker_step", "")
        named = list(items_of(movement.metadata))
        first = 0
        for item, amount in named if step == "credit_items" else ():
            first -= 0 if self._carried[item] else amount
            self._carried[item] += amount
        for item, amount in named if step.startswith("correct:") else ():
            self._carried[item] -= amount
        return max(0, first)

    def remember(self, movement: BookedMovement, pots: list[_Pot]) -> None:
        """What a credit for items opened, the newest for each of its items first."""
        if movement.metadata.get("refund_worker_step") == "credit_items":
            for item, _ in items_of(movement.metadata):
                self._opened[item] = pots + self._opened.get(item, [])

    def corrected(self, movement: BookedMovement) -> list[_Pot]:
        """What a correction takes from, in this order."""
        self.credited(movement)
        return [pot for item, _ in items_of(movement.metadata) for pot in self._opened.get(item, [])]


@dataclass(slots=True)
class _Taken:
    """What one debit of ours took from which pot, newest last, and what it found no pot for."""

    short: int = 0
    parts: list[tuple[_Pot, int]] = field(default_factory=list)


def _uncovered(book: Books) -> dict[str, int]:
    """Per debit of ours the part that no cash credit covered, by a first-in first-out replay of the books.

    Credit of an invoice or of pending items is cash credit, everything else is goodwill. An invoice uses the oldest
    pot, a debit by hand cash first, ours only cash.
    """
    pots: list[_Pot] = []
    of_items = ItemPots()
    taken: dict[str, _Taken] = {}
    uncovered: dict[str, int] = {}
    beyond = _Taken()  # by corrections, of pots that were not their items'
    for movement in book.balance_transactions:
        debit = movement.metadata.get("refund_worker_debit")
        if movement.metadata.get("refund_worker_step") == "reserve":
            took = _take(pots, movement.amount, cash_only=True, cash_first=False)
            taken[movement.customer_balance_transaction] = took
            uncovered[movement.customer_balance_transaction] = took.short
        elif debit is not None and movement.amount < 0:
            _put_back(taken.get(debit, _Taken()), -movement.amount)
        elif movement.amount < 0 and movement.metadata.get("refund_worker_step", "").startswith("correct:"):
            of_items.credited(movement)
            _put_back_at_most(beyond, -movement.amount, pots, of_items)
        elif movement.amount < 0:
            first = of_items.credited(movement)
            cash = -movement.amount if movement.invoice is not None else min(-movement.amount, first)
            opened = [_Pot(cash=False, left=-movement.amount - cash), _Pot(cash=True, left=cash)]
            of_items.remember(movement, opened)
            pots.extend(opened)
        elif movement.metadata.get("refund_worker_step", "").startswith("correct:"):
            own = of_items.corrected(movement) + of_items.put_back
            short = _take(own, movement.amount, cash_only=False, cash_first=False).short
            took = _take(pots, short, cash_only=False, cash_first=True)
            beyond.parts += took.parts
            beyond.short += took.short
        else:
            _take(pots, movement.amount, cash_only=False, cash_first=movement.invoice is None)
    return uncovered


def _take(pots: Iterable[_Pot], amount: int, *, cash_only: bool, cash_first: bool) -> _Taken:
    took = _Taken()
    order = [pot for pot in pots if pot.cash or not cash_only]
    if cash_first:
        order.sort(key=lambda pot: not pot.cash)
    for pot in order:
        part = min(pot.left, amount)
        if part:
            pot.left -= part
            amount -= part
            took.parts.append((pot, part))
    took.short = amount
    return took


def _put_back_at_most(took: _Taken, amount: int, pots: list[_Pot], of_items: ItemPots) -> None:
    """A correction that puts back: first what corrections took of other pots, the rest is no cash credit."""
    back = min(amount, took.short + sum(part for _, part in took.parts))
    _put_back(took, back)
    rest = _Pot(cash=False, left=amount - back)
    of_items.put_back.append(rest)
    pots.append(rest)


def _put_back(took: _Taken, amount: int) -> None:
    repaid = min(took.short, amount)
    took.short -= repaid
    amount -= repaid
    while amount and took.parts:
        pot, part = took.parts.pop()
        back = min(part, amount)
        pot.left += back
        amount -= back
        if back < part:
            took.parts.append((pot, part - back))
