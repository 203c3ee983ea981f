"""Subscriptions. The first invoice is charged at once with the customer's test payment method, unless told not to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import invoices, subscription_changes, subscriptions
from refund_worker.sandbox.billing.subscription_fields import fresh_fields, fresh_item
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record

_URL = "/v1/subscriptions"


def create(call: Call) -> Record:
    """A new subscription and its first invoice."""
    world, given = call.world, call.params
    customer = world.named("customer", given, "customer")
    identifier = world.ids.take("sub")
    rows = []
    for index, wanted in enumerate(given["items"]):
        price = world.existing("price", wanted["price"], param=f"items[{index}][price]", status=400)
        rows.append(fresh_item(world, subscription=identifier, price=price.fields, quantity=wanted.get("quantity", 1)))
    if not rows or len({row["price"]["currency"] for row in rows}) != 1:
        raise ApiError("A subscription needs items, all in one currency.", param="items")
    discounts = [subscription_changes.discount(world, rule["coupon"]) for rule in given.get("discounts", ())]
    rates = [
        world.existing("tax_rate", rate, param="default_tax_rates", status=400)
        for rate in given.get("default_tax_rates", ())
    ]
    fields = fresh_fields(world, identifier=identifier, customer=customer.id, rows=rows, given=given)
    fields["default_tax_rates"] = [rate.fields for rate in rates]
    fields["discounts"] = [rule["discount"] for rule in discounts]
    hidden = {"billed": {}, "discounts": discounts, "tax_rates": tuple(rate.id for rate in rates)}
    subscription = world.store.insert("subscription", fields, hidden)
    draft = subscriptions.bill(world, subscription, reason="subscription_create")
    collect = given.get("payment_behavior") != "default_incomplete"
    first = invoices.finalize(world, draft, collect=collect)
    status = "incomplete" if first.fields["status"] == "open" else "active"
    subscription = world.store.change(world.store["subscription", identifier], {"announced": True}, status=status)
    subscriptions.schedule_renewal(world, subscription)
    world.emit("customer.subscription.created", subscription.fields)
    return subscription


def update(call: Call) -> Record:
    """Change items, prorated as asked; or metadata and cancel_at_period_end."""
    subscription = call.world.existing("subscription", call.id)
    if subscription.fields["status"] == "canceled" and set(call.params) - {"metadata", "cancellation_details"}:
        raise ApiError("A canceled subscription can only update its cancellation_details and metadata.")
    return subscription_changes.apply(call.world, subscription, call.params)


def cancel(call: Call) -> Record:
    """End a subscription now."""
    subscription = call.world.existing("subscription", call.id)
    if subscription.fields["status"] == "canceled":
        raise ApiError(f"No such subscription: '{call.id}'", status=404, code="resource_missing", param="id")
    return subscriptions.cancel(
        call.world, subscription,
        prorate=call.params.get("prorate", False), invoice_now=call.params.get("invoice_now", False),
    )  # fmt: skip


def retrieve(call: Call) -> Record:
    """One subscription."""
    return call.world.existing("subscription", call.id)


def listed(call: Call) -> Page:
    """Subscriptions of a customer, or all; cancelled ones only when asked for."""
    store, wanted = call.world.store, call.params
    status, price = wanted.get("status"), wanted.get("price")

    def fits(found: Fields) -> bool:
        if price is not None and all(row["price"]["id"] != price for row in found["items"]["data"]):
            return False
        if status == "all":
            return True
        if status == "ended":
            return found["status"] in {"canceled", "incomplete_expired"}
        return bool(found["status"] == status) if status else found["status"] != "canceled"

    ids = store.ids("subscription", "customer", wanted.get("customer"))
    return page(store, "subscription", ids, wanted, url=_URL, where=fits)


_ITEM = {"price": params.text, "quantity": params.quantity, "metadata": params.metadata}
_PRORATION = params.one_of("create_prorations", "always_invoice", "none")
_DETAILS = params.group({"comment": params.text_or_unset, "feedback": params.text_or_unset})
_SHARED: params.Spec = {
    **params.EXPAND,
    "cancel_at_period_end": params.boolean,
    "collection_method": params.one_of("charge_automatically", "send_invoice"),
    "days_until_due": params.integer,
    "default_payment_method": params.text,
    "description": params.text_or_unset,
    "metadata": params.metadata,
    "off_session": params.boolean,
    "payment_behavior": params.one_of(
        "allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"
    ),
    "proration_behavior": _PRORATION,
}
_ONE = _URL + "/{subscription}"

ROUTES = (
    Route(
        method="POST", path=_URL, act=create, answers="subscription", permission="subscription_write",
        takes={
            **_SHARED, "customer": params.text, "currency": params.currency,
            "automatic_tax": params.group({"enabled": params.boolean}, required=("enabled",)),
            "billing_mode": params.group(
                {
                    "type": params.one_of("classic", "flexible"),
                    "flexible": params.group({"proration_discounts": params.one_of("included", "itemized")}),
                },
                required=("type",),
            ),
            "items": params.array(params.group(_ITEM, required=("price",)), longest=20),
            "default_tax_rates": params.array(params.text),
            "discounts": params.array(params.group({"coupon": params.text}, required=("coupon",))),
        },
        required=("customer", "items"),
    ),
    Route(
        method="GET", path=_URL, act=listed, answers="list:subscription", permission="subscription_read",
        takes={
            **params.PAGE, "created": params.created, "customer": params.text, "price": params.text,
            "status": params.one_of(
                "active", "all", "canceled", "ended", "incomplete", "past_due", "paused", "trialing", "unpaid"
            ),
        },
    ),
    Route(
        method="GET", path=_ONE, act=retrieve, answers="subscription", permission="subscription_read",
        takes=params.EXPAND,
    ),
    Route(
        method="POST", path=_ONE, act=update, answers="subscription", permission="subscription_write",
        takes={
            **_SHARED, "proration_date": params.timestamp, "cancellation_details": _DETAILS,
            "items": params.array(
                params.group({**_ITEM, "id": params.text, "deleted": params.boolean}), longest=20
            ),
        },
    ),
    Route(
        method="DELETE", path=_ONE, act=cancel, answers="subscription", permission="subscription_write",
        takes={
            **params.EXPAND, "prorate": params.boolean, "invoice_now": params.boolean,
            "cancellation_details": _DETAILS,
        },
    ),
)  # fmt: skip
