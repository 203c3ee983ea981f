"""Credit notes; source: docs.stripe.com/invoicing/programmatic-credit-notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox.billing import collecting, credit, refunds
from refund_worker.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World


def create(world: World, *, invoice: Record, given: Mapping[str, Any]) -> Record:
    """Credit `amount` (minor units) of an invoice.

    On an open invoice it lowers what is due. On a paid one `credit_amount`, `refund_amount` and `out_of_band_amount`
    must add up to it.

    Raises:
        ApiError: If the parts do not add up, or more is credited than was billed.
    """
    fields, amount = invoice.fields, given["amount"]
    parts = tuple(given.get(name, 0) for name in ("credit_amount", "refund_amount", "out_of_band_amount"))
    if fields["status"] not in {"open", "paid"}:
        raise ApiError("You can only create credit notes for open or paid invoices.", param="invoice")
    credited = fields["pre_payment_credit_notes_amount"] + fields["post_payment_credit_notes_amount"]
    if credited + amount > fields["total"]:
        raise ApiError("The sum of credit notes would exceed the total of the invoice.", param="amount")
    if fields["status"] == "open":
        if any(parts) or amount > fields["amount_remaining"]:
            raise ApiError("An open invoice can be credited up to what remains of it, and nothing paid out.")
        return _on_open(world, invoice, given)
    if sum(parts) != amount:
        raise ApiError(
            "The sum of credit amount, refund amount and out of band amount must equal the credit note amount."
        )
    return _on_paid(world, invoice, given)


def _on_open(world: World, invoice: Record, given: Mapping[str, Any]) -> Record:
    note = _note(world, invoice, given, kind="pre_payment")
    world.emit("credit_note.created", note.fields)
    _lower(world, invoice, given["amount"])
    return note


def _lower(world: World, invoice: Record, amount: int) -> None:
    """Let `amount` less be due on an open invoice; negative when a credit note is voided."""
    left = invoice.fields["amount_remaining"] - amount
    changed = world.store.change(
        invoice,
        amount_due=left,
        amount_remaining=left,
        pre_payment_credit_notes_amount=invoice.fields["pre_payment_credit_notes_amount"] + amount,
    )
    if left == 0:
        collecting.cancel_waiting_payments(world, changed)
        collecting.settle(world, changed)
    elif changed.hidden.get("intent"):
        world.store.change(world.store["payment_intent", changed.hidden["intent"]], amount=left)


def void(world: World, note: Record) -> Record:
    """Void a credit note of an invoice that is still open; the invoice is due again.

    Raises:
        ApiError: If its invoice is not open, or it is void already.
    """
    invoice = world.store["invoice", note.fields["invoice"]]
    if invoice.fields["status"] != "open" or note.fields["status"] != "issued":
        raise ApiError("You can only void issued credit notes of open invoices.")
    _lower(world, invoice, -note.fields["amount"])
    voided = world.store.change(note, status="void", voided_at=world.now)
    world.emit("credit_note.voided", voided.fields)
    return voided


def _on_paid(world: World, invoice: Record, given: Mapping[str, Any]) -> Record:
    to_credit, to_refund = given.get("credit_amount", 0), given.get("refund_amount", 0)
    charge = _charge_of(world, invoice) if to_refund else None
    if charge is not None:
        refunds.refuse(world, charge, to_refund)
    note = _note(world, invoice, given, kind="post_payment", out_of_band_amount=given.get("out_of_band_amount"))
    if charge is not None:
        refund = refunds.create(world, charge=charge, amount=to_refund, reason=None, metadata={})
        row = {"amount_refunded": to_refund, "payment_record_refund": None, "refund": refund.id, "type": "refund"}
        note = world.store.change(note, refunds=[row])
    if to_credit:
        movement = credit.move(
            world, customer=invoice.fields["customer"], currency=invoice.fields["currency"], amount=-to_credit,
            kind="credit_note", credit_note=note.id,
        )  # fmt: skip
        note = world.store.change(note, customer_balance_transaction=movement.id)
    invoice = world.store["invoice", invoice.id]
    total = invoice.fields["post_payment_credit_notes_amount"] + given["amount"]
    world.store.change(invoice, post_payment_credit_notes_amount=total)
    world.emit("credit_note.created", note.fields)
    return note


def _charge_of(world: World, invoice: Record) -> Record:
    for payment in world.store.all("invoice_payment", "invoice", invoice.id):
        shown = payment.fields["payment"]
        if payment.fields["status"] == "paid" and shown["type"] != "payment_record":
            if shown["type"] == "charge":
                return world.store["charge", shown["charge"]]
            return world.store["charge", world.store["payment_intent", shown["payment_intent"]].fields["latest_charge"]]
    raise ApiError("This invoice has no payment that could be refunded.", param="refund_amount")


def _note(
    world: World, invoice: Record, given: Mapping[str, Any], *, kind: str, out_of_band_amount: int | None = None
) -> Record:
    amount, identifier = given["amount"], world.ids.take("cn")
    line: Fields = {
        "id": world.ids.take("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": given.get("memo"),
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": world.settings.livemode,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    count = len(world.store.ids("credit_note", "invoice", invoice.id)) + 1
    return world.store.insert(
        "credit_note",
        {
            "id": identifier,
            "object": "credit_note",
            "amount": amount,
            "amount_shipping": 0,
            "created": world.now,
            "currency": invoice.fields["currency"],
            "customer": invoice.fields["customer"],
            "customer_account": None,
            "customer_balance_transaction": None,
            "discount_amount": 0,
            "discount_amounts": [],
            "effective_at": world.now,
            "invoice": invoice.id,
            "lines": {
                "object": "list",
                "data": [line],
                "has_more": False,
                "url": f"/v1/credit_notes/{identifier}/lines",
            },
            "livemode": world.settings.livemode,
            "memo": given.get("memo"),
            "metadata": given.get("metadata") or {},
            "number": f"{invoice.fields['number']}-CN-{count:02d}",
            "out_of_band_amount": out_of_band_amount,
            "pdf": f"https://pay.stripe.com/credit_notes/{identifier}/pdf",
            "post_payment_amount": amount if kind == "post_payment" else 0,
            "pre_payment_amount": amount if kind == "pre_payment" else 0,
            "pretax_credit_amounts": [],
            "reason": given.get("reason"),
            "refunds": [],
            "shipping_cost": None,
            "status": "issued",
            "subtotal": amount,
            "subtotal_excluding_tax": amount,
            "total": amount,
            "total_excluding_tax": amount,
            "total_taxes": [],
            "type": kind,
            "voided_at": None,
        },
    )
