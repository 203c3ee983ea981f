"""Amounts as people write them, exactly: text with all the decimals of the currency, to and from minor units."""

import re
from typing import Final

from refund_worker.domain.currencies import amount_text, exponent, is_known, step_minor

# Ten billion in a two-decimal currency; no run comes near it, and every database holds it.
DIGITS_MAX: Final = 12
_AMOUNT = re.compile(r"(?P<whole>0|[1-9][0-9]*)(?:\.(?P<decimals>[0-9]+))?")


def minor_of(value: object, *, currency: str) -> int:
    """Read an amount of the currency: minor units, zero or more.

    All decimals must be written, so that nobody who thinks in cents sets a limit a hundred times too high.

    Args:
        value: What the file holds: `"500.00"` for usd, `"500"` for jpy, `"500.000"` for kwd.
        currency: Lower-case ISO 4217.

    Raises:
        ValueError: If it is anything else; says what it must be.
    """
    if currency != currency.lower() and is_known(currency.lower()):
        raise ValueError(f"must be written in lower case: {currency.lower()}")
    if not is_known(currency):
        raise ValueError("is no currency that Stripe knows: use a code such as usd or eur")
    example = amount_text(50_000 if exponent(currency) else 500, currency=currency)
    if not isinstance(value, str):
        raise ValueError(f'must be an amount in quotes, such as "{example}"')  # noqa: TRY004  the reader of files turns one family into lines
    if value.startswith("-"):
        raise ValueError("must not be negative")
    found = _AMOUNT.fullmatch(value)
    if found is None or len(found["decimals"] or "") != exponent(currency):
        raise ValueError(f'must be an amount with {_decimals(currency)}, such as "{example}"')
    digits = found["whole"] + (found["decimals"] or "")
    if len(digits.lstrip("0")) > DIGITS_MAX:
        raise ValueError(f"is too large: at most {DIGITS_MAX} digits")
    minor = int(digits)
    if minor % step_minor(currency):
        raise ValueError(f"must be a multiple of {amount_text(step_minor(currency), currency=currency)}")
    return minor


def _decimals(currency: str) -> str:
    decimals = exponent(currency)
    return f"{decimals} decimals" if decimals else "no decimals"
