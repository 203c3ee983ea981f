"""Ordinary customers, drawn by seed: most owe nothing and are owed nothing, some have just cancelled or downgraded."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.population.life import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from refund_worker.sandbox.population.life import Life
    from refund_worker.sandbox.population.scenario import Story

_CURRENCIES: Final = ("usd", "usd", "usd", "eur", "gbp")
_OVER_AT: Final = ((3, 10), (1, 3), (2, 5), (1, 2))  # which share of the month is over when the customer changes


def ordinary(*, count: int, seed: int) -> dict[str, Callable[[Life], Story]]:
    """The stories of `count` ordinary customers by their names, the same for the same seed.

    Whoever cancels or downgrades has paid more than the credit: all of it can go back, over one to three charges.
    """
    draw = random.Random(f"ordinary customers {seed}")
    kinds = (_visitor, _payer, _payer, _canceller, _downgrader)
    stories = {}
    for number in range(1, count + 1):
        kind = draw.choice(kinds)
        stories[f"{kind.__name__.strip('_')}_{number:03d}"] = kind(draw)
    return stories


def _visitor(draw: random.Random) -> Callable[[Life], Story]:
    """Signed up and never bought."""
    days = draw.randint(1, 360)

    def tell(life: Life) -> Story:
        yield life.days_before_end(days)
        return life.newcomer()

    return tell


def _payer(draw: random.Random) -> Callable[[Life], Story]:
    """Pays every month."""
    begin, plan = _drawn(draw)

    def tell(life: Life) -> Story:
        yield life.months_before_end(begin[0], seconds_later=begin[1])
        customer = life.newcomer()
        life.subscribe(customer, plan[0], currency=plan[1])
        return customer

    return tell


def _canceller(draw: random.Random) -> Callable[[Life], Story]:
    """Adds up to two seats early in the month and cancels later in it: credit over one charge a seat."""
    begin, plan = _drawn(draw)
    seats, over = draw.randint(1, 3), draw.choice(_OVER_AT)

    def tell(life: Life) -> Story:
        yield life.months_before_end(begin[0], seconds_later=begin[1])
        customer = life.newcomer()
        subscription = life.subscribe(customer, plan[0], currency=plan[1])
        yield life.months_before_end(0, seconds_later=begin[1])
        for added in range(1, seats):
            yield life.share_of_period(subscription, added, 10)
            life.change(subscription, seats=added + 1)
        yield life.share_of_period(subscription, *over)
        life.cancel(subscription)
        return customer

    return tell


def _downgrader(draw: random.Random) -> Callable[[Life], Story]:
    """Goes to a price of a half to a tenth in the course of a month."""
    begin, plan = _drawn(draw)
    smaller, over = plan[0] // draw.randint(2, 10), draw.choice(_OVER_AT)

    def tell(life: Life) -> Story:
        yield life.months_before_end(begin[0], seconds_later=begin[1])
        customer = life.newcomer()
        subscription = life.subscribe(customer, plan[0], currency=plan[1])
        yield life.months_before_end(0, seconds_later=begin[1])
        yield life.share_of_period(subscription, *over)
        life.change(subscription, amount=smaller)
        return customer

    return tell


def _drawn(draw: random.Random) -> tuple[tuple[int, int], tuple[int, str]]:
    """When the customer begins (months before the end, seconds later) and the plan (minor units, currency)."""
    begin = draw.randint(0, 10), draw.randint(-2 * DAY_S, 3 * DAY_S)
    return begin, (draw.randint(500, 9_900), draw.choice(_CURRENCIES))
