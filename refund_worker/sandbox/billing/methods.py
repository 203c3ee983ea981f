"""What a charge says about its payment method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields

# the keys each type always has, all null in the sandbox; other types show an empty group
_NULL_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "sepa_debit": ("bank_code", "branch_code", "country", "fingerprint", "last4", "mandate"),
    "bacs_debit": ("fingerprint", "last4", "mandate", "sort_code"),
    "acss_debit": (
        "bank_name", "fingerprint", "institution_number", "last4", "transit_number",
    ),
    "au_becs_debit": ("bsb_number", "fingerprint", "last4"),
    "klarna": ("payer_details", "payment_method_category", "preferred_locale"),
    "us_bank_account": (
        "account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "payment_reference",
        "routing_number",
    ),
    "ideal": (
        "bank", "bic", "generated_sepa_debit", "generated_sepa_debit_mandate", "iban_last4", "transaction_id",
        "verified_name",
    ),
    "bancontact": (
        "bank_code", "bank_name", "bic", "generated_sepa_debit", "generated_sepa_debit_mandate", "iban_last4",
        "preferred_language", "verified_name",
    ),
    "paypal": ("country", "payer_email", "payer_id", "payer_name", "seller_protection", "transaction_id"),
    "link": ("country",),
    "konbini": ("store",),
}  # fmt: skip


def method_details(kind: str, *, amount: int) -> Fields:
    """The `payment_method_details` of a charge over `amount` minor units."""
    if kind != "card":
        return {kind: dict.fromkeys(_NULL_KEYS.get(kind, ())), "type": kind}
    return {
        "card": {
            "amount_authorized": amount,
            "authorization_code": "224755",
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 9,
            "exp_year": 2032,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": "OiMHMa3aYsyDbc1P",
            "funding": "credit",
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": "visa",
            "network_token": {"used": False},
            "network_transaction_id": "791057772779751",
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "transaction_link_id": None,
            "wallet": None,
            "electronic_commerce_indicator": None,
        },
        "type": "card",
    }
