"""Invoices to read, and new drafts. `payments` is there only when expanded; `lines` holds the first ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import invoices, items
from refund_worker.sandbox.errors import ApiError, resource_missing
from refund_worker.sandbox.listing import DEFAULT_LIMIT, Page, page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Fields, Record

_URL = "/v1/invoices"


def create(call: Call) -> Record:
    """A new draft; the customer's pending items are put on it only if asked for."""
    world, given = call.world, call.params
    customer = world.named("customer", given, "customer")
    subscription = world.named("subscription", given, "subscription").id if "subscription" in given else None
    behavior = given.get("pending_invoice_items_behavior", "include" if subscription else "exclude")
    if subscription and not items.pending(world, customer.id):
        raise ApiError("Nothing to invoice for subscription", code="invoice_no_subscription_line_items")
    draft = invoices.draft(
        world, customer=customer.id, reason="manual", subscription=subscription,
        currency=given.get("currency") or customer.fields["currency"] or "usd",
        auto_advance=given.get("auto_advance", False), description=given.get("description"),
        collection_method=given.get("collection_method", "charge_automatically"), metadata=given.get("metadata"),
    )  # fmt: skip
    if behavior == "include":
        items.sweep(world, invoice=draft, subscription=subscription)
    return invoices.announce(world, draft)


def retrieve(call: Call) -> Record:
    """One invoice."""
    return call.world.existing("invoice", call.id)


def listed(call: Call) -> Page:
    """Invoices of a customer or subscription, or all; one status at a time."""
    store, wanted = call.world.store, call.params
    if "subscription" in wanted:
        ids = store.ids("invoice", "subscription", wanted["subscription"])
    else:
        if "customer" in wanted and store.get("customer", wanted["customer"]) is None:
            call.world.named("customer", wanted, "customer")
        ids = store.ids("invoice", "customer", wanted.get("customer"))
    names = [name for name in ("customer", "status", "collection_method") if name in wanted]

    def fits(invoice: Fields) -> bool:
        return all(invoice[name] == wanted[name] for name in names)

    alone = not names or (names == ["customer"] and "subscription" not in wanted)
    return page(store, "invoice", ids, wanted, url=_URL, where=None if alone else fits)


def lines(call: Call) -> Page:
    """All lines of an invoice, in the order they were added."""
    invoice = call.world.existing("invoice", call.id)
    found = invoices.lines_of(call.world, invoice.id)
    wanted = call.params
    start = 0
    if "starting_after" in wanted:
        ids = [line.id for line in found]
        if wanted["starting_after"] not in ids:
            raise resource_missing("invoice line item", wanted["starting_after"], param="starting_after", status=400)
        start = ids.index(wanted["starting_after"]) + 1
    end = start + wanted.get("limit", DEFAULT_LIMIT)
    return Page(found[start:end], end < len(found), f"{_URL}/{invoice.id}/lines", "line_item")


_STATUSES = params.one_of("draft", "open", "paid", "uncollectible", "void")
_COLLECTION = params.one_of("charge_automatically", "send_invoice")

ROUTES = (
    Route(
        method="POST", path=_URL, act=create, answers="invoice", permission="invoice_write",
        takes={
            **params.EXPAND, "customer": params.text, "subscription": params.text, "currency": params.currency,
            "auto_advance": params.boolean, "collection_method": _COLLECTION, "description": params.text,
            "metadata": params.metadata, "days_until_due": params.integer,
            "pending_invoice_items_behavior": params.one_of("include", "exclude"),
        },
        required=("customer",),
    ),
    Route(
        method="GET", path=_URL, act=listed, answers="list:invoice", permission="invoice_read",
        takes={
            **params.PAGE, "created": params.created, "customer": params.text, "subscription": params.text,
            "status": _STATUSES, "collection_method": _COLLECTION,
        },
    ),
    Route(
        method="GET", path=_URL + "/{invoice}", act=retrieve, answers="invoice", permission="invoice_read",
        takes=params.EXPAND,
    ),
    Route(
        method="GET", path=_URL + "/{invoice}/lines", act=lines, answers="list:line_item", permission="invoice_read",
        takes={**params.EXPAND, "limit": params.limit, "starting_after": params.text},
    ),
)  # fmt: skip
