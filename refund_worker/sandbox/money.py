"""Currencies as Stripe has them: which exist, their decimals, smallest charges, and how messages print amounts.

Source: docs.stripe.com/currencies. Amounts are integers in the minor unit throughout.
"""

from __future__ import annotations

from typing import Final

CURRENCIES: Final = frozenset({
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn",
    "bhd", "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny",
    "cop", "crc", "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel",
    "gip", "gmd", "gnf", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod",
    "jpy", "kes", "kgs", "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad",
    "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio",
    "nok", "npr", "nzd", "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub",
    "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "tnd",
    "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof",
    "xpf", "yer", "zar", "zmw",
})  # fmt: skip
_NO_DECIMALS: Final = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
_THREE_DECIMALS: Final = frozenset({
    "bhd", "jod", "kwd", "omr", "tnd",
})  # fmt: skip
_SYMBOLS: Final = {"usd": "$", "gbp": "£", "eur": "€", "jpy": "¥", "cad": "CA$", "aud": "A$"}
_SMALLEST_CHARGE: Final = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip


def smallest_charge(currency: str) -> int:
    """The least amount that can be charged, minor units; 1 where Stripe documents none."""
    return _SMALLEST_CHARGE.get(currency, 1)


def decimals(currency: str) -> int:
    """How many decimals the minor unit has."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def printed(amount: int, currency: str) -> str:
    """An amount as Stripe's messages print it: `$30.00`, `¥3,000`, `12.50 SEK`."""
    places = decimals(currency)
    whole, part = divmod(abs(amount), 10**places)
    digits = f"{whole:,}" + (f".{part:0{places}d}" if places else "")
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {currency.upper()}"


def share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole`, rounded half away from zero to the minor unit, without floats."""
    doubled = 2 * abs(amount) * part + whole
    rounded = doubled // (2 * whole)
    return rounded if amount >= 0 else -rounded
