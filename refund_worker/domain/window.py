"""How far back the balance transactions must be read before the lots can be told."""

from collections import Counter
from collections.abc import Mapping, Sequence

from refund_worker.domain.errors import HistoryInconsistent
from refund_worker.domain.facts import CustomerBalanceTransaction, Invoice
from refund_worker.domain.movements import Kind, Movement, read_movement


def enough(
    transactions: Sequence[CustomerBalanceTransaction],
    *,
    currency: str,
    invoices: Mapping[str, Invoice],
    up_to: str | None = None,
    before: bool = False,
) -> bool:
    """Whether a replay can start inside what was read, so that no older page is needed.

    Args:
        transactions: Newest first, may be of several currencies.
        currency: The one to look at.
        invoices: By id.
        up_to: Judge a replay up to this transaction instead of the newest.
        before: Judge a replay to just before `up_to`.
    """
    movements = read_movements(transactions, currency=currency, invoices=invoices)
    try:
        past = cut(movements, up_to=up_to, before=before)
    except HistoryInconsistent:
        return False
    return _start(past) is not None


def read_movements(
    transactions: Sequence[CustomerBalanceTransaction], *, currency: str, invoices: Mapping[str, Invoice]
) -> list[Movement]:
    """Return the movements of one currency, in the order given."""
    return [read_movement(row, invoices=invoices) for row in transactions if row.currency == currency]


def cut(movements: Sequence[Movement], *, up_to: str | None, before: bool) -> Sequence[Movement]:
    """Leave out what is newer than `up_to`, and with `before` that one too. Newest first.

    Raises:
        HistoryInconsistent: If `up_to` is not among the movements.
    """
    if up_to is None:
        return movements
    for position, movement in enumerate(movements):
        if movement.transaction.id == up_to:
            return movements[position + before :]
    raise HistoryInconsistent(f"the balance transaction {up_to} is not among those read")


def window(movements: Sequence[Movement], *, complete: bool) -> list[Movement]:
    """Return what a replay needs, oldest first.

    It starts where the running balance was last at or above zero with everything that later movements name inside;
    else at the history's start, where a name may stay without its counterpart.

    Raises:
        HistoryInconsistent: If neither was read, or if the history starts below zero.
    """
    start = _start(movements)
    if start is None:
        if not complete:
            raise HistoryInconsistent("the balance transactions were not read back far enough")
        start = len(movements)
        if movements and _balance_before(movements[-1]) < 0:
            raise HistoryInconsistent("the oldest balance transaction starts from a credit that nothing tells of")
    return list(reversed(movements[:start]))


def _start(movements: Sequence[Movement]) -> int | None:
    """How many movements, newest first, a replay needs; None where their start was not read."""
    if not movements:
        return None
    wanted = _Wanted()
    for position, movement in enumerate(movements):
        if movement.transaction.ending_balance_minor >= 0 and wanted.nothing():
            return position
        wanted.pass_by(movement)
    return len(movements) if _balance_before(movements[-1]) >= 0 and wanted.nothing() else None


def _balance_before(movement: Movement) -> int:
    return movement.transaction.ending_balance_minor - movement.transaction.amount_minor


class _Wanted:
    """What the movements passed so far name and was not met yet, going back in time."""

    def __init__(self) -> None:
        self._transactions: set[str] = set()
        self._applied: Counter[str] = Counter()

    def nothing(self) -> bool:
        return not self._transactions and not self._applied

    def pass_by(self, movement: Movement) -> None:
        transaction, mark = movement.transaction, movement.mark
        self._transactions.discard(transaction.id)
        if movement.kind is Kind.RESERVE and mark is not None:
            self._transactions.update(lot.transaction for lot in mark.lots)
        elif movement.kind is Kind.RETURN and mark is not None and mark.debit is not None:
            self._transactions.add(mark.debit)
        elif movement.kind is Kind.CORRECTION and mark is not None and mark.conversion is not None:
            self._transactions.add(mark.conversion)
        elif movement.kind is Kind.UNAPPLIED and transaction.invoice is not None:
            self._applied[transaction.invoice] -= transaction.amount_minor
        elif movement.kind is Kind.INVOICE_USE and transaction.invoice is not None:
            self._met(transaction.invoice, transaction.amount_minor)

    def _met(self, invoice: str, amount_minor: int) -> None:
        if invoice in self._applied:
            self._applied[invoice] -= amount_minor
            if self._applied[invoice] <= 0:
                del self._applied[invoice]
