"""The account's own money, which refunds draw on; without limits unless a test sets one.

Source: docs.stripe.com/refunds (insufficient balance). Where a currency is limited, charges do not add to it: what they
bring is pending for days. Refunds take what is available first and what was set aside for them (prefunding) after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refund_worker.sandbox.world import World

EARLIER: Final = 100_000_000  # from business before the sandbox's time, in each currency's minor unit


def available(world: World) -> dict[str, int]:
    """Per currency in minor units, also below zero where it is limited.

    Unless limited it is what the account had before its first charge and what its charges brought since, fees
    deducted, all of it available at once.
    """
    sums: dict[str, int] = {}
    for movement in world.store.all("balance_transaction"):
        currency = movement.fields["currency"]
        sums[currency] = sums.get(currency, EARLIER) + movement.fields["net"]
    return {**(sums or {"usd": EARLIER}), **{currency: funds[0] for currency, funds in world.controls.funds.items()}}


def prefunded(world: World) -> dict[str, int]:
    """What is set aside for refunds and disputes, where a currency is limited."""
    return {currency: funds[1] for currency, funds in world.controls.funds.items()}


def suffice(world: World, *, currency: str, amount: int) -> bool:
    """Whether a refund of `amount` (minor units) can be paid now."""
    funds = world.controls.funds.get(currency)
    return funds is None or max(0, funds[0]) + funds[1] >= amount


def move(world: World, *, currency: str, amount: int) -> None:
    """Take (negative) or give back (positive) what a refund moves, where the currency is limited."""
    funds = world.controls.funds.get(currency)
    if funds is None:
        return
    free, aside = funds
    from_aside = 0 if amount >= 0 else min(aside, max(0, -amount - max(0, free)))
    world.controls.funds[currency] = (free + amount + from_aside, aside - from_aside)
