"""Reads everything a decision about one customer needs: three lists, the balance transactions last."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from refund_worker.domain.attribution import has_unnamed_lines, invoices_attributed, is_unnamed, items_attributed
from refund_worker.domain.balances import stated_credits
from refund_worker.domain.carried import items_to_look_at
from refund_worker.domain.errors import NotFound
from refund_worker.domain.facts import (
    Charge,
    Customer,
    CustomerBalanceTransaction,
    CustomerFacts,
    Invoice,
    ItemNow,
    PendingItem,
    Subscription,
)
from refund_worker.domain.mark_rest import mark_rests
from refund_worker.domain.pending_items import subscriptions_to_read
from refund_worker.domain.window import enough
from refund_worker.ports import StripeGateway
from refund_worker.usecases.world import World

_PAGE = 100  # Stripe's largest page: the first is always read whole


def read_facts(world: World, *, customer: Customer, pending_items: bool) -> CustomerFacts:
    """Read a customer's invoices, charges and balance transactions (decision 0003).

    Further reads happen only for what these point to: a payment whose charge is not among the customer's, older pages
    of balance transactions while provenance has not reached its start, disputes of charges that were disputed, and the
    pending items with their subscriptions: all of the customer's where a proration does not name its own.

    Args:
        customer: As it was read.
        pending_items: Whether there may be any; they are listed then.

    Raises:
        StripeError: If a list could not be read, or lacks what a decision needs.
    """
    stripe = world.stripe
    return _facts(
        world,
        customer=customer.id,
        pending_items=pending_items,
        last=lambda: (customer, stripe.customer_balance_transactions(customer.id)),
    )


def read_facts_of(world: World, *, customer: str, pending_items: bool) -> CustomerFacts:
    """Read the same of a customer of whom only the id is known: it comes with its balance transactions, last of all.

    Raises:
        NotFound: If there is no such customer.
        StripeError: If a list could not be read, or lacks what a decision needs.
    """
    return _facts(world, customer=customer, pending_items=pending_items, last=lambda: world.stripe.statement(customer))


def read_statement_again(world: World, facts: CustomerFacts) -> CustomerFacts:
    """The same facts with the customer and the balance transactions read anew, in one call.

    `read_at` stays: what else was read is as old as before.

    Raises:
        StripeError: If the statement could not be read.
    """
    holder, rows = world.stripe.statement(facts.customer.id)
    transactions, complete = _transactions(rows, facts.invoices, holder)
    return replace(
        facts,
        customer=holder,
        transactions=transactions,
        complete=complete,
        items_now=_items_now(world, transactions),
    )


def _facts(
    world: World,
    *,
    customer: str,
    pending_items: bool,
    last: Callable[[], tuple[Customer, Iterator[CustomerBalanceTransaction]]],
) -> CustomerFacts:
    stripe = world.stripe
    invoices = stripe.invoices(customer)
    charges = with_charges_of_payments(stripe, invoices, stripe.charges(customer))
    charges = tuple(_with_disputes(stripe, charge) for charge in charges)
    read_at = world.clock.now()
    holder, rows = last()
    transactions, complete = _transactions(rows, invoices, holder)
    # Listed after the movements: what an invoice takes meanwhile is in neither, never counted twice.
    items = tuple(stripe.pending_items(customer)) if pending_items and not holder.deleted else ()
    subscriptions = _all_subscriptions(world, customer, invoices, items)
    items = items_attributed(items, subscriptions.values())
    return CustomerFacts(
        customer=holder,
        invoices=invoices_attributed(invoices, subscriptions.values()),
        charges=charges,
        transactions=transactions,
        pending_items=items,
        read_at=read_at,
        complete=complete,
        subscriptions=_with_those_of_items(stripe, subscriptions, items),
        items_now=_items_now(world, transactions),
    )


def _with_disputes(stripe: StripeGateway, charge: Charge) -> Charge:
    return replace(charge, disputes=stripe.disputes(charge.id)) if charge.disputed else charge


def _all_subscriptions(
    world: World, customer: str, invoices: tuple[Invoice, ...], items: tuple[PendingItem, ...]
) -> dict[str, Subscription]:
    """All of the customer's, where the policy asks whether they go on or a proration does not name its own."""
    unnamed = any(is_unnamed(item) for item in items) or any(has_unnamed_lines(invoice) for invoice in invoices)
    if world.policy.while_active != "leave" and not unnamed:
        return {}
    return {one.id: one for one in world.stripe.subscriptions(customer)}


def _with_those_of_items(
    stripe: StripeGateway, known: Mapping[str, Subscription], items: tuple[PendingItem, ...]
) -> dict[str, Subscription]:
    """With those whose state decides about pending items."""
    found = dict(known)
    for wanted in subscriptions_to_read(items):
        # One that Stripe does not know stays out: nothing says that it has ended.
        with suppress(NotFound):
            found[wanted] = found.get(wanted) or stripe.subscription(wanted)
    return found


def _items_now(world: World, transactions: tuple[CustomerBalanceTransaction, ...]) -> dict[str, ItemNow]:
    """The items of conversions that may not be finished, looked at after the movements that moved them."""
    return {item: world.stripe.item(item) for item in items_to_look_at(transactions, now=world.clock.now())}


def _transactions(
    rows: Iterator[CustomerBalanceTransaction], invoices: tuple[Invoice, ...], holder: Customer
) -> tuple[tuple[CustomerBalanceTransaction, ...], bool]:
    """The movements as far back as needed, and whether they are all; also those of a currency long not moved."""
    by_id = {invoice.id: invoice for invoice in invoices}
    stated = frozenset(stated_credits(holder))
    read: list[CustomerBalanceTransaction] = []
    for transaction in rows:
        if read and len(read) % _PAGE == 0 and _reaches_back(read, by_id, stated):
            return tuple(read), False
        read.append(transaction)
    return tuple(read), True


def _reaches_back(read: list[CustomerBalanceTransaction], invoices: dict[str, Invoice], stated: frozenset[str]) -> bool:
    """Whether the lots of each currency can be told, and no give-back was read without the debit it names."""
    currencies = stated | {transaction.currency for transaction in read}
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
