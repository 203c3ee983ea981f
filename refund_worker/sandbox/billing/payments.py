"""Payments: PaymentIntent, charge and invoice payment, and the account balance they move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.billing import funds
from refund_worker.sandbox.billing.charge_fields import fresh_fields
from refund_worker.sandbox.billing.methods import method_details

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

TEST_METHOD: Final[Mapping[str, Any]] = {"id": None, "type": "card", "outcome": "succeeds"}


def method_of(world: World, customer: str) -> Mapping[str, Any]:
    """How the customer pays: `type`, `outcome` (succeeds, fails, waits), perhaps `destination`."""
    found: Mapping[str, Any] = world.store["customer", customer].hidden.get("method") or TEST_METHOD
    return found


def intent(world: World, *, customer: str, amount: int, currency: str, description: str | None) -> Record:
    """A PaymentIntent that waits for its payment; `amount` in minor units."""
    method = method_of(world, customer)
    identifier = world.ids.take("pi")
    return world.store.insert(
        "payment_intent",
        {
            "id": identifier,
            "object": "payment_intent",
            "allowed_payment_method_types": None,
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{identifier}_secret_sandbox",
            "confirmation_method": "automatic",
            "created": world.now,
            "currency": currency,
            "customer": customer,
            "customer_account": None,
            "description": description,
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": world.settings.livemode,
            "managed_payments": None,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": [method["type"]],
            "payment_record": None,
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        },
    )


def charge(
    world: World,
    *,
    customer: str,
    amount: int,
    currency: str,
    description: str | None = None,
    payment_intent: Record | None = None,
    outcome: str = "succeeds",
    captured: int | None = None,
    destination: str | None = None,
    method_type: str | None = None,
    hidden: Mapping[str, Any] | None = None,
) -> Record:
    """Take a payment, or fail to (`outcome="fails"`), or leave it on its way (`"pending"`).

    Args:
        amount: Minor units.
        captured: Minor units captured at once; None for all, 0 for an authorization.
        destination: A connected account the money is transferred to.
    """
    status = {"fails": "failed", "pending": "pending"}.get(outcome, "succeeded")
    taken = 0 if status == "failed" else amount if captured is None else captured
    kind = method_type or method_of(world, customer)["type"]
    method = method_of(world, customer).get("id") or f"pm_{customer.removeprefix('cus_')}"
    identifier = world.ids.take("ch" if kind == "card" else "py")
    movement = None
    if status == "succeeded" and taken:
        movement = book(world, kind="charge", amount=taken, currency=currency, source=identifier).id
    fields = fresh_fields(identifier, status=status, amount=amount, taken=taken)
    fields.update(
        balance_transaction=movement,
        created=world.now,
        currency=currency,
        customer=customer,
        description=description,
        livemode=world.settings.livemode,
        payment_intent=payment_intent.id if payment_intent else None,
        payment_method=method,
        payment_method_details=method_details(kind, amount=amount),
        transfer_data={"amount": None, "destination": destination} if destination else None,
    )
    record = world.store.insert("charge", fields, hidden or {})
    if payment_intent is not None:
        _conclude(world, payment_intent, record)
    world.emit(f"charge.{'captured' if status == 'succeeded' and captured else status}", record.fields)
    return record


def _conclude(world: World, payment_intent: Record, charged: Record) -> None:
    """Let the PaymentIntent show what became of its charge."""
    fields = charged.fields
    status = {"failed": "requires_payment_method", "pending": "processing"}.get(fields["status"], "succeeded")
    if status == "succeeded" and not fields["captured"]:
        status = "requires_capture"
    error = None
    if fields["status"] == "failed":
        error = {
            "code": "card_declined",
            "charge": charged.id,
            "message": "Your card was declined.",
            "type": "card_error",
        }
    changed = world.store.change(
        payment_intent,
        amount_received=fields["amount_captured"],
        amount_capturable=fields["amount"] if status == "requires_capture" else 0,
        last_payment_error=error,
        latest_charge=charged.id,
        payment_method=fields["payment_method"] if error is None else None,
        status=status,
        transfer_data={"destination": fields["transfer_data"]["destination"]} if fields["transfer_data"] else None,
    )
    events = {"succeeded": "succeeded", "requires_payment_method": "payment_failed", "processing": "processing"}
    if status in events:
        world.emit(f"payment_intent.{events[status]}", changed.fields)


def invoice_payment(
    world: World,
    *,
    invoice: Record,
    amount: int,
    payment: Fields,
    status: str,
    is_default: bool,
) -> Record:
    """What ties a payment to an invoice; `amount` is requested, and paid too when `status` is paid."""
    paid = status == "paid"
    return world.store.insert(
        "invoice_payment",
        {
            "id": world.ids.take("inpay"),
            "object": "invoice_payment",
            "amount_paid": amount if paid else None,
            "amount_requested": amount,
            "created": world.now,
            "currency": invoice.fields["currency"],
            "invoice": invoice.id,
            "is_default": is_default,
            "livemode": world.settings.livemode,
            "payment": payment,
            "status": status,
            "status_transitions": {"canceled_at": None, "paid_at": world.now if paid else None},
        },
    )


def book(world: World, *, kind: str, amount: int, currency: str, source: str) -> Record:
    """A movement on the account's own balance (`txn_`); fees on charges are 2.9 % and 30 minor units."""
    if kind != "charge":
        funds.move(world, currency=currency, amount=amount)
    fee = amount * 29 // 1000 + 30 if kind == "charge" else 0
    detail = {"amount": fee, "application": None, "currency": currency, "description": "Fees", "type": "stripe_fee"}
    return world.store.insert(
        "balance_transaction",
        {
            "id": world.ids.take("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": world.now + (7 * 86400 if kind == "charge" else 0),
            "balance_type": "payments",
            "created": world.now,
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [detail] if fee else [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source,
            "status": "pending" if kind == "charge" else "available",
            "type": kind,
        },
    )
