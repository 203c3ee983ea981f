"""Collecting an invoice: trying the customer's payment method, and marking the invoice paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.billing import payments

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Record
    from refund_worker.sandbox.world import World

RETRIES_AFTER_SECONDS: Final = 3 * 24 * 3600


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
        _move_subscription(world, invoice, {"active"}, "past_due")
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
    _move_subscription(world, invoice, {"incomplete", "past_due"}, "active")
    return invoice


def _move_subscription(world: World, invoice: Record, among: set[str], status: str) -> None:
    """What becomes of an invoice moves its subscription: paid to active, declined to past_due."""
    parent = (invoice.fields["parent"] or {}).get("subscription_details")
    subscription = world.store.get("subscription", parent["subscription"]) if parent else None
    if subscription is None or subscription.fields["status"] not in among:
        return
    before = subscription.fields["status"]
    moved = world.store.change(subscription, status=status)
    if moved.hidden.get("announced"):  # its own creation says what the first payment made of it
        world.emit("customer.subscription.updated", moved.fields, {"status": before})


def pay_out_of_band(world: World, invoice: Record) -> Record:
    """Note that the invoice was paid outside Stripe; no payment of it can be refunded here."""
    cancel_waiting_payments(world, invoice)
    due = invoice.fields["amount_due"]
    return settle(world, invoice, paid=due, off_stripe=due)
