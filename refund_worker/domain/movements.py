"""What a customer balance transaction is: read from its sign, linked object and our mark, never from `type` alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from refund_worker.domain.facts import CustomerBalanceTransaction, Invoice
from refund_worker.domain.marks import Mark, MarkUnreadable, read_mark

_RETURN_STEPS = frozenset({"give_back", "recredit"})


class Kind(StrEnum):
    """How a movement changes the lots."""

    RESERVE = "reserve"
    RETURN = "return"
    UNAPPLIED = "unapplied"
    CREDIT = "credit"
    INVOICE_USE = "invoice_use"
    FOREIGN_DEBIT = "foreign_debit"
    CONVERSION = "conversion"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A customer balance transaction, understood.

    Attributes:
        mark: Ours, only where it fits the movement.
        malformed: It carries a mark that cannot be ours; the movement counts as somebody else's, of unknown origin.
    """

    transaction: CustomerBalanceTransaction
    kind: Kind
    mark: Mark | None = None
    malformed: bool = False


def read_movement(transaction: CustomerBalanceTransaction, *, invoices: Mapping[str, Invoice]) -> Movement:
    """Say what a transaction does to the lots. Stripe's sign: negative = credit, positive = debit."""
    try:
        mark = read_mark(transaction.metadata)
    except MarkUnreadable:
        return Movement(transaction=transaction, kind=_foreign_kind(transaction, invoices), malformed=True)
    if mark is None:
        return Movement(transaction=transaction, kind=_foreign_kind(transaction, invoices))
    if is_reserve(mark, transaction):
        return Movement(transaction=transaction, kind=Kind.RESERVE, mark=mark)
    if is_return(mark, transaction):
        return Movement(transaction=transaction, kind=Kind.RETURN, mark=mark)
    if is_conversion(mark, transaction):
        return Movement(transaction=transaction, kind=Kind.CONVERSION, mark=mark)
    if is_correction(mark, transaction):
        return Movement(transaction=transaction, kind=Kind.CORRECTION, mark=mark)
    return Movement(transaction=transaction, kind=_foreign_kind(transaction, invoices), malformed=True)


def is_reserve(mark: Mark, transaction: CustomerBalanceTransaction) -> bool:
    """Whether the movement is the debit that the mark tells of: positive, and the sum of the lots it names."""
    named = sum(lot.amount_minor for lot in mark.lots)
    ours = mark.kind == "reserve" and transaction.invoice is None
    return ours and transaction.amount_minor > 0 and named == transaction.amount_minor


def is_return(mark: Mark, transaction: CustomerBalanceTransaction) -> bool:
    """Whether the movement is the give-back or re-credit that the mark tells of: negative, and names its debit."""
    return mark.kind in _RETURN_STEPS and transaction.amount_minor < 0 and bool(mark.debit)


def is_conversion(mark: Mark, transaction: CustomerBalanceTransaction) -> bool:
    """Whether the movement is the credit that a conversion's mark tells of: negative, and the sum of its items.

    On the customer that it names only: whoever copies it elsewhere must not have that customer's items deleted there.
    """
    converted, amount = mark.converted, transaction.amount_minor
    if mark.kind != "credit_items" or converted is None or transaction.invoice is not None or amount >= 0:
        return False
    if mark.customer != transaction.customer:
        return False
    once = len({item.item for item in mark.items}) == len(mark.items)
    return once and sum(item.amount_minor for item in mark.items) == amount and converted.proration_minor <= -amount


def is_correction(mark: Mark, transaction: CustomerBalanceTransaction) -> bool:
    """Whether the movement is the correction that the mark tells of: it takes off what a credit moved of one item."""
    ours = mark.kind == "correct" and transaction.invoice is None and bool(mark.conversion)
    return ours and [-item.amount_minor for item in mark.items] == [transaction.amount_minor]


def _foreign_kind(transaction: CustomerBalanceTransaction, invoices: Mapping[str, Invoice]) -> Kind:
    if transaction.amount_minor > 0:
        return Kind.FOREIGN_DEBIT if transaction.invoice is None else Kind.INVOICE_USE
    if transaction.type == "unapplied_from_invoice" and not _is_negative(transaction.invoice, invoices):
        return Kind.UNAPPLIED
    return Kind.CREDIT


def _is_negative(invoice: str | None, invoices: Mapping[str, Invoice]) -> bool:
    """A negative invoice used no credit, so nothing of it can be unapplied, whatever the type says."""
    known = invoices.get(invoice) if invoice else None
    return known is not None and known.total_minor < 0
