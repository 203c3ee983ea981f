"""Customers. `balance` set here is absolute; what it changes is booked as an adjustment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import credit, subscriptions
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

_URL = "/v1/customers"


def fresh_fields(identifier: str, *, now: int, livemode: bool) -> Fields:
    """A customer as it begins."""
    return {
        "id": identifier,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": identifier[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": livemode,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }  # fmt: skip


def create(call: Call) -> Record:
    """A new customer, with an opening balance if one is given."""
    world, given = call.world, dict(call.params)
    opening = given.pop("balance", 0)
    given.pop("payment_method", None)
    fields = fresh_fields(world.ids.take("cus"), now=world.now, livemode=world.settings.livemode)
    record = world.store.insert("customer", _with(fields, given))
    world.emit("customer.created", record.fields)
    if opening:
        credit.move(world, customer=record.id, currency="usd", amount=opening, kind="initial")
    return world.store["customer", record.id]


def _with(fields: Fields, given: dict[str, Any]) -> Fields:
    """Fields with the given ones put in; groups are merged."""
    fields = {**fields, "metadata": params.merged(fields["metadata"], given.pop("metadata", None))}
    settings = given.pop("invoice_settings", None)
    if settings:
        fields["invoice_settings"] = {**fields["invoice_settings"], **settings}
    address = given.pop("address", None)
    if address:
        parts = ("city", "country", "line1", "line2", "postal_code", "state")
        fields["address"] = {part: address.get(part) for part in parts}
    return {**fields, **given}


def update(call: Call) -> Record:
    """Change a customer."""
    world, given = call.world, dict(call.params)
    record = world.existing("customer", call.id)
    wanted = given.pop("balance", None)
    if given:
        record = _change(world, record, given)
    if wanted is not None and wanted != record.fields["balance"]:
        currency = record.fields["currency"] or "usd"
        amount = wanted - credit.balance(record, currency)
        credit.move(world, customer=record.id, currency=currency, amount=amount, kind="adjustment")
    return world.store["customer", record.id]


def _change(world: World, record: Record, given: dict[str, Any]) -> Record:
    before = record.fields
    changed = world.store.change(record, **_with(before, given))
    previous = {name: value for name, value in before.items() if changed.fields[name] != value}
    world.emit("customer.updated", changed.fields, previous)
    return changed


def retrieve(call: Call) -> Record | Fields:
    """A customer; a deleted one says that it is."""
    record = call.world.store.get("customer", call.id)
    return call.world.existing("customer", call.id) if record is None else record


def delete(call: Call) -> Fields:
    """Delete a customer for good; active subscriptions end at once, without proration."""
    world = call.world
    record = world.existing("customer", call.id)
    for subscription in list(world.store.all("subscription", "customer", record.id)):
        if subscription.fields["status"] != "canceled":
            subscriptions.cancel(world, subscription, prorate=False, invoice_now=False)
    record = world.store["customer", record.id]
    gone = {"id": record.id, "object": "customer", "deleted": True}
    world.store.tombstone(record, gone)
    world.emit("customer.deleted", record.fields)
    return gone


def listed(call: Call) -> Page:
    """Customers, newest first; those of test clocks would be left out."""
    email = call.params.get("email")
    where = (lambda o: o["email"] == email) if email is not None else None
    if "test_clock" in call.params:
        return page(call.world.store, "customer", (), call.params, url=_URL)
    return page(call.world.store, "customer", call.world.store.ids("customer"), call.params, url=_URL, where=where)


_ADDRESS = params.group(
    dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), params.text_or_unset)
)
_FIELDS: params.Spec = {
    **params.EXPAND,
    "address": _ADDRESS,
    "balance": params.integer,
    "description": params.text_or_unset,
    "email": params.text_or_unset,
    "invoice_prefix": params.text,
    "invoice_settings": params.group({"default_payment_method": params.text_or_unset, "footer": params.text_or_unset}),
    "metadata": params.metadata,
    "name": params.text_or_unset,
    "phone": params.text_or_unset,
    "preferred_locales": params.array(params.text),
    "tax_exempt": params.one_of("none", "exempt", "reverse"),
}
_ONE = "/v1/customers/{customer}"

ROUTES = (
    Route(
        method="POST", path=_URL, act=create, answers="customer", permission="customer_write",
        takes={**_FIELDS, "payment_method": params.text},
    ),
    Route(
        method="GET", path=_URL, act=listed, answers="list:customer", permission="customer_read",
        takes={**params.PAGE, "created": params.created, "email": params.text, "test_clock": params.text},
    ),
    Route(
        method="GET", path=_ONE, act=retrieve, answers="customer", permission="customer_read", takes=params.EXPAND
    ),
    Route(method="POST", path=_ONE, act=update, answers="customer", permission="customer_write", takes=_FIELDS),
    Route(method="DELETE", path=_ONE, act=delete, answers="customer", permission="customer_write"),
)  # fmt: skip
