"""Refund windows: for how long after a payment Stripe takes a refund over it, per payment method.

Only what Stripe documents, each on the page named below docs.stripe.com, as of 2026-11. A method that is not here has
no documented window (cards, Link, bank transfers, ...): a refund that comes too late for it fails by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWindow:
    """So many days after the payment was made; `source` is a path below docs.stripe.com."""

    days: int
    source: str


def _documented(days: int, source: str) -> RefundWindow:
    return RefundWindow(days=days, source=source)


REFUND_WINDOWS: Final[Mapping[str, RefundWindow]] = {
    "ach_debit": _documented(90, "ach-deprecated"),
    "acss_debit": _documented(180, "payments/acss-debit"),
    "affirm": _documented(120, "payments/affirm"),
    "afterpay_clearpay": _documented(120, "payments/afterpay-clearpay"),
    "alipay": _documented(90, "payments/alipay"),
    "au_becs_debit": _documented(90, "payments/au-becs-debit"),
    "bacs_debit": _documented(180, "payments/payment-methods/bacs-debit"),
    "bancontact": _documented(180, "payments/bancontact"),
    "blik": _documented(395, "payments/blik"),  # 13 months: as many days as they have at least
    "cashapp": _documented(90, "payments/cash-app-pay"),
    "eps": _documented(180, "payments/eps"),
    "giropay": _documented(180, "payments/giropay"),
    "grabpay": _documented(90, "payments/grabpay"),
    "ideal": _documented(180, "payments/ideal"),
    "klarna": _documented(180, "payments/klarna"),
    "mb_way": _documented(365, "payments/mb-way"),
    "nz_bank_account": _documented(90, "payments/nz-bank-account"),
    "p24": _documented(180, "payments/p24"),
    "paynow": _documented(90, "payments/paynow"),
    "paypal": _documented(180, "payments/paypal"),
    "pix": _documented(90, "payments/pix"),
    "sepa_debit": _documented(180, "payments/sepa-debit"),
    "sofort": _documented(180, "payments/sofort"),
    "swish": _documented(365, "payments/swish"),
    "twint": _documented(180, "payments/twint"),
    "upi": _documented(60, "payments/upi"),
    "us_bank_account": _documented(180, "payments/ach-direct-debit"),
    "wero": _documented(180, "payments/ideal"),  # the new name of iDEAL
}


def window_days(method: str, *, own: Mapping[str, int]) -> int | None:
    """Return the days within which a payment can be refunded; None where no window is known.

    Args:
        method: The charge's payment method.
        own: The policy's days per method; they go before the table's.
    """
    if method in own:
        return own[method]
    documented = REFUND_WINDOWS.get(method)
    return documented.days if documented else None


def closes_at(method: str, *, created: int, own: Mapping[str, int]) -> int | None:
    """Return the moment from which a charge of `created` takes no refund (epoch seconds); None = never."""
    days = window_days(method, own=own)
    return None if days is None else created + days * DAY_S
