"""Tax rates, for the taxes of invoice lines."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def create(call: Call) -> Record:
    """A new rate."""
    world, given = call.world, call.params
    percent = Decimal(given["percentage"])
    identifier = world.ids.take("txr")
    fields = {
        "id": identifier,
        "object": "tax_rate",
        "active": True,
        "country": given.get("country"),
        "created": world.now,
        "description": None,
        "display_name": given["display_name"],
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": given["inclusive"],
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": world.settings.livemode,
        "metadata": {},
        "percentage": float(percent),
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
    }
    rule = {"id": identifier, "percent": int(percent * 10_000), "inclusive": given["inclusive"]}
    return world.store.insert("tax_rate", fields, {"rule": rule})


def retrieve(call: Call) -> Record:
    """One rate."""
    return call.world.existing("tax_rate", call.id)


def listed(call: Call) -> Page:
    """Rates, newest first."""
    store = call.world.store
    return page(store, "tax_rate", store.ids("tax_rate"), call.params, url="/v1/tax_rates")


ROUTES = (
    Route(
        method="POST", path="/v1/tax_rates", act=create, answers="tax_rate", permission="plan_write",
        takes={
            **params.EXPAND, "display_name": params.text, "percentage": params.decimal, "inclusive": params.boolean,
            "country": params.text,
        },
        required=("display_name", "percentage", "inclusive"),
    ),
    Route(
        method="GET", path="/v1/tax_rates", act=listed, answers="list:tax_rate", permission="plan_read",
        takes={**params.PAGE, "created": params.created},
    ),
    Route(
        method="GET", path="/v1/tax_rates/{tax_rate}", act=retrieve, answers="tax_rate", permission="plan_read",
        takes=params.EXPAND,
    ),
)  # fmt: skip
