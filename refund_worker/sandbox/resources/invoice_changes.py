"""What can be done to an invoice: finalize, pay, void, give up, delete, attach a payment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import attaching, closing, collecting, invoices, payments
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Fields, Record


def _invoice(call: Call) -> Record:
    return call.world.existing("invoice", call.id)


def finalize(call: Call) -> Record:
    """Finalize a draft; with auto_advance it is collected at once."""
    invoice = _invoice(call)
    collect = bool(call.params.get("auto_advance", invoice.fields["auto_advance"]))
    return invoices.finalize(call.world, invoice, collect=collect)


def pay(call: Call) -> Record:
    """Collect an open invoice, or note that it was paid outside Stripe. A draft is finalized first."""
    world, invoice = call.world, _invoice(call)
    if invoice.fields["status"] == "draft":
        invoice = invoices.finalize(world, invoice, collect=False)
    elif invoice.fields["status"] == "paid":
        raise ApiError("Invoice is already paid")
    elif invoice.fields["status"] == "void":
        raise ApiError("Voided invoices cannot be paid.")
    if invoice.fields["status"] == "paid":  # nothing was due
        return invoice
    if call.params.get("paid_out_of_band"):
        return collecting.pay_out_of_band(world, invoice)
    if payments.method_of(world, invoice.fields["customer"])["outcome"] == "waits":
        raise ApiError("There is no payment method to pay this invoice with.", code="missing_payment_method")
    invoice = collecting.attempt(world, invoice)
    if invoice.fields["status"] == "open":
        raise ApiError(
            "Your card was declined.", status=402, kind="card_error", code="card_declined",
            decline_code="generic_decline",
        )  # fmt: skip
    return invoice


def void(call: Call) -> Record:
    """Void an open or uncollectible invoice."""
    return closing.void(call.world, _invoice(call))


def mark_uncollectible(call: Call) -> Record:
    """Give an open invoice up."""
    return closing.mark_uncollectible(call.world, _invoice(call))


def delete(call: Call) -> Fields:
    """Delete a draft."""
    return closing.delete_draft(call.world, _invoice(call))


def update(call: Call) -> Record:
    """Change metadata, description or auto_advance."""
    invoice, given = _invoice(call), dict(call.params)
    merged = params.merged(invoice.fields["metadata"], given.pop("metadata", None))
    return call.world.store.change(invoice, metadata=merged, **given)


def attach_payment(call: Call) -> Record:
    """Let a PaymentIntent pay an open invoice, wholly or in part."""
    world, invoice = call.world, _invoice(call)
    intent = world.named("payment_intent", call.params, "payment_intent")
    if invoice.fields["status"] != "open":
        raise ApiError("You can only attach payments to open invoices.")
    attaching.attach(world, invoice=invoice, payment={"payment_intent": intent.id, "type": "payment_intent"})
    return world.store["invoice", invoice.id]


_ONE = "/v1/invoices/{invoice}"

ROUTES = (
    Route(
        method="POST", path=_ONE + "/finalize", act=finalize, answers="invoice", permission="invoice_write",
        takes={**params.EXPAND, "auto_advance": params.boolean},
    ),
    Route(
        method="POST", path=_ONE + "/pay", act=pay, answers="invoice", permission="invoice_write",
        takes={**params.EXPAND, "paid_out_of_band": params.boolean, "off_session": params.boolean},
    ),
    Route(
        method="POST", path=_ONE + "/void", act=void, answers="invoice", permission="invoice_write",
        takes=params.EXPAND,
    ),
    Route(
        method="POST", path=_ONE + "/mark_uncollectible", act=mark_uncollectible, answers="invoice",
        permission="invoice_write", takes=params.EXPAND,
    ),
    Route(method="DELETE", path=_ONE, act=delete, answers="invoice", permission="invoice_write"),
    Route(
        method="POST", path=_ONE, act=update, answers="invoice", permission="invoice_write",
        takes={
            **params.EXPAND, "metadata": params.metadata, "description": params.text_or_unset,
            "auto_advance": params.boolean,
        },
    ),
    Route(
        method="POST", path=_ONE + "/attach_payment", act=attach_payment, answers="invoice",
        permission="invoice_write", takes={**params.EXPAND, "payment_intent": params.text},
        required=("payment_intent",),
    ),
)  # fmt: skip
