"""A mark's rest: what a reserve took that neither came back to the credit nor went out as a refund."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from refund_worker.domain.facts import Charge, CustomerBalanceTransaction, Refund
from refund_worker.domain.marks import Mark, MarkUnreadable, read_mark, readable_mark
from refund_worker.domain.movements import is_reserve, is_return


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRest:
    """What became of one reserve. Amounts are positive minor units of `currency`, but for the rest.

    Attributes:
        debit: The customer balance transaction that reserved.
        created: When it reserved, epoch seconds; where it was not read, when its oldest return was made.
        refunded_minor: Refunds of this mark that stand: neither failed nor canceled.
        rest_minor: reserved - given back - re-credited - refunded. Zero when all is well; positive while a case is
            unfinished or abandoned; negative where more went out than was reserved.
        incomplete: The debit is not among the transactions read: the rest says nothing yet.
    """

    case: str
    debit: str
    created: int
    currency: str
    reserved_minor: int
    given_back_minor: int
    recredited_minor: int
    refunded_minor: int
    incomplete: bool

    @property
    def rest_minor(self) -> int:
        """What is still reserved: the most that may be given back (rule GIVE_BACK_AT_MOST_THE_MARKS_REST)."""
        return self.reserved_minor - self.given_back_minor - self.recredited_minor - self.refunded_minor


def mark_rests(transactions: Sequence[CustomerBalanceTransaction], charges: Iterable[Charge]) -> tuple[MarkRest, ...]:
    """Return the rest of every mark that the transactions show, newest reserve first.

    Args:
        transactions: Of one customer, newest first, of any currency.
        charges: Every charge of the customer with all its refunds.
    """
    marked = list(_marked(transactions))
    refunds = list(_marked_refunds(charges))
    reserves = {row.id: (row, mark) for row, mark in marked if is_reserve(mark, row)}
    returns = [(row, mark) for row, mark in marked if is_return(mark, row)]
    # The oldest return stands for a debit that was not read.
    stand_ins = {str(mark.debit): (row, mark) for row, mark in returns}
    return tuple(
        MarkRest(
            case=mark.case,
            debit=debit,
            created=row.created,
            currency=row.currency,
            reserved_minor=row.amount_minor if debit in reserves else 0,
            given_back_minor=_returned(returns, debit=debit, kind="give_back"),
            recredited_minor=_returned(returns, debit=debit, kind="recredit"),
            refunded_minor=sum(
                refund.amount_minor for refund, refund_mark in refunds if _is_of(refund_mark, mark.case, debit)
            ),
            incomplete=debit not in reserves,
        )
        for debit, (row, mark) in (stand_ins | reserves).items()
    )


def unreadable_refund_marks(charges: Iterable[Charge]) -> tuple[str, ...]:
    """Return the refunds whose mark cannot be read: what they returned belongs to a case that cannot be told."""
    unreadable: list[str] = []
    for charge in charges:
        for refund in charge.refunds:
            try:
                mark = read_mark(refund.metadata)
            except MarkUnreadable:
                unreadable.append(refund.id)
                continue
            if mark is not None and mark.kind != "refund":
                unreadable.append(refund.id)
    return tuple(unreadable)


def refunds_without_debit(charges: Iterable[Charge], *, debits: AbstractSet[str]) -> list[str]:
    """Return the standing refunds whose mark names a debit that is not among those of the customer."""
    return [
        refund.id for refund, mark in _marked_refunds(charges) if mark.debit is not None and mark.debit not in debits
    ]


def _marked(
    transactions: Iterable[CustomerBalanceTransaction],
) -> Iterator[tuple[CustomerBalanceTransaction, Mark]]:
    for transaction in transactions:
        mark = readable_mark(transaction.metadata)
        if mark is not None:
            yield transaction, mark


def _marked_refunds(charges: Iterable[Charge]) -> Iterator[tuple[Refund, Mark]]:
    standing = {refund.id: refund for charge in charges for refund in charge.refunds if refund.stands}
    for refund in standing.values():
        mark = readable_mark(refund.metadata)
        if mark is not None and mark.kind == "refund":
            yield refund, mark


def _is_of(mark: Mark, case: str, debit: str) -> bool:
    return mark.debit == debit or (mark.debit is None and mark.case == case)


def _returned(returns: Iterable[tuple[CustomerBalanceTransaction, Mark]], *, debit: str, kind: str) -> int:
    return -sum(row.amount_minor for row, mark in returns if mark.debit == debit and mark.kind == kind)
