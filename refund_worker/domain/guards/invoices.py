"""Invoices that may still use the credit."""

from collections.abc import Iterable

from refund_worker.domain.facts import Invoice
from refund_worker.domain.findings import Finding
from refund_worker.domain.reasons import Reason

_HOUR_S = 3600
# Stripe finalises a draft about an hour after it was made (docs.stripe.com/invoicing/integration/workflow-transitions).
_FINALISED_AFTER_S = _HOUR_S


def open_invoice(*, invoices: Iterable[Invoice]) -> Finding | None:
    """Hold a customer with an open invoice: the credit may be for time that was never paid."""
    found = sorted(invoice.id for invoice in invoices if invoice.status == "open")
    if not found:
        return None
    return Finding(reason=Reason.OPEN_INVOICE, numbers={"invoice": found[0], "invoices": len(found)})


def draft_invoice(*, invoices: Iterable[Invoice], quiet_hours: int, now: int) -> Finding | None:
    """Hold a customer with a draft that finalises by itself within the quiet hours: it will use the credit.

    Or add to it, where its total is a credit, as that of a cancellation is at first: then both are planned at once.
    """
    for invoice in sorted(invoices, key=lambda invoice: (invoice.created, invoice.id)):
        if invoice.status == "draft" and invoice.auto_advance:
            finalises_at = invoice.automatically_finalizes_at
            if finalises_at is None:
                finalises_at = invoice.created + _FINALISED_AFTER_S
            if finalises_at <= now + quiet_hours * _HOUR_S:
                numbers: dict[str, int | str] = {"invoice": invoice.id, "finalises_at": finalises_at}
                return Finding(reason=Reason.DRAFT_INVOICE, numbers=numbers)
    return None
