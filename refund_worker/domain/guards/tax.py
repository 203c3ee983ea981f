"""Tax that Stripe would reverse a second time."""

from collections.abc import Iterable

from refund_worker.domain.charges import payments_by
from refund_worker.domain.credit import Lot
from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.findings import Finding
from refund_worker.domain.plans import PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from refund_worker.domain.tax_parts import tax_part


def automatic_tax(
    *, facts: CustomerFacts, lots: Iterable[Lot], refunds: Iterable[PlannedRefund], policy: Policy
) -> Finding | None:
    """Hold where Stripe Tax is on: a refund may reverse tax that the negative invoice reversed already.

    Source: docs.stripe.com/tax/invoicing/refunds. Numbers: `invoice`, `invoices`, and `tax_minor`, the part of the
    planned refunds that is tax.
    """
    if policy.stripe_tax != "hold":
        return None
    planned = tuple(refunds)
    used = {refund.charge for refund in planned}
    concerned = {lot.invoice for lot in lots} | {
        invoice.id
        for charge in facts.charges
        if charge.id in used
        for invoice, _ in payments_by(charge, facts.invoices)
    }
    taxed = sorted(invoice.id for invoice in facts.invoices if invoice.automatic_tax and invoice.id in concerned)
    if not taxed:
        return None
    tax = tax_part(refunds=planned, invoices={invoice.id: invoice for invoice in facts.invoices})
    numbers: dict[str, int | str] = {"invoice": taxed[0], "invoices": len(taxed), "tax_minor": tax}
    return Finding(reason=Reason.AUTOMATIC_TAX, numbers=numbers)
