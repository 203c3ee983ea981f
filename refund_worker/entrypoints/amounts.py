"""Amounts for people: 4500 usd minor units read $45.00."""

from decimal import Decimal

from babel.numbers import format_currency

from refund_worker.domain.currencies import exponent


def face_value(minor: int, currency: str) -> str:
    """Return an amount as people write it, with all decimals of Stripe's minor unit."""
    decimals = exponent(currency)
    pattern = "¤#,##0" + ("." + "0" * decimals if decimals else "")
    amount = Decimal(minor).scaleb(-decimals)
    return format_currency(amount, currency.upper(), format=pattern, locale="en_US", currency_digits=False)
