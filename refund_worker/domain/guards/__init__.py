"""What stands against a refund: one function per rule, each with the figures behind it.

What cannot be judged is held, never refunded. Every guard returns None where it has nothing against a refund. None of
them asks Stripe anything; all are always asked, and `planning` says which is named where several apply.
"""

from refund_worker.domain.findings import Finding
from refund_worker.domain.guards.amounts import above_limit, below_minimum
from refund_worker.domain.guards.charges import bank_debit_disputable, no_charge
from refund_worker.domain.guards.customers import excluded_customer, refunded_often
from refund_worker.domain.guards.invoices import draft_invoice, open_invoice
from refund_worker.domain.guards.paid_time import (
    credited_goodwill,
    credited_invoice_charged_back,
    credited_invoice_unpaid,
)
from refund_worker.domain.guards.stay import no_refundable_credit, subscription_active
from refund_worker.domain.guards.tax import automatic_tax

__all__ = [
    "Finding",
    "above_limit",
    "automatic_tax",
    "bank_debit_disputable",
    "below_minimum",
    "credited_goodwill",
    "credited_invoice_charged_back",
    "credited_invoice_unpaid",
    "draft_invoice",
    "excluded_customer",
    "no_charge",
    "no_refundable_credit",
    "open_invoice",
    "refunded_often",
    "subscription_active",
]
