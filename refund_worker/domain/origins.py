"""Where one credit came from: the parts of a negative balance transaction (decision 0003)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from refund_worker.domain.causes import cause_of
from refund_worker.domain.credit import Cause, Origin
from refund_worker.domain.facts import Invoice, InvoiceLine
from refund_worker.domain.movements import Kind, Movement

_ORIGIN_OF_TYPE = {
    "adjustment": Origin.ADJUSTMENT,
    "initial": Origin.INITIAL,
    "migration": Origin.MIGRATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of one credit: a positive amount in minor units with one origin."""

    amount_minor: int
    origin: Origin
    cause: Cause | None = None
    subscription: str | None = None


def parts_of(movement: Movement, *, invoices: Mapping[str, Invoice], booked_minor: int = 0) -> tuple[Part, ...]:
    """Split a credit into its origins; the proration parts, by subscription id, come before the rest.

    Args:
        movement: A credit, or a return without its counterpart. Its amount is negative (Stripe's sign).
        invoices: By id. A linked invoice that is not among them makes the whole amount of unknown origin.
        booked_minor: Proration of the same invoice that earlier movements booked already, zero or more.
    """
    amount = -movement.transaction.amount_minor
    invoice = invoices.get(movement.transaction.invoice or "")
    if invoice is not None and invoice.currency != movement.transaction.currency:
        invoice = None
    prorations: tuple[Part, ...] = ()
    if is_from_invoice(movement) and invoice is not None and invoice.total_minor < 0:
        prorations = limited(_after(_proration_parts(invoice), booked_minor), limit_minor=amount)
    rest = amount - sum(part.amount_minor for part in prorations)
    if rest > 0:
        return (*prorations, Part(amount_minor=rest, origin=_origin(movement, invoice)))
    return prorations


def is_from_invoice(movement: Movement) -> bool:
    """Whether the credit is what an invoice of its own booked, neither a credit note nor an overpayment nor ours."""
    transaction = movement.transaction
    return (
        movement.kind is Kind.CREDIT
        and not movement.malformed
        and transaction.invoice is not None
        and transaction.credit_note is None
        and transaction.type != "invoice_overpaid"
    )


def limited(parts: Iterable[Part], *, limit_minor: int) -> tuple[Part, ...]:
    """Return the parts in order until their sum reaches the limit (zero or more); the last one may shrink."""
    kept: list[Part] = []
    for part in parts:
        amount = min(part.amount_minor, limit_minor)
        limit_minor -= amount
        if amount > 0:
            kept.append(replace(part, amount_minor=amount))
    return tuple(kept)


def _after(parts: Iterable[Part], booked_minor: int) -> tuple[Part, ...]:
    left: list[Part] = []
    for part in parts:
        gone = min(part.amount_minor, booked_minor)
        booked_minor -= gone
        if part.amount_minor > gone:
            left.append(replace(part, amount_minor=part.amount_minor - gone))
    return tuple(left)


def _origin(movement: Movement, invoice: Invoice | None) -> Origin:
    transaction = movement.transaction
    if movement.malformed or movement.kind is not Kind.CREDIT:
        return Origin.UNKNOWN
    if transaction.credit_note is not None:
        return Origin.CREDIT_NOTE
    if transaction.type == "invoice_overpaid":
        return Origin.OVERPAYMENT
    if transaction.invoice is not None:
        return Origin.OTHER if invoice is not None else Origin.UNKNOWN
    return _ORIGIN_OF_TYPE.get(transaction.type, Origin.OTHER)


def _proration_parts(invoice: Invoice) -> tuple[Part, ...]:
    """What of a negative invoice is proration: `min(-total, -(sum of its proration lines))`, per subscription."""
    lines = [line for line in invoice.lines if line.proration]
    limit = min(-invoice.total_minor, -sum(line.net_minor for line in lines))
    by_subscription: defaultdict[str, list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        if line.subscription is not None:
            by_subscription[line.subscription].append(line)
    parts = (
        Part(
            amount_minor=max(0, -sum(line.net_minor for line in of_one)),
            origin=Origin.PRORATION,
            cause=cause_of(of_one),
            subscription=subscription,
        )
        for subscription, of_one in sorted(by_subscription.items())
    )
    return limited(parts, limit_minor=max(0, limit))
