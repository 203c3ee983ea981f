"""Whose time a credit gives back: the invoices that a proration credits, as Stripe says it, or by the period."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from refund_worker.domain.credit import Lot, Origin
from refund_worker.domain.facts import CustomerBalanceTransaction, Invoice, InvoiceLine
from refund_worker.domain.marks import readable_mark


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedTime:
    """Time of one subscription that a credit gives back.

    Attributes:
        invoice: The invoice that had billed it, where Stripe says so (`credited_items`).
        booked_by: The invoice that credits it; None for pending items that were moved onto the balance.
        start: When the credited time began, epoch seconds; 0 = not known.
        amount_minor: What is credited, positive.
    """

    subscription: str
    invoice: str | None
    booked_by: str | None
    start: int
    amount_minor: int


def credited_by_lot(
    lot: Lot, *, invoices: Mapping[str, Invoice], transactions: Iterable[CustomerBalanceTransaction]
) -> tuple[CreditedTime, ...]:
    """Return whose time a lot gives back; nothing for a lot that no proration made.

    Args:
        lot: Any.
        invoices: Every invoice of the customer, by id.
        transactions: Those that were read; the mark of pending items that were moved stands on the lot's.
    """
    if lot.subscription is None or lot.origin is not Origin.PRORATION:
        return ()
    booked_by = invoices.get(lot.invoice or "")
    if booked_by is not None:
        return tuple(time for time in credited_by_invoice(booked_by) if time.subscription == lot.subscription)
    opening = next((row for row in transactions if row.id == lot.transaction), None)
    return tuple(credited_by_movement(opening)) if opening is not None else ()


def credited_by_invoice(invoice: Invoice) -> Iterator[CreditedTime]:
    """Yield what the proration lines of an invoice credit."""
    for line in invoice.lines:
        if line.proration and line.subscription is not None and line.amount_minor < 0:
            yield CreditedTime(
                subscription=line.subscription,
                invoice=line.credited_invoice,
                booked_by=invoice.id,
                start=line.period_start,
                amount_minor=max(0, -line.net_minor),
            )


def credited_by_movement(row: CustomerBalanceTransaction) -> Iterator[CreditedTime]:
    """Yield what pending items credited that a movement of ours put on the balance, as its mark says.

    Where the mark names several invoices, each may have all of it: it does not say how much of which.
    """
    mark = readable_mark(row.metadata)
    if mark is None or mark.converted is None:
        return
    for invoice in mark.converted.credited or (None,):
        yield CreditedTime(
            subscription=mark.converted.subscription,
            invoice=invoice,
            booked_by=None,
            start=mark.converted.since,
            amount_minor=mark.converted.proration_minor,
        )


def billed_by(time: CreditedTime, *, invoices: Mapping[str, Invoice]) -> tuple[Invoice, ...]:
    """Return the invoices that billed the credited time; empty where none of them is known.

    The one that Stripe names; else those of the subscription with a line that bills a period in which the credited time
    began. There may be several: the period's own invoice, and one for an upgrade within it.
    """
    if time.invoice is not None:
        named = invoices.get(time.invoice)
        return (named,) if named is not None else ()
    if time.start == 0:
        return ()
    return tuple(
        invoice
        for invoice in invoices.values()
        if invoice.id != time.booked_by and any(_bills(line, time) for line in invoice.lines)
    )


def _bills(line: InvoiceLine, time: CreditedTime) -> bool:
    begins_in = line.period_start <= time.start < line.period_end
    return line.subscription == time.subscription and line.amount_minor > 0 and begins_in
