"""Payments put on an invoice by hand: several to one invoice, one to several invoices, and those from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.billing import collecting, payments
from refund_worker.sandbox.errors import ApiError

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World


def attach(world: World, *, invoice: Record, payment: Fields, amount: int | None = None) -> Record:
    """Let a payment pay an open invoice; once all that is due is paid, the invoice is.

    Args:
        payment: As an invoice payment shows it: `{"type": "charge", "charge": "ch_..."}`.
        amount: Minor units; None for what is still due, as far as the payment goes.

    Raises:
        ApiError: If the payment has not that much left.
    """
    due = invoice.fields["amount_remaining"]
    free = _free(world, payment)
    value = min(due, free if free is not None else due) if amount is None else amount
    if value > due or (free is not None and value > free) or value <= 0:
        raise ApiError("The payment's amount does not fit what is due on the invoice.", param="amount")
    collecting.cancel_waiting_payments(world, invoice)
    received = _is_received(world, payment)
    attached = payments.invoice_payment(
        world, invoice=invoice, amount=value, payment=payment, status="paid" if received else "open", is_default=False
    )
    if not received:
        return attached
    world.emit("invoice_payment.paid", attached.fields)
    paid = invoice.fields["amount_paid"] + value
    off = invoice.fields["amount_paid_off_stripe"] + (value if payment["type"] == "payment_record" else 0)
    if value == due:
        collecting.settle(world, invoice, paid=paid, off_stripe=off)
    else:
        world.store.change(invoice, amount_paid=paid, amount_paid_off_stripe=off, amount_remaining=due - value)
    return attached


def _charge_of(world: World, payment: Fields) -> Record | None:
    if payment["type"] == "charge":
        return world.existing("charge", payment["charge"])
    if payment["type"] == "payment_intent":
        latest = world.existing("payment_intent", payment["payment_intent"]).fields["latest_charge"]
        return world.store["charge", latest] if latest else None
    return None


def _is_received(world: World, payment: Fields) -> bool:
    if payment["type"] == "payment_record":
        return True
    charge = _charge_of(world, payment)
    return charge is not None and charge.fields["status"] == "succeeded" and charge.fields["captured"]


def _free(world: World, payment: Fields) -> int | None:
    """What a payment has not yet paid elsewhere; None where nothing limits it."""
    charge = _charge_of(world, payment)
    if charge is None or not charge.fields["captured"]:
        return None
    used = world.store.all("invoice_payment", "payment", payment[payment["type"]])
    spent = sum(row.fields["amount_paid"] or 0 for row in used)
    return int(charge.fields["amount_captured"] - spent)
