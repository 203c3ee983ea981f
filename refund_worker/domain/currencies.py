"""Currencies: how many decimals the minor unit has, and of what an amount must be a multiple.

Source: docs.stripe.com/currencies, as of 2026-11. Stripe's special cases: ISK and UGX have no decimals but are sent
with two, always `00`; HUF and TWD are zero-decimal for payouts only and have two decimals for charges and refunds;
amounts of three-decimal currencies are in thousandths, and the last digit must be 0.
"""

from typing import Final

_TWO_DECIMALS_WORDS: Final = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad
    cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl hrk
    htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mro
    mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd
    scr sek sgd shp sle sll sos srd std stn svc szl thb tjs top try ttd twd tzs uah ugx uyu uzs wst
    xcd yer zar zmw
"""
_NO_DECIMALS_WORDS: Final = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMALS_WORDS: Final = "bhd jod kwd omr tnd"

_TWO_DECIMALS: Final = frozenset(_TWO_DECIMALS_WORDS.split())
_NO_DECIMALS: Final = frozenset(_NO_DECIMALS_WORDS.split())
_THREE_DECIMALS: Final = frozenset(_THREE_DECIMALS_WORDS.split())
_STEPS: Final = {"isk": 100, "ugx": 100} | dict.fromkeys(sorted(_THREE_DECIMALS), 10)


def is_known(currency: str) -> bool:
    """Whether Stripe lists the currency (lower-case ISO 4217)."""
    return currency in _TWO_DECIMALS or currency in _NO_DECIMALS or currency in _THREE_DECIMALS


def exponent(currency: str) -> int:
    """Return the decimals of the minor unit as Stripe counts amounts: 0, 2 or 3; 2 for a currency not listed."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def step_minor(currency: str) -> int:
    """Return what a refund's amount must be a multiple of, in minor units; 1 for most currencies."""
    return _STEPS.get(currency, 1)


def down_to_step(amount_minor: int, *, currency: str) -> int:
    """Return the largest valid amount that is not above `amount_minor` (zero or more, minor units)."""
    return amount_minor - amount_minor % step_minor(currency)


def scale_from_cents(*, cents: int, currency: str) -> int:
    """Return the amount of the same face value in the currency's minor unit, rounded down to a valid amount.

    Args:
        cents: Hundredths, zero or more: 50_000 is 500.00 usd, 500 jpy, 500.000 kwd (500_000).
        currency: Lower-case ISO 4217.
    """
    decimals = exponent(currency)
    scaled = cents * 10 if decimals == 3 else cents
    if decimals == 0:
        scaled = (cents - cents % 100) // 100  # exact: the remainder was taken off
    return down_to_step(scaled, currency=currency)


def amount_text(minor: int, *, currency: str) -> str:
    """Write an amount (minor units, zero or more) with all the decimals of the currency."""
    decimals = exponent(currency)
    if decimals == 0:
        return str(minor)
    digits = str(minor).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def plain_amount(minor: int, *, currency: str) -> str:
    """Return an amount in plain characters, for messages: 123450 usd minor units are `1234.50 USD`."""
    return f"{'-' if minor < 0 else ''}{amount_text(abs(minor), currency=currency)} {currency.upper()}"
