"""Stripe's support article as a script, the way a merchant would write it: one customer after the other, one call each.

Read the balance, list the subscription's invoices with their payments, find each charge, refund it up to the credit,
newest first, and bring the balance back to zero. No ledger, no plan, no recovery.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import requests
import stripe

from refund_worker.sandbox import RateLimits, SandboxServer
from tests.bench.night import ENDPOINT_PER_SECOND, GLOBAL_PER_SECOND, LATENCY_MS, populated


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the script took for a sample."""

    credits: int
    calls: int
    wall_s: float

    @property
    def seconds_each(self) -> float:
        """Seconds a credit."""
        return self.wall_s / self.credits


def recipe(*, sample: int) -> Recipe:
    """Let the script refund so many credits, at the same latency and limits as the night's."""
    limits = RateLimits(global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND)
    sandbox = populated(sample, latency_ms=LATENCY_MS, limits=limits)
    known = {book.customer: "" for book in sandbox.books()}
    for plan in sandbox.world.store.all("subscription"):
        known[plan.fields["customer"]] = plan.id
    with SandboxServer(sandbox) as server, requests.Session() as session:
        client = stripe.StripeClient(
            "sk_test_sandbox",
            base_addresses={"api": server.base_url},
            http_client=stripe.RequestsClient(session=session),
        )
        begun = time.monotonic()
        _refund_all(client, known.items())
        wall_s = time.monotonic() - begun
    left = [book.customer for book in sandbox.books() if book.balance != 0]
    if left:
        raise RuntimeError(f"the script left {len(left)} of {sample} credits")
    return Recipe(credits=sample, calls=sandbox.log.per_status[200], wall_s=wall_s)


def _refund_all(client: stripe.StripeClient, subscriptions: Iterable[tuple[str, str]]) -> None:
    for customer, subscription in subscriptions:
        credit = -(client.v1.customers.retrieve(customer).balance or 0)
        if credit <= 0:
            continue
        left = credit
        for charge in _charges(client, subscription):
            amount = min(left, charge.amount_captured - charge.amount_refunded)
            if amount > 0:
                client.v1.refunds.create({"charge": charge.id, "amount": amount})
                left -= amount
            if not left:
                break
        client.v1.customers.balance_transactions.create(customer, {"amount": credit - left, "currency": "usd"})


def _charges(client: stripe.StripeClient, subscription: str) -> Iterable[stripe.Charge]:
    """The charges that paid the subscription's invoices, newest first."""
    invoices = client.v1.invoices.list({"subscription": subscription, "expand": ["data.payments"]})
    for invoice in invoices.data:
        for payment in invoice.payments.data if invoice.payments else ():
            intent = payment.payment.payment_intent
            if payment.status == "paid" and isinstance(intent, str):
                found = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
                if isinstance(found.latest_charge, stripe.Charge):
                    yield found.latest_charge
