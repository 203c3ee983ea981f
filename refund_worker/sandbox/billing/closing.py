"""The ways an invoice ends unpaid: voided, given up, or deleted as a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.billing import credit
from refund_worker.sandbox.billing.collecting import cancel_waiting_payments
from refund_worker.sandbox.billing.invoices import lines_of
from refund_worker.sandbox.errors import ApiError

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World


def void(world: World, invoice: Record) -> Record:
    """Void an open or uncollectible invoice; credit it had consumed returns.

    Raises:
        ApiError: If it is in another state.
    """
    if invoice.fields["status"] not in {"open", "uncollectible"}:
        raise ApiError("You can only pass in open or uncollectible invoices. This invoice isn't open or uncollectible.")
    cancel_waiting_payments(world, invoice)
    applied = invoice.hidden.get("applied", 0)
    if applied:
        credit.move(
            world, customer=invoice.fields["customer"], currency=invoice.fields["currency"], amount=-applied,
            kind="unapplied_from_invoice", invoice=invoice.id,
        )  # fmt: skip
    return _closed(world, invoice, status="void", moment="voided_at", event="invoice.voided")


def mark_uncollectible(world: World, invoice: Record) -> Record:
    """Give an open invoice up.

    Raises:
        ApiError: If it is not open.
    """
    if invoice.fields["status"] != "open":
        raise ApiError("You can only pass in open invoices. This invoice isn't open.")
    return _closed(
        world, invoice, status="uncollectible", moment="marked_uncollectible_at", event="invoice.marked_uncollectible"
    )


def _closed(world: World, invoice: Record, *, status: str, moment: str, event: str) -> Record:
    changed = world.store.change(
        invoice,
        auto_advance=False,
        next_payment_attempt=None,
        status=status,
        status_transitions={**invoice.fields["status_transitions"], moment: world.now},
    )
    world.emit(event, changed.fields)
    return changed


def delete_draft(world: World, invoice: Record) -> Fields:
    """Delete a draft with its lines; their invoice items are pending never again.

    They still name the invoice that is gone, and can neither be changed nor deleted; source: recorded deletion.

    Raises:
        ApiError: If it is no draft, or belongs to a subscription.
    """
    if invoice.fields["status"] != "draft":
        raise ApiError("You can only delete draft invoices.")
    if invoice.fields["parent"] is not None and invoice.fields["billing_reason"] != "manual":
        raise ApiError("You can't delete invoices created by subscriptions.")
    for line in lines_of(world, invoice.id):
        parent = line.fields["parent"]
        item = world.store.get("invoiceitem", parent[parent["type"]]["invoice_item"] or "")
        if item is not None:
            world.store.tombstone(item, item.fields)
            world.emit("invoiceitem.deleted", item.fields)
        world.store.remove(line)
    world.store.remove(invoice)
    world.emit("invoice.deleted", invoice.fields)
    return {"id": invoice.id, "object": "invoice", "deleted": True}
