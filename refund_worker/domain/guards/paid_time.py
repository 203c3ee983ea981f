"""Credit for time that was never paid, or paid with goodwill."""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from refund_worker.domain.charges import payments_by
from refund_worker.domain.credit import Lot, Origin
from refund_worker.domain.credited_time import (
    CreditedTime,
    billed_by,
    credited_by_invoice,
    credited_by_lot,
    credited_by_movement,
)
from refund_worker.domain.disputes import dispute_word
from refund_worker.domain.facts import CustomerFacts, Invoice
from refund_worker.domain.findings import Finding
from refund_worker.domain.goodwill import goodwill_used
from refund_worker.domain.reasons import Reason

_UNPAID = frozenset({"open", "uncollectible", "void"})
_BOOKED_NOTHING = frozenset({"draft", "void"})


def credited_invoice_unpaid(*, facts: CustomerFacts, lots: Iterable[Lot]) -> Finding | None:
    """Hold credit for time that was not paid (docs.stripe.com/billing/subscriptions/prorations, unpaid invoices).

    Also where the credit for it went into a later invoice, an upgrade say, of which the lots give time back. An invoice
    whose total is a credit asked for no payment, whatever its status. Numbers: `invoice`, `status`, and `credited`
    where Stripe does not say which invoice it credits: `by_period`, or `unknown` where none billed that time and any of
    the subscription is unpaid.

    Args:
        facts: Of the customer, with every invoice. A credited invoice that is not among them counts as unpaid.
        lots: Those that would be refunded.
    """
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    for time in _times_behind(lots, facts=facts, invoices=invoices):
        unpaid = _unpaid(time, invoices)
        if unpaid is not None:
            return Finding(reason=Reason.CREDITED_INVOICE_UNPAID, numbers=unpaid)
    return None


def _unpaid(time: CreditedTime, invoices: Mapping[str, Invoice]) -> dict[str, int | str] | None:
    billed = billed_by(time, invoices=invoices)
    if time.invoice is not None and not billed:
        return {"invoice": time.invoice, "status": "missing"}
    how = {} if time.invoice is not None else {"credited": "by_period"}
    if not billed:
        billed = tuple(one for one in invoices.values() if one.subscription == time.subscription)
        billed = tuple(one for one in billed if one.status in _UNPAID)
        how = {"credited": "unknown"}
    for invoice in billed:
        if invoice.status != "paid" and invoice.total_minor >= 0:  # one that is a credit asked for no payment
            return {"invoice": invoice.id, "status": invoice.status, **how}
    return None


def credited_invoice_charged_back(*, facts: CustomerFacts, lots: Iterable[Lot]) -> Finding | None:
    """Hold credit for time whose payment the bank took back for good: over another payment it would go out twice.

    While a dispute is open its charge is only passed over. Numbers: `invoice`, `status` (`dispute_lost`), `charge`.

    Args:
        facts: Of the customer, with the disputes of every charge that was disputed.
        lots: Those that would be refunded.
    """
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    lost = [charge for charge in facts.charges if dispute_word(charge) == "dispute_lost"]
    for time in _times_behind(lots, facts=facts, invoices=invoices) if lost else ():
        billed = billed_by(time, invoices=invoices)
        for charge in lost:
            for invoice, _ in payments_by(charge, billed):
                numbers: dict[str, int | str] = {"invoice": invoice.id, "status": "dispute_lost", "charge": charge.id}
                return Finding(reason=Reason.CREDITED_INVOICE_UNPAID, numbers=numbers)
    return None


def credited_goodwill(
    *, facts: CustomerFacts, lots: Iterable[Lot], currency: str, origins: AbstractSet[Origin]
) -> Finding | None:
    """Hold credit for time that goodwill had paid: by way of an invoice and a cancellation it would become cash.

    An invoice that used goodwill may be credited, over all credits of its time, up to what else paid it. That holds
    also where the credit went into a later invoice of which the lots give time back: an upgrade, say. Numbers:
    `invoice`, `credited_minor`, `paid_minor` (its total less the goodwill), `goodwill_minor`.

    Args:
        facts: Of the customer, with every invoice.
        lots: Those that would be refunded.
        currency: Of the credit.
        origins: What may leave as cash; all else is goodwill.
    """
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    concerned = {
        invoice.id: invoice
        for time in _times_behind(lots, facts=facts, invoices=invoices)
        for invoice in billed_by(time, invoices=invoices)
    }
    for invoice in concerned.values():
        goodwill = goodwill_used(invoice.id, facts=facts, currency=currency, origins=origins)
        if not goodwill:
            continue
        credited = _credited(facts, invoices, currency)[invoice.id]
        paid = max(0, invoice.total_minor - goodwill)
        if credited > paid:
            numbers: dict[str, int | str] = {
                "invoice": invoice.id,
                "credited_minor": credited,
                "paid_minor": paid,
                "goodwill_minor": goodwill,
            }
            return Finding(reason=Reason.CREDITED_INVOICE_UNPAID, numbers=numbers)
    return None


def _times_behind(
    lots: Iterable[Lot], *, facts: CustomerFacts, invoices: Mapping[str, Invoice]
) -> tuple[CreditedTime, ...]:
    """The times that the lots give back, those that the invoices which billed these gave back, and so on."""
    times = [time for lot in lots for time in credited_by_lot(lot, invoices=invoices, transactions=facts.transactions)]
    seen: set[str] = set()
    for time in times:  # grows while it is read
        for invoice in billed_by(time, invoices=invoices):
            if invoice.id not in seen:
                seen.add(invoice.id)
                times.extend(credited_by_invoice(invoice))
    return tuple(times)


def _credited(facts: CustomerFacts, invoices: Mapping[str, Invoice], currency: str) -> Counter[str]:
    """What was ever credited for the time of which invoice, on the balance or on another invoice, used since or not."""
    credited = Counter[str]()
    for invoice in facts.invoices:
        if invoice.currency == currency and invoice.status not in _BOOKED_NOTHING:
            credited += _sums(credited_by_invoice(invoice), invoices)
    for row in facts.transactions:
        if row.currency == currency:
            credited += _sums(credited_by_movement(row), invoices)
    return credited


def _sums(times: Iterable[CreditedTime], invoices: Mapping[str, Invoice]) -> Counter[str]:
    sums = Counter[str]()
    for time in times:
        for invoice in billed_by(time, invoices=invoices):
            sums[invoice.id] += time.amount_minor
    return sums
