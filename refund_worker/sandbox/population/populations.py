"""Whole populations: the demo's year of many stories, and many alike customers for the benchmarks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.population.catalogue import SCENARIOS
from refund_worker.sandbox.population.life import DAY_S, LIVED_S, live
from refund_worker.sandbox.population.ordinary import ordinary

if TYPE_CHECKING:
    from refund_worker.sandbox.sandbox import Sandbox

_BENCH_PRICE: Final = 10_000
_CLUSTER_PRICES: Final = (1_000, 2_900, 4_900, 9_900)
_CLUSTER_BEGAN_DAYS: Final = (5, 25)  # within one month: nobody has renewed yet


def demo(sandbox: Sandbox, customers: int) -> dict[str, str]:
    """Every scenario once and so many ordinary customers beside them, in one year of the sandbox's clock.

    The clock moves on by `life.LIVED_S`: begin a year before the moment that is to be now. The same seed and beginning
    give the same population, byte for byte.

    Returns:
        The customers' ids by scenario and by ordinary customer's name, which are also their descriptions.
    """
    stories = {found.name: found.tell for found in SCENARIOS}
    return live(sandbox, stories | ordinary(count=customers, seed=sandbox.world.settings.seed))


def bench(sandbox: Sandbox, customers: int) -> None:
    """So many customers of $100 a month who all cancel at half: $50 of credit over one charge each.

    The clock moves on by half a month.
    """
    price = _monthly(sandbox, _BENCH_PRICE)
    plans = []
    for number in range(1, customers + 1):
        customer = sandbox.post("/v1/customers", {"email": f"customer-{number}@example.com"})["id"]
        plans.append(sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": price}]}))
    if plans:
        row = plans[0]["items"]["data"][0]
        sandbox.clock.advance((row["current_period_end"] - row["current_period_start"]) // 2)
    for plan in plans:
        sandbox.delete(f"/v1/subscriptions/{plan['id']}", {"prorate": True, "invoice_now": True})


def cluster(sandbox: Sandbox, customers: int) -> None:
    """So many customers with one paid monthly subscription each, begun on a drawn day of the last weeks.

    Cancelling one of them with proration leaves credit over its one charge. The clock moves on by `life.LIVED_S`.
    """
    draw = random.Random(f"customers of a cluster {sandbox.world.settings.seed}")
    ends = sandbox.clock.now + LIVED_S
    soonest, latest = (days * DAY_S for days in _CLUSTER_BEGAN_DAYS)
    sandbox.clock.advance(LIVED_S - latest)
    prices = [_monthly(sandbox, amount) for amount in _CLUSTER_PRICES]
    begins = sorted(ends - draw.randint(soonest, latest) for _ in range(customers))
    for number, moment in enumerate(begins, start=1):
        sandbox.clock.advance(max(0, moment - sandbox.clock.now))
        customer = sandbox.post("/v1/customers", {"email": f"customer-{number}@example.com"})["id"]
        sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": draw.choice(prices)}]})
    sandbox.clock.advance(ends - sandbox.clock.now)


def _monthly(sandbox: Sandbox, amount: int) -> str:
    """A monthly price in US cents."""
    asked = {
        "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"},
        "product_data": {"name": "Plan"},
    }  # fmt: skip
    return str(sandbox.post("/v1/prices", asked)["id"])
