"""Decimals and steps per currency, against Stripe's list of zero-decimal, three-decimal and special currencies."""

import pytest

from refund_worker.domain.currencies import down_to_step, exponent, is_known, scale_from_cents, step_minor
from refund_worker.domain.money import CurrencyMismatch, Money


@pytest.mark.parametrize(
    ("currency", "decimals", "step", "five_hundred"),
    [
        ("usd", 2, 1, 50_000),
        ("eur", 2, 1, 50_000),
        ("jpy", 0, 1, 500),
        ("krw", 0, 1, 500),
        ("xof", 0, 1, 500),
        ("bhd", 3, 10, 500_000),
        ("kwd", 3, 10, 500_000),
        ("isk", 2, 100, 50_000),
        ("ugx", 2, 100, 50_000),
        ("huf", 2, 1, 50_000),
        ("twd", 2, 1, 50_000),
        ("mga", 0, 1, 500),
    ],
)
def test_stripes_minor_units(currency: str, decimals: int, step: int, five_hundred: int) -> None:
    assert is_known(currency)
    assert exponent(currency) == decimals
    assert step_minor(currency) == step
    assert scale_from_cents(cents=50_000, currency=currency) == five_hundred


@pytest.mark.parametrize(
    ("currency", "cents", "expected"),
    [("jpy", 199, 1), ("usd", 199, 199), ("tnd", 199, 1990), ("isk", 199, 100), ("ugx", 99, 0)],
)
def test_scaling_rounds_down_to_a_valid_amount(currency: str, cents: int, expected: int) -> None:
    assert scale_from_cents(cents=cents, currency=currency) == expected


def test_amounts_are_rounded_down_to_the_step() -> None:
    assert [down_to_step(amount, currency="isk") for amount in (0, 99, 100, 199)] == [0, 0, 100, 100]
    assert down_to_step(1234, currency="usd") == 1234


@pytest.mark.parametrize("word", ["", "USD", "xxx", "us"])
def test_unknown_words_are_no_currency(word: str) -> None:
    assert not is_known(word)


def test_money_of_one_currency_adds_and_compares() -> None:
    one, two = Money(minor=1, currency="usd"), Money(minor=2, currency="usd")
    assert (one + two, one - two, -one) == (Money(minor=3, currency="usd"), -one, Money(minor=-1, currency="usd"))
    assert one < two
    assert one <= one + one - one


def test_money_of_two_currencies_never_mixes() -> None:
    dollar, euro = Money(minor=1, currency="usd"), Money(minor=1, currency="eur")
    for operation in (dollar.__add__, dollar.__sub__, dollar.__lt__, dollar.__le__):
        with pytest.raises(CurrencyMismatch):
            operation(euro)
    assert dollar != euro
