"""Prices: per unit, one-time or recurring, licensed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.errors import parameter_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.resources import products
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def create(call: Call) -> Record:
    """A new price, with a new product if `product_data` is given."""
    world, given = call.world, call.params
    if "product" in given:
        product = world.named("product", given, "product")
    elif "product_data" in given:
        product = products.make(world, name=given["product_data"]["name"])
    else:
        raise parameter_missing("product")
    recurring = given.get("recurring")
    amount = given["unit_amount"]
    return world.store.insert(
        "price",
        {
            "id": world.ids.take("price"),
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "created": world.now,
            "currency": given["currency"],
            "custom_unit_amount": None,
            "livemode": world.settings.livemode,
            "lookup_key": given.get("lookup_key"),
            "metadata": given.get("metadata") or {},
            "nickname": given.get("nickname"),
            "product": product.id,
            "recurring": {
                "interval": recurring["interval"],
                "interval_count": recurring.get("interval_count", 1),
                "meter": None,
                "trial_period_days": None,
                "usage_type": "licensed",
            }
            if recurring
            else None,
            "tax_behavior": given.get("tax_behavior", "unspecified"),
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        },
    )


def retrieve(call: Call) -> Record:
    """One price."""
    return call.world.existing("price", call.id)


def listed(call: Call) -> Page:
    """Prices of a product, or all."""
    store = call.world.store
    ids = store.ids("price", "product", call.params.get("product"))
    return page(store, "price", ids, call.params, url="/v1/prices")


ROUTES = (
    Route(
        method="POST", path="/v1/prices", act=create, answers="price", permission="plan_write",
        takes={
            **params.EXPAND, "currency": params.currency, "unit_amount": params.amount,
            "product": params.text, "product_data": params.group({"name": params.text}, required=("name",)),
            "recurring": params.group(
                {
                    "interval": params.one_of("day", "week", "month", "year"),
                    "interval_count": params.integer_between(1, 1095),
                    "usage_type": params.one_of("licensed"),
                },
                required=("interval",),
            ),
            "lookup_key": params.text, "nickname": params.text, "metadata": params.metadata,
            "tax_behavior": params.one_of("exclusive", "inclusive", "unspecified"),
        },
        required=("currency", "unit_amount"),
    ),
    Route(
        method="GET", path="/v1/prices", act=listed, answers="list:price", permission="plan_read",
        takes={**params.PAGE, "created": params.created, "product": params.text},
    ),
    Route(
        method="GET", path="/v1/prices/{price}", act=retrieve, answers="price", permission="plan_read",
        takes=params.EXPAND,
    ),
)  # fmt: skip
