"""Whole populations: the demo's year of many stories, and many alike customers for the benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.population.catalogue import SCENARIOS
from refund_worker.sandbox.population.life import live
from refund_worker.sandbox.population.ordinary import ordinary

if TYPE_CHECKING:
    from refund_worker.sandbox.sandbox import Sandbox

_BENCH_PRICE: Final = 10_000


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
    price = sandbox.post(
        "/v1/prices",
        {
            "currency": "usd", "unit_amount": _BENCH_PRICE, "recurring": {"interval": "month"},
            "product_data": {"name": "Plan"},
        },
    )["id"]  # fmt: skip
    plans = []
    for number in range(1, customers + 1):
        customer = sandbox.post("/v1/customers", {"email": f"customer-{number}@example.com"})["id"]
        plans.append(sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": price}]}))
    if plans:
        row = plans[0]["items"]["data"][0]
        sandbox.clock.advance((row["current_period_end"] - row["current_period_start"]) // 2)
    for plan in plans:
        sandbox.delete(f"/v1/subscriptions/{plan['id']}", {"prorate": True, "invoice_now": True})
