"""An invoice as it begins: every key of the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Fields


def fresh_fields(*, identifier: str, now: int, owner: Fields, currency: str, subscription: str | None) -> Fields:
    """A draft without lines, of `owner` (a customer), for `subscription` if given."""
    parent: Fields | None = None
    if subscription is not None:
        parent = {
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": subscription},
            "type": "subscription_details",
        }
    nothing = dict.fromkeys(
        (
            "account_tax_ids", "application", "automatically_finalizes_at", "custom_fields", "customer_account",
            "customer_address", "customer_phone", "customer_shipping", "default_payment_method", "default_source",
            "description", "due_date", "effective_at", "ending_balance", "footer", "from_invoice",
            "last_finalization_error", "latest_revision", "next_payment_attempt", "number", "on_behalf_of",
            "receipt_number", "rendering", "shipping_cost", "shipping_details", "statement_descriptor", "test_clock",
            "webhooks_delivered_at",
        )
    )  # fmt: skip
    return {
        "id": identifier,
        "object": "invoice",
        **nothing,
        "account_country": "US",
        "account_name": "Sandbox",
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None,
        },
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": owner["id"],
        "customer_email": owner["email"],
        "customer_name": owner["name"],
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "lines": {"object": "list", "data": [], "has_more": False, "url": f"/v1/invoices/{identifier}/lines"},
        "livemode": False,
        "metadata": {},
        "parent": parent,
        "payment_settings": {
            "default_mandate": None, "payment_method_options": None, "payment_method_types": None,
        },
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }  # fmt: skip
