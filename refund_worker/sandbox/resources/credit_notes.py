"""Credit notes: on a paid invoice they give credit, a refund, or note money given back elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import credit_notes
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record


def create(call: Call) -> Record:
    """A new credit note."""
    invoice = call.world.named("invoice", call.params, "invoice")
    return credit_notes.create(call.world, invoice=invoice, given=call.params)


def retrieve(call: Call) -> Record:
    """One credit note."""
    return call.world.existing("credit_note", call.id)


def update(call: Call) -> Record:
    """Change the memo or the metadata."""
    world, note = call.world, call.world.existing("credit_note", call.id)
    given = {name: call.params[name] for name in ("memo",) if name in call.params}
    changes = {**given, "metadata": params.merged(note.fields["metadata"], call.params.get("metadata"))}
    previous = {name: note.fields[name] for name, value in changes.items() if note.fields[name] != value}
    changed = world.store.change(note, **changes)
    if previous:
        world.emit("credit_note.updated", changed.fields, previous)
    return changed


def void(call: Call) -> Record:
    """Void the credit note of an open invoice."""
    return credit_notes.void(call.world, call.world.existing("credit_note", call.id))


def listed(call: Call) -> Page:
    """Credit notes of an invoice or customer, or all."""
    store, wanted = call.world.store, call.params
    index = "invoice" if "invoice" in wanted else "customer"
    ids = store.ids("credit_note", index, wanted.get(index))
    return page(store, "credit_note", ids, wanted, url="/v1/credit_notes")


ROUTES = (
    Route(
        method="POST", path="/v1/credit_notes", act=create, answers="credit_note", permission="credit_note_write",
        takes={
            **params.EXPAND, "invoice": params.text, "amount": params.positive, "credit_amount": params.amount,
            "refund_amount": params.amount, "out_of_band_amount": params.amount, "memo": params.text,
            "metadata": params.metadata, "email_type": params.one_of("credit_note", "none"),
            "reason": params.one_of("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
        },
        required=("invoice", "amount"),
    ),
    Route(
        method="GET", path="/v1/credit_notes", act=listed, answers="list:credit_note", permission="credit_note_read",
        takes={**params.PAGE, "created": params.created, "invoice": params.text, "customer": params.text},
    ),
    Route(
        method="GET", path="/v1/credit_notes/{credit_note}", act=retrieve, answers="credit_note",
        permission="credit_note_read", takes=params.EXPAND,
    ),
    Route(
        method="POST", path="/v1/credit_notes/{credit_note}", act=update, answers="credit_note",
        permission="credit_note_write",
        takes={**params.EXPAND, "memo": params.text_or_unset, "metadata": params.metadata},
    ),
    Route(
        method="POST", path="/v1/credit_notes/{credit_note}/void", act=void, answers="credit_note",
        permission="credit_note_write", takes=params.EXPAND,
    ),
)  # fmt: skip
