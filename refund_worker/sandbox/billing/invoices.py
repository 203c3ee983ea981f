"""The beginning of an invoice: a draft, its sums, and finalizing with the customer's credit applied.

A negative invoice is paid at once and its total booked on the customer's balance; a positive one first consumes credit.
Both movements have the type `applied_to_invoice`, the first a negative amount, the second a positive one.
Source: recorded downgrade; docs.stripe.com/billing/customer/balance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.billing import collecting, credit, lines, payments
from refund_worker.sandbox.billing.invoice_fields import fresh_fields
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.expand import EMBEDDED_MAX
from refund_worker.sandbox.money import smallest_charge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

FINALIZES_AFTER_SECONDS: Final = 3600  # drafts that advance by themselves wait for an hour


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
        return collecting.settle(world, invoice)
    invoice = _await_payment(world, invoice)
    automatic = collect and invoice.fields["collection_method"] == "charge_automatically"
    return collecting.attempt(world, invoice) if automatic else invoice


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
    return due, {
        "starting_balance": before,
        "ending_balance": before + moved + small,
        "applied": moved if total > 0 else 0,
    }


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
