"""Provenance: what is left of which lot, replayed from the customer balance transactions."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from refund_worker.domain.converted_lots import ConvertedItems, conversion_parts
from refund_worker.domain.credit import Lot, Origin, Replay
from refund_worker.domain.errors import HistoryInconsistent
from refund_worker.domain.facts import CustomerBalanceTransaction, Invoice
from refund_worker.domain.lot_book import LotBook, is_named
from refund_worker.domain.marks import Mark, NamedLot
from refund_worker.domain.movements import Kind, Movement
from refund_worker.domain.origins import Part, is_from_invoice, limited, parts_of
from refund_worker.domain.window import cut, enough, read_movements, window

__all__ = ["covered_by", "enough", "replay"]


def replay(
    *,
    transactions: Sequence[CustomerBalanceTransaction],
    currency: str,
    invoices: Mapping[str, Invoice],
    refundable_origins: frozenset[Origin],
    complete: bool,
    up_to: str | None = None,
    before: bool = False,
    may_leave: Callable[[Lot], bool] | None = None,
) -> Replay:
    """Replay one currency's movements into lots.

    Args:
        transactions: Newest first, as Stripe lists them; may be of several currencies.
        currency: The one to replay.
        invoices: By id; a credit whose invoice is not among them is of unknown origin.
        refundable_origins: What somebody else's debit takes first.
        complete: The oldest transaction is the customer's first.
        up_to: The newest transaction to replay, for the state at that time; None = all.
        before: Leave `up_to` itself out.
        may_leave: What of these origins may leave as cash; only that does somebody else's debit take first. None = all.

    Raises:
        HistoryInconsistent: If the amounts and ending balances do not add up, too little was read, or `up_to` is
            absent.
    """
    movements = cut(read_movements(transactions, currency=currency, invoices=invoices), up_to=up_to, before=before)
    past = window(movements, complete=complete)
    opening = past[0].transaction if past else None
    start = opening.ending_balance_minor - opening.amount_minor if opening else _newest_ending(movements)
    origins = refundable_origins - {Origin.UNKNOWN}

    def first(lot: Lot) -> bool:
        return lot.origin in origins and (may_leave is None or may_leave(lot))

    book = _Replaying(invoices=invoices, may_leave=first, start_minor=start)
    for movement in past:
        book.add(movement)
    return Replay(
        credit_minor=-book.balance_minor,
        lots=book.lots.lots,
        unfunded_minor=book.lots.unfunded,
        malformed_marks=tuple(movement.transaction.id for movement in past if movement.malformed),
        owed_minor=book.lots.owed_minor,
    )


def covered_by(
    *,
    transactions: Sequence[CustomerBalanceTransaction],
    debit_id: str,
    named_lots: Iterable[NamedLot],
    currency: str,
    invoices: Mapping[str, Invoice],
    refundable_origins: frozenset[Origin],
    complete: bool,
    may_leave: Callable[[Lot], bool] | None = None,
) -> int:
    """Say how much of a reserve its lots covered just before it (rule ENDING_BALANCE_TELLS_OF_MOVES).

    Never more than was named, than was left of each named refundable lot, or than the credit held beside all that
    was not named: no goodwill is paid out. Zero or more, minor units.

    Raises:
        HistoryInconsistent: As `replay` does; then nothing can be said to be covered.
    """
    past = replay(
        transactions=transactions,
        currency=currency,
        invoices=invoices,
        refundable_origins=refundable_origins,
        complete=complete,
        up_to=debit_id,
        before=True,
        may_leave=may_leave,
    )
    left = [lot.left_minor if lot.origin in refundable_origins - {Origin.UNKNOWN} else 0 for lot in past.lots]
    covered = 0
    for name in named_lots:
        wanted = name.amount_minor
        for place, lot in enumerate(past.lots):
            if is_named(lot, name):
                taken = min(left[place], wanted)
                left[place] -= taken
                wanted -= taken
                covered += taken
    not_named = sum(lot.left_minor for lot in past.lots) - covered
    return max(0, min(covered, past.credit_minor - not_named))


def _newest_ending(movements: Sequence[Movement]) -> int:
    return movements[0].transaction.ending_balance_minor if movements else 0


class _Replaying:
    """The lots and the running balance (Stripe's sign), moved on transaction by transaction."""

    def __init__(self, *, invoices: Mapping[str, Invoice], may_leave: Callable[[Lot], bool], start_minor: int) -> None:
        self.lots = LotBook(may_leave=may_leave, owed_minor=max(0, start_minor))
        self.balance_minor = start_minor
        self._invoices = invoices
        self._booked: Counter[str] = Counter()
        self._converted = ConvertedItems()
        self._put_back: list[str] = []

    def add(self, movement: Movement) -> None:
        transaction = movement.transaction
        self.balance_minor += transaction.amount_minor
        if self.balance_minor != transaction.ending_balance_minor:
            raise HistoryInconsistent(
                f"{transaction.id} ends at {transaction.ending_balance_minor}, "
                f"but the movements up to it add up to {self.balance_minor}"
            )
        if transaction.amount_minor > 0:
            self._debit(movement)
        else:
            self._credit(movement)

    def _debit(self, movement: Movement) -> None:
        transaction, mark = movement.transaction, movement.mark
        if movement.kind is Kind.RESERVE and mark is not None:
            self.lots.take_named(mark.lots, debit=transaction.id)
        elif movement.kind is Kind.CORRECTION and mark is not None:
            self._take_back(mark)
        elif movement.kind is Kind.INVOICE_USE and transaction.invoice is not None:
            self.lots.take_for_invoice(transaction.amount_minor, invoice=transaction.invoice)
        else:
            self.lots.take_for_stranger(transaction.amount_minor)

    def _credit(self, movement: Movement) -> None:
        transaction, mark = movement.transaction, movement.mark
        amount = -transaction.amount_minor
        if movement.kind is Kind.CREDIT:
            self._open(movement)
            return
        if movement.kind is Kind.CONVERSION and mark is not None:
            self._convert(movement, mark)
            return
        beyond = amount
        if movement.kind is Kind.CORRECTION and mark is not None:
            self._converted.correct(mark)
            beyond = self.lots.return_of_corrections(amount)  # what is beyond it is of unknown origin
            self._put_back.append(transaction.id)
        elif movement.kind is Kind.RETURN and mark is not None and mark.debit is not None:
            beyond = self.lots.return_of_debit(amount, debit=mark.debit)
        elif transaction.invoice is not None:
            beyond = self.lots.return_of_invoice(amount, invoice=transaction.invoice)
        without_counterpart = replace(transaction, amount_minor=-beyond)
        self._open(replace(movement, transaction=without_counterpart))

    def _convert(self, movement: Movement, mark: Mark) -> None:
        """Open the lots of a conversion's credit, for what of it is below zero; only proration shrinks."""
        transaction = movement.transaction
        amount = -transaction.amount_minor
        fresh = self._converted.credit(mark, transaction=transaction.id)
        proration, rest = conversion_parts(mark, credit_minor=amount, fresh=fresh)
        below = self.lots.pay_off(amount)
        kept = limited((rest,) if rest else (), limit_minor=below)
        shrunk = limited((proration,) if proration else (), limit_minor=below - sum(part.amount_minor for part in kept))
        since = mark.converted.since if mark.converted else transaction.created
        for part in (*shrunk, *kept):
            self.lots.open(replace(_lot(part, transaction), created=since))

    def _take_back(self, mark: Mark) -> None:
        """A correction takes from the lots of the credits that named its item, then from what others put back."""
        for conversion, amount in self._converted.correct(mark):
            missing = amount
            for transaction in ([conversion] if conversion else []) + self._put_back:
                missing = self.lots.take_of(transaction, missing)
            if missing:
                self.lots.take_for_correction(missing)

    def _open(self, movement: Movement) -> None:
        """Open a lot per part of a credit, for what of it is below zero; only proration shrinks, goodwill never."""
        transaction = movement.transaction
        booked = self._booked[transaction.invoice] if transaction.invoice is not None else 0
        parts = parts_of(movement, invoices=self._invoices, booked_minor=booked)
        prorations = [part for part in parts if part.origin is Origin.PRORATION]
        others = [part for part in parts if part.origin is not Origin.PRORATION]
        if transaction.invoice is not None and is_from_invoice(movement):
            self._booked[transaction.invoice] += sum(part.amount_minor for part in prorations)
        below = self.lots.pay_off(-transaction.amount_minor)
        kept = limited(others, limit_minor=below)
        shrunk = limited(prorations, limit_minor=below - sum(part.amount_minor for part in kept))
        for part in (*shrunk, *kept):
            self.lots.open(_lot(part, transaction))


def _lot(part: Part, transaction: CustomerBalanceTransaction) -> Lot:
    return Lot(
        transaction=transaction.id,
        created=transaction.created,
        origin=part.origin,
        cause=part.cause,
        subscription=part.subscription,
        invoice=transaction.invoice,
        opened_minor=part.amount_minor,
        left_minor=part.amount_minor,
    )
