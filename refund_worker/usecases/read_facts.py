"""Reads everything a decision about one customer needs: three lists, the balance transactions last."""

from collections.abc import Callable, Iterator

from refund_worker.domain.facts import (
    Charge,
    Customer,
    CustomerBalanceTransaction,
    CustomerFacts,
    Invoice,
    PendingItem,
)
from refund_worker.domain.mark_rest import mark_rests
from refund_worker.domain.window import enough
from refund_worker.ports import Clock, StripeGateway

_PAGE = 100  # Stripe's largest page: the first is always read whole


def read_facts(
    *,
    stripe: StripeGateway,
    clock: Clock,
    customer: Customer,
    pending_items: tuple[PendingItem, ...],
) -> CustomerFacts:
    """Read a customer's invoices, charges and balance transactions (decision 0003).

    Further reads happen only for a payment whose charge is not among the customer's, and for older pages of balance
    transactions while provenance has not reached its start.

    Raises:
        StripeError: If a list could not be read, or lacks what a decision needs.
    """
    return _facts(
        stripe,
        clock,
        customer=customer.id,
        pending_items=pending_items,
        last=lambda: (customer, stripe.customer_balance_transactions(customer.id)),
    )


def read_facts_of(
    *, stripe: StripeGateway, clock: Clock, customer: str, pending_items: tuple[PendingItem, ...]
) -> CustomerFacts:
    """Read the same of a customer of whom only the id is known: it comes with its balance transactions, last of all.

    Raises:
        NotFound: If there is no such customer.
        StripeError: If a list could not be read, or lacks what a decision needs.
    """
    return _facts(
        stripe, clock, customer=customer, pending_items=pending_items, last=lambda: stripe.statement(customer)
    )


def _facts(
    stripe: StripeGateway,
    clock: Clock,
    *,
    customer: str,
    pending_items: tuple[PendingItem, ...],
    last: Callable[[], tuple[Customer, Iterator[CustomerBalanceTransaction]]],
) -> CustomerFacts:
    invoices = stripe.invoices(customer)
    charges = with_charges_of_payments(stripe, invoices, stripe.charges(customer))
    read_at = clock.now()
    holder, rows = last()
    transactions, complete = _transactions(rows, invoices)
    return CustomerFacts(
        customer=holder,
        invoices=invoices,
        charges=charges,
        transactions=transactions,
        pending_items=pending_items,
        read_at=read_at,
        complete=complete,
    )


def _transactions(
    rows: Iterator[CustomerBalanceTransaction], invoices: tuple[Invoice, ...]
) -> tuple[tuple[CustomerBalanceTransaction, ...], bool]:
    by_id = {invoice.id: invoice for invoice in invoices}
    read: list[CustomerBalanceTransaction] = []
    for transaction in rows:
        if read and len(read) % _PAGE == 0 and _reaches_back(read, by_id):
            return tuple(read), False
        read.append(transaction)
    return tuple(read), True


def _reaches_back(read: list[CustomerBalanceTransaction], invoices: dict[str, Invoice]) -> bool:
    """Whether the lots of each currency can be told, and no give-back was read without the debit it names."""
    currencies = {transaction.currency for transaction in read}
    return all(enough(read, currency=currency, invoices=invoices) for currency in currencies) and not any(
        rest.incomplete for rest in mark_rests(read, ())
    )


def with_charges_of_payments(
    stripe: StripeGateway, invoices: tuple[Invoice, ...], charges: tuple[Charge, ...]
) -> tuple[Charge, ...]:
    """Add the charges that paid an invoice but are not listed under the customer (a payer other than the customer)."""
    known = {charge.id for charge in charges}
    known_intents = {charge.payment_intent for charge in charges if charge.status == "succeeded"}
    added: dict[str, Charge] = {}
    for payment in (payment for invoice in invoices for payment in invoice.payments if payment.status == "paid"):
        found: Charge | None = None
        if payment.charge is not None and payment.charge not in known:
            found = stripe.charge(payment.charge)
        elif payment.payment_intent is not None and payment.payment_intent not in known_intents:
            known_intents.add(payment.payment_intent)
            found = stripe.charge_of_payment_intent(payment.payment_intent)
        if found is not None and found.id not in known:
            known.add(found.id)
            added[found.id] = found
    return charges + tuple(added.values())
