"""Billing: what Stripe does by itself to invoices, credit and payments. Resources call it; it calls the world."""
