"""What this version cannot judge is held, never refunded: one function per hold, each with the figures behind it.

Every guard returns None where it has nothing against a refund. None of them asks Stripe anything; all are always asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from refund_worker.domain.charges import payments_by
from refund_worker.domain.credit import Lot
from refund_worker.domain.facts import CustomerFacts, Invoice, PendingItem
from refund_worker.domain.plans import PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason

_HOUR_S = 3600
# Stripe finalises a draft about an hour after it was made (docs.stripe.com/invoicing/integration/workflow-transitions).
_FINALISED_AFTER_S = _HOUR_S
_UNPAID = frozenset({"open", "uncollectible", "void"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why nothing may be done. `held`: a person must act; otherwise it is a skip. `numbers`: the figures behind it."""

    reason: Reason
    held: bool = True
    numbers: Mapping[str, int | str] = field(default_factory=dict)


def excluded_customer(*, facts: CustomerFacts, policy: Policy) -> Finding | None:
    """Hold a customer whom the policy names, by id or by metadata."""
    if facts.customer.id in policy.excluded_customers:
        return Finding(reason=Reason.EXCLUDED_CUSTOMER, numbers={"by": "id"})
    for key, value in sorted(policy.excluded_metadata.items()):
        found = facts.customer.metadata.get(key)
        if found is not None and value in {"*", found}:
            return Finding(reason=Reason.EXCLUDED_CUSTOMER, numbers={"by": "metadata", "key": key})
    return None


def pending_items(*, items: Iterable[PendingItem], currency: str) -> Finding | None:
    """Hold a customer with invoice items that no invoice has taken yet; in the sum negative = credit."""
    found = tuple(items)
    if not found:
        return None
    net = sum(item.amount_minor for item in found if item.currency == currency)
    return Finding(reason=Reason.PENDING_ITEMS, numbers={"items": len(found), "net_minor": net})


def open_invoice(*, invoices: Iterable[Invoice]) -> Finding | None:
    """Hold a customer with an open invoice: the credit may be for time that was never paid."""
    found = sorted(invoice.id for invoice in invoices if invoice.status == "open")
    if not found:
        return None
    return Finding(reason=Reason.OPEN_INVOICE, numbers={"invoice": found[0], "invoices": len(found)})


def draft_invoice(*, invoices: Iterable[Invoice], quiet_hours: int, now: int) -> Finding | None:
    """Hold a customer with a draft that finalises by itself within the quiet hours: it will use the credit."""
    for invoice in sorted(invoices, key=lambda invoice: (invoice.created, invoice.id)):
        if invoice.status == "draft" and invoice.auto_advance:
            finalises_at = invoice.automatically_finalizes_at
            if finalises_at is None:
                finalises_at = invoice.created + _FINALISED_AFTER_S
            if finalises_at <= now + quiet_hours * _HOUR_S:
                numbers: dict[str, int | str] = {"invoice": invoice.id, "finalises_at": finalises_at}
                return Finding(reason=Reason.DRAFT_INVOICE, numbers=numbers)
    return None


def credited_invoice_unpaid(*, lots: Iterable[Lot], invoices: Mapping[str, Invoice]) -> Finding | None:
    """Hold credit for time that was not paid (docs.stripe.com/billing/subscriptions/prorations, unpaid invoices).

    Args:
        lots: Those that would be refunded.
        invoices: Every invoice of the customer, by id. A credited invoice that is not among them counts as unpaid.
    """
    for lot in lots:
        booked_by = invoices.get(lot.invoice or "")
        if lot.subscription is None or booked_by is None:
            continue
        for line in booked_by.lines:
            if line.proration and line.subscription == lot.subscription and line.amount_minor < 0:
                unpaid = _unpaid(line.credited_invoice, lot.subscription, invoices)
                if unpaid is not None:
                    return Finding(reason=Reason.CREDITED_INVOICE_UNPAID, numbers=unpaid)
    return None


def _unpaid(credited: str | None, subscription: str, invoices: Mapping[str, Invoice]) -> dict[str, int | str] | None:
    """The unpaid invoice that a line credits; where Stripe does not say which, any unpaid one of the subscription."""
    if credited is not None:
        status = invoices[credited].status if credited in invoices else "missing"
        return None if status == "paid" else {"invoice": credited, "status": status}
    for invoice in invoices.values():
        if invoice.subscription == subscription and invoice.status in _UNPAID:
            return {"invoice": invoice.id, "status": invoice.status, "credited": "unknown"}
    return None


def automatic_tax(
    *, facts: CustomerFacts, lots: Iterable[Lot], refunds: Iterable[PlannedRefund], policy: Policy
) -> Finding | None:
    """Hold where Stripe Tax is on: a refund may reverse tax that the negative invoice reversed already.

    Source: docs.stripe.com/tax/invoicing/refunds.
    """
    if policy.stripe_tax != "hold":
        return None
    used = {refund.charge for refund in refunds}
    concerned = {lot.invoice for lot in lots} | {
        invoice.id
        for charge in facts.charges
        if charge.id in used
        for invoice, _ in payments_by(charge, facts.invoices)
    }
    taxed = sorted(invoice.id for invoice in facts.invoices if invoice.automatic_tax and invoice.id in concerned)
    if not taxed:
        return None
    return Finding(reason=Reason.AUTOMATIC_TAX, numbers={"invoice": taxed[0], "invoices": len(taxed)})
