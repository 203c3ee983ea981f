"""The life of an invoice: draft, finalized with the customer's credit applied, paid, voided, given up.

A negative invoice is paid at once and its total booked on the customer's balance; a positive one first consumes credit.
Both movements have the type `applied_to_invoice`, the first a negative amount, the second a positive one.
Source: recorded downgrade; docs.stripe.com/billing/customer/balance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.billing import credit, lines, payments
from refund_worker.sandbox.billing.invoice_fields import fresh_fields
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.expand import EMBEDDED_MAX
from refund_worker.sandbox.money import smallest_charge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

FINALIZES_AFTER_SECONDS: Final = 3600  # drafts that advance by themselves wait for an hour
RETRIES_AFTER_SECONDS: Final = 3 * 24 * 3600


def draft(
    world: World,
    *,
    customer: str,
    currency: str,
    reason: str,
    subscription: str | None = None,
    auto_advance: bool = False,
    collection_method: str = "charge_automatically",
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    automatic_tax: bool = False,
    period: tuple[int, int] | None = None,
) -> Record:
    """An empty draft."""
    owner = world.store["customer", customer]
    finalizes = world.now + FINALIZES_AFTER_SECONDS if auto_advance else None
    fields = fresh_fields(
        identifier=world.ids.take("in"), now=world.now, owner=owner.fields, currency=currency, subscription=subscription
    )
    fields.update(
        auto_advance=auto_advance,
        automatically_finalizes_at=finalizes,
        billing_reason=reason,
        collection_method=collection_method,
        description=description,
        livemode=world.settings.livemode,
        metadata=dict(metadata or {}),
        starting_balance=credit.balance(owner, currency),
    )
    if automatic_tax:
        issuer: Fields = {"type": "self"}
        fields["automatic_tax"] = {
            "disabled_reason": None, "enabled": True, "liability": issuer, "provider": "stripe", "status": "complete",
        }  # fmt: skip
    if period is not None:
        fields["period_start"], fields["period_end"] = period
    record = world.store.insert("invoice", fields)
    if finalizes is not None:
        world.clock.schedule(finalizes, "finalize_draft", record.id)
    return record


def lines_of(world: World, invoice: str) -> list[Record]:
    """The lines in the order they were added."""
    return list(world.store.all("line_item", "invoice", invoice))


def recount(world: World, invoice: Record) -> Record:
    """Sum up a draft's lines and show the first ten of them."""
    found = lines_of(world, invoice.id)
    sums = lines.totals(found)
    due = max(0, sums["total"] + invoice.fields["starting_balance"]) if sums["total"] > 0 else 0
    shown = {
        "object": "list",
        "data": [line.fields for line in found[:EMBEDDED_MAX]],
        "has_more": len(found) > EMBEDDED_MAX,
        "url": f"/v1/invoices/{invoice.id}/lines",
    }
    return world.store.change(invoice, amount_due=due, amount_remaining=due, lines=shown, **sums)


def announce(world: World, invoice: Record) -> Record:
    """Sum up a new draft and say that it exists."""
    counted = recount(world, invoice)
    world.emit("invoice.created", counted.fields)
    return counted


def finalize(world: World, invoice: Record, *, collect: bool = True) -> Record:
    """Close a draft, apply the credit, and collect what is due unless told not to.

    Raises:
        ApiError: If it is no draft.
    """
    if invoice.fields["status"] != "draft":
        raise ApiError("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    invoice = recount(world, invoice)
    owner = world.store["customer", invoice.fields["customer"]]
    sequence = owner.fields["next_invoice_sequence"]
    owner = world.store.change(
        owner, next_invoice_sequence=sequence + 1, currency=owner.fields["currency"] or invoice.fields["currency"]
    )
    due, changes = _apply_credit(world, invoice, owner)
    invoice = world.store.change(
        invoice,
        {"applied": changes.pop("applied")},
        amount_due=due,
        amount_remaining=due,
        attempted=due == 0,
        automatically_finalizes_at=None,
        effective_at=world.now,
        number=f"{owner.fields['invoice_prefix']}-{sequence:04d}",
        status="open",
        status_transitions={**invoice.fields["status_transitions"], "finalized_at": world.now},
        **changes,
    )
    world.emit("invoice.finalized", invoice.fields)
    if due == 0:
        return settle(world, invoice)
    invoice = _await_payment(world, invoice)
    automatic = collect and invoice.fields["collection_method"] == "charge_automatically"
    return attempt(world, invoice) if automatic else invoice


def _apply_credit(world: World, invoice: Record, owner: Record) -> tuple[int, Fields]:
    """Book what the invoice does to the balance; returns the amount due and the fields that change."""
    currency, total = invoice.fields["currency"], invoice.fields["total"]
    before = credit.balance(owner, currency)
    moved = total if total < 0 else -before if before > 0 else min(-before, total)
    if total == 0:
        moved = 0
    due = max(0, total - moved)
    small = 0
    if moved:
        credit.move(
            world, customer=owner.id, currency=currency, amount=moved, kind="applied_to_invoice", invoice=invoice.id
        )
    if 0 < due < smallest_charge(currency) and invoice.fields["collection_method"] == "charge_automatically":
        small, due = due, 0
        credit.move(
            world, customer=owner.id, currency=currency, amount=small, kind="invoice_too_small", invoice=invoice.id
        )
    return due, {"starting_balance": before, "ending_balance": before + moved + small, "applied": max(moved, 0)}


def _await_payment(world: World, invoice: Record) -> Record:
    fields = invoice.fields
    intent = payments.intent(
        world, customer=fields["customer"], amount=fields["amount_due"], currency=fields["currency"],
        description=_DESCRIPTIONS.get(fields["billing_reason"], f"Payment for Invoice {fields['number']}"),
    )  # fmt: skip
    paid_by: Fields = {"payment_intent": intent.id, "type": "payment_intent"}
    payments.invoice_payment(
        world, invoice=invoice, amount=fields["amount_due"], payment=paid_by, status="open", is_default=True
    )
    return world.store.change(invoice, {"intent": intent.id})


_DESCRIPTIONS: Final = {
    "subscription_create": "Subscription creation",
    "subscription_update": "Subscription update",
    "subscription_cycle": "Subscription update",
}


def attempt(world: World, invoice: Record, *, retries: bool = True) -> Record:
    """Try to collect an open invoice with the customer's payment method; a failure leaves it open."""
    fields = invoice.fields
    method = payments.method_of(world, fields["customer"])
    outcome = method["outcome"]
    if outcome == "waits":
        return invoice
    intent = world.store["payment_intent", invoice.hidden["intent"]]
    charged = payments.charge(
        world, customer=fields["customer"], amount=intent.fields["amount"], currency=fields["currency"],
        description=intent.fields["description"], payment_intent=intent, outcome=outcome,
        destination=method.get("destination"),
    )  # fmt: skip
    invoice = world.store.change(invoice, attempted=True, attempt_count=fields["attempt_count"] + 1)
    if charged.fields["status"] == "failed":
        invoice = world.store.change(
            invoice, next_payment_attempt=world.now + RETRIES_AFTER_SECONDS if retries else None
        )
        world.emit("invoice.payment_failed", invoice.fields)
        return invoice
    if charged.fields["status"] != "succeeded":
        return invoice
    _close_payment(world, _default_payment(world, invoice), paid=True)
    return settle(world, invoice, paid=fields["amount_due"])


def _default_payment(world: World, invoice: Record) -> Record:
    return next(
        found for found in world.store.all("invoice_payment", "invoice", invoice.id) if found.fields["is_default"]
    )


def _close_payment(world: World, payment: Record, *, paid: bool) -> None:
    moment = {"canceled_at": None, "paid_at": world.now} if paid else {"canceled_at": world.now, "paid_at": None}
    changed = world.store.change(
        payment,
        amount_paid=payment.fields["amount_requested"] if paid else None,
        status="paid" if paid else "canceled",
        status_transitions=moment,
    )
    if paid:
        world.emit("invoice_payment.paid", changed.fields)


def cancel_waiting_payments(world: World, invoice: Record) -> None:
    """Cancel what still waits to pay this invoice, and its PaymentIntent."""
    for payment in list(world.store.all("invoice_payment", "invoice", invoice.id)):
        if payment.fields["status"] != "open":
            continue
        _close_payment(world, payment, paid=False)
        intent = world.store.get("payment_intent", payment.fields["payment"].get("payment_intent", ""))
        if intent is not None and intent.fields["status"] == "requires_payment_method":
            world.store.change(intent, status="canceled", canceled_at=world.now, cancellation_reason="void_invoice")


def settle(world: World, invoice: Record, *, paid: int = 0, off_stripe: int = 0) -> Record:
    """Mark an open invoice paid.

    Args:
        paid: Minor units received in all, what came outside Stripe included.
        off_stripe: The part of it that came outside Stripe.
    """
    invoice = world.store.change(
        invoice,
        amount_paid=paid,
        amount_paid_off_stripe=off_stripe,
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
        status_transitions={**invoice.fields["status_transitions"], "paid_at": world.now},
    )
    world.emit("invoice.paid", invoice.fields)
    _activate(world, invoice)
    return invoice


def _activate(world: World, invoice: Record) -> None:
    """A paid invoice lets its subscription leave `incomplete` and `past_due`."""
    parent = (invoice.fields["parent"] or {}).get("subscription_details")
    subscription = world.store.get("subscription", parent["subscription"]) if parent else None
    if subscription is not None and subscription.fields["status"] in {"incomplete", "past_due"}:
        world.store.change(subscription, status="active")


def pay_out_of_band(world: World, invoice: Record) -> Record:
    """Note that the invoice was paid outside Stripe; no payment of it can be refunded here."""
    cancel_waiting_payments(world, invoice)
    due = invoice.fields["amount_due"]
    return settle(world, invoice, paid=due, off_stripe=due)


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
    """Delete a draft with its lines and their invoice items; source: recorded deletion.

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
            world.store.remove(item)
            world.emit("invoiceitem.deleted", item.fields)
        world.store.remove(line)
    world.store.remove(invoice)
    world.emit("invoice.deleted", invoice.fields)
    return {"id": invoice.id, "object": "invoice", "deleted": True}
