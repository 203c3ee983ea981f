"""Invoice items: those that no invoice has taken yet, and one as it is now."""

from collections.abc import Iterator

import structlog

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.adapters.stripe_gateway.invoices import price_of, product_of
from refund_worker.adapters.stripe_gateway.item_records import record_of
from refund_worker.adapters.stripe_gateway.subscriptions import any_exclusive
from refund_worker.domain.errors import NotFound, Rejected, UnreadableAnswer
from refund_worker.domain.facts import ItemNow, ItemState, PendingItem

_KIND = "invoiceitem"

log = structlog.get_logger(__name__)


def pending_items(calls: Calls, *, customer: str | None) -> Iterator[PendingItem]:
    """The pending invoice items of a customer, or of the whole account.

    Of the whole account, one that cannot be read is logged and passed over: it must not keep the others from being
    found. Whoever reads its customer by name meets the error.
    """
    only = {} if customer is None else {"customer": customer}
    for row in calls.rows("/v1/invoiceitems", kind=_KIND, pending=True, **only):
        try:
            item = _read_item(row)
        except UnreadableAnswer as error:
            if customer is not None:
                raise
            log.warning("item_unreadable", detail=str(error))
            continue
        if customer not in {None, item.customer}:
            raise row.unreadable("customer", expected="the customer asked for")
        if not row.present("invoice"):  # one may have been taken while the page was read
            yield item


def one_item(calls: Calls, *, item: str) -> ItemNow:
    """One invoice item as it is now; gone where Stripe has none of that id, or says that it is deleted."""
    try:
        answer = calls.get("/v1/invoiceitems/{}", item, kind=_KIND, asked=item)
    except NotFound as error:
        if not says_gone(error, item=item):
            raise not_about(error) from None
        return ItemNow(id=item, state=ItemState.GONE)
    if answer.flag_or_false("deleted"):
        return ItemNow(id=item, state=ItemState.GONE)
    state = ItemState.ATTACHED if answer.present("invoice") else ItemState.PENDING
    return ItemNow(id=item, state=state, item=_read_item(answer))


def says_gone(error: NotFound, *, item: str) -> bool:
    """What is not found is the item itself, not something that it belongs to.

    Of an item of an expired subscription Stripe has said that the customer has no such subscription
    (github.com/stripe/stripe-dotnet/issues/1857): that item was still there.
    """
    return error.http_status is None or error.param in {"id", "invoiceitem"} or item in error.message


def not_about(error: NotFound) -> Rejected:
    """The same refusal, which does not say that the item is gone."""
    return Rejected(
        message=error.message,
        code=error.code,
        param=error.param,
        http_status=error.http_status,
        request_id=error.request_id,
        replayed=error.replayed,
    )


def _read_item(fields: Fields) -> PendingItem:
    """Read an item. Its amount is net of the discounts that are already known.

    `amount` is before discounts where a flexible subscription itemizes them
    (docs.stripe.com/changelog/clover/2025-09-30/itemize-proration-discount-amounts); `net_amount` is after them. Of
    an item that is still discountable it says nothing: what an invoice will take off such a one is not known before.
    """
    amount, net = fields.number("amount"), fields.number_or_none("net_amount")
    amount_minor = amount if net is None or fields.flag_or_false("discountable") else net
    period = fields.inner("period")
    return PendingItem(
        id=fields.text("id"),
        customer=fields.reference("customer") or fields.text("customer_account"),
        amount_minor=amount_minor,
        currency=fields.text("currency"),
        subscription=_subscription(fields),
        proration=fields.flag("proration"),
        exclusive_tax=any_exclusive(fields, "tax_rates"),
        deferred=any(fields.each("invoicing_rules")),
        period_start=period.number("start"),
        period_end=period.number("end"),
        price=price_of(fields),
        product=product_of(fields),
        quantity=fields.number_or_none("quantity"),
        credited_invoice=_credited_invoice(fields),
        record=record_of(fields, amount_minor=amount_minor, subscription=_subscription(fields)),
    )


def _subscription(fields: Fields) -> str | None:
    parent = fields.inner_or_none("parent")
    details = parent.inner_or_none("subscription_details") if parent is not None else None
    return details.reference("subscription") if details is not None else None


def _credited_invoice(fields: Fields) -> str | None:
    """The invoice whose time the item credits; None where that was an item not invoiced either, or is not said."""
    details = fields.inner_or_none("proration_details")
    credited = details.inner_or_none("credited_items") if details is not None else None
    if credited is None or credited.text("type") != "invoice_line_items":
        return None
    return credited.inner("invoice_line_item_details").text("invoice")
