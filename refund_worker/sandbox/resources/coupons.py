"""Coupons, for the discounts of subscriptions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.errors import ApiError, parameter_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def create(call: Call) -> Record:
    """A new coupon: a percentage off, or an amount off the first line."""
    world, given = call.world, call.params
    if ("percent_off" in given) == ("amount_off" in given):
        raise ApiError("You must pass either percent_off or amount_off, and not both.", stored=False)
    if "amount_off" in given and "currency" not in given:
        raise parameter_missing("currency")
    percent = Decimal(given["percent_off"]) if "percent_off" in given else None
    fields = {
        "id": given.get("id") or world.ids.take("coupon").removeprefix("coupon_")[-8:],
        "object": "coupon",
        "amount_off": given.get("amount_off"),
        "created": world.now,
        "currency": given.get("currency"),
        "duration": given.get("duration", "forever"),
        "duration_in_months": None,
        "livemode": world.settings.livemode,
        "max_redemptions": None,
        "metadata": given.get("metadata") or {},
        "name": given.get("name"),
        "percent_off": float(percent) if percent is not None else None,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }
    rule = {"percent": int(percent * 10_000) if percent is not None else None, "amount": given.get("amount_off")}
    return world.store.insert("coupon", fields, {"rule": rule})


def retrieve(call: Call) -> Record:
    """One coupon."""
    return call.world.existing("coupon", call.id)


def listed(call: Call) -> Page:
    """Coupons, newest first."""
    store = call.world.store
    return page(store, "coupon", store.ids("coupon"), call.params, url="/v1/coupons")


ROUTES = (
    Route(
        method="POST", path="/v1/coupons", act=create, answers="coupon", permission="coupon_write",
        takes={
            **params.EXPAND, "id": params.text, "name": params.text, "percent_off": params.decimal,
            "amount_off": params.positive, "currency": params.currency, "duration": params.one_of("forever"),
            "metadata": params.metadata,
        },
    ),
    Route(
        method="GET", path="/v1/coupons", act=listed, answers="list:coupon", permission="coupon_read",
        takes={**params.PAGE, "created": params.created},
    ),
    Route(
        method="GET", path="/v1/coupons/{coupon}", act=retrieve, answers="coupon", permission="coupon_read",
        takes=params.EXPAND,
    ),
)  # fmt: skip
