"""The three writes: a movement on a customer's balance, a refund, and the deletion of a pending invoice item.

Each is sent once; the first two with the caller's key, the third without one.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.charges import read_refund
from refund_worker.adapters.stripe_gateway.customers import read_movement
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.adapters.stripe_gateway.items import not_about, says_gone
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import (
    CustomerBalanceTransaction,
    DeletionAnswer,
    MovementAnswer,
    Refund,
    RefundAnswer,
)

if TYPE_CHECKING:
    from stripe.params import CustomerBalanceTransactionCreateParams, RefundCreateParams


def create_movement(
    calls: Calls,
    *,
    customer: str,
    amount_minor: int,
    currency: str,
    description: str,
    metadata: Mapping[str, str],
    key: str,
    check: Callable[[], None],
) -> MovementAnswer:
    """Create a customer balance transaction.

    Args:
        calls: Where to send it.
        customer: Whose balance.
        amount_minor: With Stripe's sign, not zero: positive = debit, negative = credit.
        currency: Three letters, lower case.
        description: What the customer's statement says.
        metadata: The mark.
        key: The idempotency key.
        check: Called right before the request goes out; what it raises passes through, and nothing is sent.

    Raises:
        StripeError: Of one of the families; an answer about another movement than this one is an OutcomeUnknown.
        ValueError: If the amount is zero; nothing is sent.
    """
    if amount_minor == 0:
        raise ValueError("a movement of zero moves nothing")
    params: CustomerBalanceTransactionCreateParams = {
        "amount": amount_minor,
        "currency": currency,
        "description": description,
        "metadata": dict(metadata),
    }

    def read(fields: Fields) -> CustomerBalanceTransaction:
        movement = read_movement(fields, customer=customer)
        _expect(fields, "amount", agrees=movement.amount_minor == amount_minor)
        _expect(fields, "currency", agrees=movement.currency == currency)
        return movement

    written = calls.write(
        "POST",
        "/v1/customers/{}/balance_transactions",
        customer,
        kind="customer_balance_transaction",
        send=lambda client: client.v1.customers.balance_transactions.create(customer, params, {"idempotency_key": key}),
        read=read,
        check=check,
    )
    return MovementAnswer(transaction=written.fact, request_id=written.request_id, replayed=written.replayed)


def create_refund(
    calls: Calls,
    *,
    charge: str,
    amount_minor: int,
    metadata: Mapping[str, str],
    key: str,
    check: Callable[[], None],
) -> RefundAnswer:
    """Refund a positive amount over a charge, in the charge's currency; `check` as for a movement.

    No `reason` is sent: `fraudulent` would put the card on a block list, the others say nothing that the mark does not.

    Raises:
        StripeError: Of one of the families; an answer about another refund than this one is an OutcomeUnknown.
        ValueError: If the amount is not above zero; nothing is sent. (Stripe would take a missing amount for "all".)
    """
    if amount_minor <= 0:
        raise ValueError("a refund is above zero")
    params: RefundCreateParams = {"charge": charge, "amount": amount_minor, "metadata": dict(metadata)}

    def read(fields: Fields) -> Refund:
        refund = read_refund(fields, charge=charge)
        _expect(fields, "amount", agrees=refund.amount_minor == amount_minor)
        return refund

    written = calls.write(
        "POST",
        "/v1/refunds",
        kind="refund",
        send=lambda client: client.v1.refunds.create(params, {"idempotency_key": key}),
        read=read,
        check=check,
    )
    return RefundAnswer(refund=written.fact, request_id=written.request_id, replayed=written.replayed)


def delete_item(calls: Calls, *, item: str, check: Callable[[], None]) -> DeletionAnswer:
    """Delete an invoice item; `check` as for a movement.

    There is no key: of two deletions one is answered, the other is NotFound, and the item is gone once. Stripe deletes
    an item that is pending or on a draft; one on a later invoice it refuses (docs.stripe.com/api/invoiceitems/delete).

    Raises:
        NotFound: If there is no such item (any more): a definite answer. Of anything else that Stripe does not find
            it is a Rejected.
        StripeError: Of one of the families; an answer that does not say that this item is deleted is an OutcomeUnknown.
    """

    def read(fields: Fields) -> str:
        _expect(fields, "id", agrees=fields.text("id") == item)
        _expect(fields, "deleted", agrees=fields.flag("deleted"))
        return item

    try:
        written = calls.write(
            "DELETE",
            "/v1/invoiceitems/{}",
            item,
            kind="invoiceitem",
            send=lambda client: client.v1.invoice_items.delete(item),
            read=read,
            check=check,
        )
    except NotFound as error:
        if says_gone(error, item=item):
            raise
        raise not_about(error) from None
    return DeletionAnswer(item=written.fact, request_id=written.request_id)


def _expect(fields: Fields, key: str, *, agrees: bool) -> None:
    """An answer about another write than ours is no answer to ours."""
    if not agrees:
        raise fields.unreadable(key, expected="what was asked for")
