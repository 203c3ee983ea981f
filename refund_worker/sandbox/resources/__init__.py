"""The endpoints, one file for each resource; this is the table of all of them."""

from __future__ import annotations

from refund_worker.sandbox.resources import (
    account,
    charges,
    coupons,
    credit_notes,
    customer_balance_transactions,
    customers,
    disputes,
    events,
    invoice_changes,
    invoice_items,
    invoice_payments,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    subscriptions,
    tax_rates,
    webhook_endpoints,
)

ROUTES = (
    *account.ROUTES,
    *charges.ROUTES,
    *coupons.ROUTES,
    *credit_notes.ROUTES,
    *customer_balance_transactions.ROUTES,
    *customers.ROUTES,
    *disputes.ROUTES,
    *events.ROUTES,
    *invoice_changes.ROUTES,
    *invoice_items.ROUTES,
    *invoice_payments.ROUTES,
    *invoices.ROUTES,
    *payment_intents.ROUTES,
    *payment_methods.ROUTES,
    *prices.ROUTES,
    *products.ROUTES,
    *refunds.ROUTES,
    *subscriptions.ROUTES,
    *tax_rates.ROUTES,
    *webhook_endpoints.ROUTES,
)
