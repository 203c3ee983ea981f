"""The two writes: a movement on a customer's balance, and a refund. Each is sent once, with the caller's key."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from refund_worker.adapters.stripe_gateway.calls import Calls, Written
from refund_worker.adapters.stripe_gateway.charges import read_refund
from refund_worker.adapters.stripe_gateway.customers import read_movement
from refund_worker.domain.errors import UnreadableAnswer
from refund_worker.domain.facts import CustomerBalanceTransaction, MovementAnswer, Refund, RefundAnswer

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
    written = calls.post(
        "/v1/customers/{}/balance_transactions",
        customer,
        kind="customer_balance_transaction",
        send=lambda client: client.v1.customers.balance_transactions.create(customer, params, {"idempotency_key": key}),
    )
    try:
        movement: CustomerBalanceTransaction = read_movement(written.object, customer=customer)
        _expect(movement.amount_minor == amount_minor, written, "amount")
        _expect(movement.currency == currency, written, "currency")
    except UnreadableAnswer as error:
        error.request_id = written.request_id
        raise
    return MovementAnswer(transaction=movement, request_id=written.request_id, replayed=written.replayed)


def create_refund(
    calls: Calls, *, charge: str, amount_minor: int, metadata: Mapping[str, str], key: str
) -> RefundAnswer:
    """Refund a positive amount over a charge, in the charge's currency.

    No `reason` is sent: `fraudulent` would put the card on a block list, the others say nothing that the mark does not.

    Raises:
        StripeError: Of one of the families; an answer about another refund than this one is an OutcomeUnknown.
        ValueError: If the amount is not above zero; nothing is sent. (Stripe would take a missing amount for "all".)
    """
    if amount_minor <= 0:
        raise ValueError("a refund is above zero")
    params: RefundCreateParams = {"charge": charge, "amount": amount_minor, "metadata": dict(metadata)}
    written = calls.post(
        "/v1/refunds",
        kind="refund",
        send=lambda client: client.v1.refunds.create(params, {"idempotency_key": key}),
    )
    try:
        refund: Refund = read_refund(written.object, charge=charge)
        _expect(refund.amount_minor == amount_minor, written, "amount")
    except UnreadableAnswer as error:
        error.request_id = written.request_id
        raise
    return RefundAnswer(refund=refund, request_id=written.request_id, replayed=written.replayed)


def _expect(agrees: bool, written: Written, key: str) -> None:  # noqa: FBT001 - an assertion's condition
    if not agrees:
        raise written.object.unreadable(key, expected="what was asked for")
