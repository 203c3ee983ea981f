"""Bank debits: for how long the customer can take the money back through the bank, with no appeal.

Whoever refunds such a payment may pay twice: the refund, and what the bank takes back (docs.stripe.com/refunds, on bank
debit payment methods). The days are the longest that Stripe documents on the page named below docs.stripe.com, as of
2026-11; within a part of them the bank asks no questions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDebit:
    """So many days after the debit it can be disputed; None = for ever. `words` is what Stripe says."""

    days: int | None
    words: str
    source: str


_ACH: Final = "60 days (business accounts 2 business days); later in rare cases, as the banks decide"

BANK_DEBITS: Final[Mapping[str, BankDebit]] = {
    "ach_debit": BankDebit(days=60, words=_ACH, source="ach-deprecated"),
    "acss_debit": BankDebit(days=90, words="90 days", source="payments/acss-debit"),
    "au_becs_debit": BankDebit(days=2557, words="7 years", source="payments/au-becs-debit"),
    "bacs_debit": BankDebit(days=None, words="without any limit", source="payments/payment-methods/bacs-debit"),
    "nz_bank_account": BankDebit(
        days=276, words="9 months where it was not authorised, else 120 days", source="payments/nz-bank-account"
    ),
    "sepa_debit": BankDebit(
        days=397, words="8 weeks without a reason, 13 months where it was not authorised", source="payments/sepa-debit"
    ),
    "us_bank_account": BankDebit(days=60, words=_ACH, source="payments/ach-direct-debit"),
}


def is_disputable(method: str, *, created: int, now: int) -> bool:
    """Whether the bank would still take back a charge of `created` (both epoch seconds); False for other methods."""
    if method not in BANK_DEBITS:
        return False
    until = disputable_until(method, created=created)
    return until is None or now < until


def disputable_until(method: str, *, created: int) -> int | None:
    """Return the moment until which a bank debit can be disputed (epoch seconds); None = for ever.

    Raises:
        KeyError: If the method is no bank debit.
    """
    days = BANK_DEBITS[method].days
    return None if days is None else created + days * DAY_S
