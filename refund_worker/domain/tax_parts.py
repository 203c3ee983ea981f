"""Which part of a refund is tax."""

from collections.abc import Iterable, Mapping

from refund_worker.domain.facts import Invoice
from refund_worker.domain.plans import PlannedRefund


def tax_part(*, refunds: Iterable[PlannedRefund], invoices: Mapping[str, Invoice]) -> int:
    """Return the tax in the refunds, in minor units, zero or more, each refund rounded down.

    Stripe reverses tax in proportion to what is refunded of the invoice that the payment paid, where Stripe Tax is on
    (docs.stripe.com/tax/invoicing/refunds); so it is told here.
    """
    return sum(_of_one(refund, invoices.get(refund.invoice)) for refund in refunds)


def _of_one(refund: PlannedRefund, paid: Invoice | None) -> int:
    if paid is None or not paid.automatic_tax:
        return 0
    total = sum(line.net_minor for line in paid.lines)
    tax = sum(line.tax_minor for line in paid.lines)
    return refund.amount_minor * tax // total if 0 < tax < total else 0
