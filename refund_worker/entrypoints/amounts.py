"""Amounts for people: 4500 usd minor units read $45.00."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_symbol

from refund_worker.domain.currencies import exponent


def face_value(minor: int, currency: str) -> str:
    """Return an amount as people write it, with all decimals of Stripe's minor unit."""
    decimals = exponent(currency)
    gap = " " if get_currency_symbol(currency.upper(), locale="en_US").isalpha() else ""
    pattern = f"¤{gap}#,##0" + ("." + "0" * decimals if decimals else "")
    amount = Decimal(minor).scaleb(-decimals)
    return format_currency(amount, currency.upper(), format=pattern, locale="en_US", currency_digits=False)
