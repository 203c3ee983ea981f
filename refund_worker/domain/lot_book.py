"""The lots while they are replayed: opened, consumed, returned. Amounts are positive minor units of one currency.

After each movement: sum of the lots - unfunded - owed = the credit (Stripe's running balance, negated); and nothing is
owed while a lot has something left.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from refund_worker.domain.credit import Lot, Origin
from refund_worker.domain.marks import NamedLot

_CORRECTIONS = "corrections"


@dataclass(slots=True, kw_only=True)
class _Taken:
    """What one debit took of the lot at a position."""

    position: int
    amount_minor: int


@dataclass(slots=True, kw_only=True)
class _Owed:
    """What a debit took beyond the lots; `by` is the invoice, `_CORRECTIONS`, or None for somebody else's."""

    by: str | None
    amount_minor: int


class LotBook:
    """The lots of one customer in one currency, oldest first, changed movement by movement."""

    def __init__(self, *, may_leave: Callable[[Lot], bool], owed_minor: int) -> None:
        self._may_leave = may_leave
        self._lots: list[Lot] = []
        self._owed: list[_Owed] = [_Owed(by=None, amount_minor=owed_minor)] if owed_minor else []
        self._unfunded: dict[str, int] = {}
        self._taken: defaultdict[str, list[_Taken]] = defaultdict(list)

    @property
    def lots(self) -> tuple[Lot, ...]:
        """Those with something left, oldest first."""
        return tuple(lot for lot in self._lots if lot.left_minor > 0)

    @property
    def unfunded(self) -> dict[str, int]:
        """Per debit of ours, what found no lot and was not returned."""
        return {debit: amount for debit, amount in self._unfunded.items() if amount > 0}

    @property
    def owed_minor(self) -> int:
        """What others' debits took beyond the lots."""
        return sum(entry.amount_minor for entry in self._owed)

    def pay_off(self, amount_minor: int) -> int:
        """Pay what is owed, oldest first; return what is left of the amount: the part of a credit below zero."""
        for entry in self._owed:
            paid = min(entry.amount_minor, amount_minor)
            entry.amount_minor -= paid
            amount_minor -= paid
        self._owed = [entry for entry in self._owed if entry.amount_minor > 0]
        return amount_minor

    def open(self, lot: Lot) -> None:
        """Add a lot as the newest."""
        self._lots.append(lot)

    def take_named(self, named: Iterable[NamedLot], *, debit: str) -> None:
        """Take what a debit of ours names, never more of a lot than is left; the rest is unfunded."""
        unfunded = 0
        for name in named:
            places = [place for place, lot in enumerate(self._lots) if is_named(lot, name)]
            unfunded += self._take(places, name.amount_minor, by=debit)
        self._unfunded[debit] = unfunded

    def take_for_invoice(self, amount_minor: int, *, invoice: str) -> None:
        """An invoice uses credit first in, first out."""
        self._take_or_owe(_Owed(by=invoice, amount_minor=amount_minor))

    def take_for_stranger(self, amount_minor: int) -> None:
        """Somebody's debit takes the refundable lots first: it may stand for a refund made by hand."""
        self._take_or_owe(_Owed(by=None, amount_minor=amount_minor))

    def take_of(self, transaction: str, amount_minor: int) -> int:
        """Take from what one credit opened, unknown first, then proration; gives what is missing."""
        order = (Origin.UNKNOWN, Origin.PRORATION)
        places = [place for place, lot in enumerate(self._lots) if lot.transaction == transaction]
        places.sort(key=lambda place: order.index(at) if (at := self._lots[place].origin) in order else len(order))
        return self._take(places, amount_minor, by=None)

    def take_for_correction(self, amount_minor: int) -> None:
        """What a correction takes beyond the credit of its item: the refundable lots first, as a stranger's debit."""
        self._take_or_owe(_Owed(by=_CORRECTIONS, amount_minor=amount_minor))

    def return_of_corrections(self, amount_minor: int) -> int:
        """Return what corrections took of lots that were not theirs; gives what is beyond it.

        A credit of 50 may be an item of -80 and one of 30: both taken off again, 80 and -30, other lots are as before.
        """
        return self.return_of_invoice(amount_minor, invoice=_CORRECTIONS)

    def return_of_debit(self, amount_minor: int, *, debit: str) -> int:
        """Return to a debit's lots; gives what is beyond all that the debit took."""
        funded = min(amount_minor, self._unfunded.get(debit, 0))
        if funded:
            self._unfunded[debit] -= funded
        return self._put_back(amount_minor - funded, by=debit)

    def return_of_invoice(self, amount_minor: int, *, invoice: str) -> int:
        """Return what an invoice had used; gives what is beyond it."""
        for entry in reversed(self._owed):
            if entry.by == invoice:
                forgiven = min(entry.amount_minor, amount_minor)
                entry.amount_minor -= forgiven
                amount_minor -= forgiven
        self._owed = [entry for entry in self._owed if entry.amount_minor > 0]
        return self._put_back(amount_minor, by=invoice)

    def _put_back(self, amount_minor: int, *, by: str) -> int:
        """Last taken, first put back, at the lot's old place."""
        taken = self._taken[by]
        while amount_minor and taken:
            last = taken[-1]
            back = min(last.amount_minor, amount_minor)
            self._change(last.position, back)
            last.amount_minor -= back
            amount_minor -= back
            if not last.amount_minor:
                taken.pop()
        self._settle()
        return amount_minor

    def _settle(self) -> None:
        """Let what is owed take from lots that came back: credit above zero is no credit."""
        owed, self._owed = self._owed, []
        for entry in owed:
            self._take_or_owe(entry)

    def _take_or_owe(self, entry: _Owed) -> None:
        places: Sequence[int] = range(len(self._lots))
        if entry.by in {None, _CORRECTIONS}:
            places = sorted(places, key=lambda place: not self._may_leave(self._lots[place]))
        missing = self._take(places, entry.amount_minor, by=entry.by)
        if missing:
            self._owed.append(_Owed(by=entry.by, amount_minor=missing))

    def _take(self, places: Iterable[int], amount_minor: int, *, by: str | None) -> int:
        """Take from lots in the order given; returns what found none."""
        for place in places:
            taken = min(self._lots[place].left_minor, amount_minor)
            if taken:
                self._change(place, -taken)
                amount_minor -= taken
                if by is not None:
                    self._taken[by].append(_Taken(position=place, amount_minor=taken))
        return amount_minor

    def _change(self, place: int, by_minor: int) -> None:
        lot = self._lots[place]
        self._lots[place] = replace(lot, left_minor=lot.left_minor + by_minor)


def is_named(lot: Lot, name: NamedLot) -> bool:
    """Whether a debit's name means this lot: its balance transaction, and its part where the name has one."""
    return lot.transaction == name.transaction and name.part in {None, lot.part}
