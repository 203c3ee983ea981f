"""Invoices with all their lines and payments."""

from collections import Counter
from collections.abc import Iterator

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.facts import Invoice, InvoiceLine, InvoicePayment


def all_invoices(calls: Calls, *, customer: str) -> tuple[Invoice, ...]:
    """Every invoice of the customer in all statuses, newest first."""
    rows = calls.rows("/v1/invoices", kind="invoice", customer=customer, expand=["data.payments"])
    return tuple(_read_invoice(calls, row, customer=customer) for row in rows)


def _read_invoice(calls: Calls, fields: Fields, *, customer: str) -> Invoice:
    if fields.reference("customer") not in {customer, None}:
        raise fields.unreadable("customer", expected="the customer asked for")
    return Invoice(
        id=fields.text("id"),
        status=fields.text_or_none("status") or "unknown",
        created=fields.number("created"),
        currency=fields.text("currency"),
        total_minor=fields.number("total"),
        subscription=_subscription(fields),
        automatic_tax=fields.inner("automatic_tax").flag("enabled"),
        auto_advance=fields.flag_or_false("auto_advance"),
        automatically_finalizes_at=fields.number_or_none("automatically_finalizes_at"),
        billing_reason=fields.text_or_none("billing_reason"),
        lines=tuple(map(_read_line, _lines(calls, fields))),
        payments=tuple(map(_read_payment, _payments(calls, fields))),
    )


def _subscription(fields: Fields) -> str | None:
    parent = fields.inner_or_none("parent")
    details = parent.inner_or_none("subscription_details") if parent is not None else None
    return details.reference("subscription") if details is not None else None


def _lines(calls: Calls, fields: Fields) -> Iterator[Fields]:
    """All lines: an invoice holds the first ten, the rest has pages of its own."""
    inline = fields.inner("lines")
    if inline.flag("has_more"):
        return calls.rows("/v1/invoices/{}/lines", fields.text("id"), kind="line_item")
    return iter(inline.rows("data", kind="line_item"))


def _payments(calls: Calls, fields: Fields) -> Iterator[Fields]:
    """All payments: an invoice holds the first ones when it was asked to, the rest has pages of its own."""
    inline = fields.inner("payments")
    if inline.flag("has_more"):
        return calls.rows("/v1/invoice_payments", kind="invoice_payment", invoice=fields.text("id"))
    return iter(inline.rows("data", kind="invoice_payment"))


def _read_line(fields: Fields) -> InvoiceLine:
    details = _line_details(fields)
    proration = details.inner_or_none("proration_details") if details is not None else None
    credited = proration.inner_or_none("credited_items") if proration is not None else None
    period = fields.inner("period")
    taxes: Counter[str] = Counter()
    for tax in fields.each("taxes"):
        taxes[tax.text("tax_behavior")] += tax.number("amount")
    return InvoiceLine(
        id=fields.text("id"),
        amount_minor=fields.number("amount"),
        discount_minor=sum(each.number("amount") for each in fields.each("discount_amounts")),
        exclusive_tax_minor=taxes["exclusive"],
        inclusive_tax_minor=taxes["inclusive"],
        proration=details.flag("proration") if details is not None else False,
        subscription=(details.reference("subscription") if details is not None else None)
        or fields.reference("subscription"),
        invoice_item=details.reference("invoice_item") if details is not None else None,
        period_start=period.number("start"),
        period_end=period.number("end"),
        credited_invoice=credited.reference("invoice") if credited is not None else None,
        price=price_of(fields),
        product=product_of(fields),
        quantity=fields.number_or_none("quantity"),
    )


def price_of(fields: Fields) -> str | None:
    """The price that a line or an invoice item bills or credits; None where it has an amount of its own."""
    details = _price_details(fields)
    return details.reference("price") if details is not None else None


def product_of(fields: Fields) -> str | None:
    """What a line or an invoice item bills or credits; None where it has an amount of its own."""
    details = _price_details(fields)
    return details.reference("product") if details is not None else None


def _price_details(fields: Fields) -> Fields | None:
    pricing = fields.inner_or_none("pricing")
    return pricing.inner_or_none("price_details") if pricing is not None else None


def _line_details(fields: Fields) -> Fields | None:
    """What made the line: an item of a subscription, or an invoice item (also a proration that was pending)."""
    parent = fields.inner_or_none("parent")
    if parent is None:
        return None
    return parent.inner_or_none("subscription_item_details") or parent.inner_or_none("invoice_item_details")


def _read_payment(fields: Fields) -> InvoicePayment:
    payment = fields.inner("payment")
    return InvoicePayment(
        id=fields.text("id"),
        status=fields.text("status"),
        amount_paid_minor=fields.number_or_none("amount_paid") or 0,
        type=payment.text("type"),
        payment_intent=payment.reference("payment_intent"),
        charge=payment.reference("charge"),
    )
