"""Builders for what Stripe's API cannot easily make: old, foreign and odd payments, other kinds of movements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox.billing import attaching, credit, payments
from refund_worker.sandbox.resources import payment_methods, webhook_endpoints
from refund_worker.sandbox.resources.customers import fresh_fields
from refund_worker.sandbox.webhooks.listening import address

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from refund_worker.sandbox.store import Fields
    from refund_worker.sandbox.world import World


class Builders:
    """Test-only ways to make objects. Dates are the clock's: advance it between acts to live through months."""

    def __init__(self, world: World, lock: threading.RLock) -> None:
        self._world = world
        self._lock = lock

    def payment_method(
        self, customer: str, *, kind: str = "card", outcome: str = "succeeds", destination: str | None = None
    ) -> Fields:
        """How the customer pays from now on.

        Args:
            kind: `card`, `sepa_debit`, `klarna`, ... as `payment_method_details.type` says it.
            outcome: `succeeds`, `fails`, `pending`, or `waits`: invoices stay open until they are paid by hand.
            destination: A connected account that gets the money (Connect).
        """
        with self._lock:
            owner = self._world.store["customer", customer]
            return payment_methods.make(
                self._world, customer=owner, kind=kind, outcome=outcome, destination=destination
            ).fields

    def charge(
        self,
        customer: str,
        *,
        amount: int,
        currency: str = "usd",
        outcome: str = "succeeds",
        captured: int | None = None,
        legacy: bool = False,
        destination: str | None = None,
        method: str | None = None,
        refundable: bool = True,
    ) -> Fields:
        """A payment of its own, with a PaymentIntent unless it is `legacy`.

        Args:
            amount: Minor units.
            captured: Minor units captured; None for all of it, 0 for an authorization.
            refundable: False for one that refuses refunds (`charge_not_refundable`).
        """
        with self._lock:
            world = self._world
            intent = None
            if not legacy:
                intent = payments.intent(world, customer=customer, amount=amount, currency=currency, description=None)
            return payments.charge(
                world, customer=customer, amount=amount, currency=currency, payment_intent=intent, outcome=outcome,
                captured=captured, destination=destination, method_type=method,
                hidden={} if refundable else {"not_refundable": True},
            ).fields  # fmt: skip

    def pay(self, invoice: str, *, charge: str | None = None, amount: int | None = None) -> Fields:
        """Let a charge, or a payment record where none is named, pay an open invoice, wholly or in part.

        Several charges may pay one invoice and one charge several invoices; a legacy charge shows as such.
        """
        with self._lock:
            world = self._world
            if charge is None:
                payment: Fields = {"payment_record": world.ids.take("pr"), "type": "payment_record"}
            else:
                intent = world.store["charge", charge].fields["payment_intent"]
                payment = {"payment_intent": intent, "type": "payment_intent"}
                if intent is None:
                    payment = {"charge": charge, "type": "charge"}
            record = world.store["invoice", invoice]
            return attaching.attach(world, invoice=record, payment=payment, amount=amount).fields

    def movement(
        self,
        customer: str,
        *,
        amount: int,
        kind: str,
        currency: str = "usd",
        invoice: str | None = None,
        description: str | None = None,
    ) -> Fields:
        """A customer balance transaction of any type (`initial`, `migration`, ...); negative gives credit."""
        with self._lock:
            return credit.move(
                self._world, customer=customer, currency=currency, amount=amount, kind=kind, invoice=invoice,
                description=description,
            ).fields  # fmt: skip

    def prorations(
        self, subscription: str, *, credited: bool = True, named: bool = False, draft: bool = False
    ) -> Fields:
        """How Stripe words and invoices a subscription's prorations from now on.

        Args:
            credited: False for older ones: they do not say which lines they credit.
            named: The items of a cancellation without an invoice name their subscription and what they credit, as
                documented; as recorded of 2026-08-26.dahlia they name neither.
            draft: A cancellation's invoice is a draft for an hour, as recorded of 2026-08-26.dahlia.
        """
        with self._lock:
            record = self._world.store["subscription", subscription]
            habits = {"credited": credited, "named": named, "draft": draft}
            return self._world.store.change(record, {"prorations": habits}).fields

    def webhook_endpoint(
        self, url: str, *, secret: str | None = None, enabled_events: Sequence[str] = ("*",)
    ) -> Fields:
        """An endpoint whose secret is known beforehand; the answer shows it.

        Raises:
            ValueError: If `url` is not plain http to this machine.
        """
        address(url)
        with self._lock:
            made = webhook_endpoints.make(self._world, url=url, secret=secret, enabled_events=enabled_events)
            return {**made.fields, "secret": made.hidden["secret"]}

    def customers(self, count: int) -> None:
        """Many customers without a history; each is made when it is read, so they cost almost no memory."""
        with self._lock:
            world = self._world
            make = _derived(now=world.now, livemode=world.settings.livemode)
            first = world.ids.reserve(count)
            for number in range(first, first + count):
                world.store.derive("customer", world.ids.at("cus", number), make)

    def call(self, name: str, arguments: dict[str, Any]) -> Fields | None:
        """A builder by its name, for those who come over HTTP.

        Raises:
            KeyError: If there is no such builder.
        """
        known: dict[str, Callable[..., Fields | None]] = {
            "payment_method": self.payment_method,
            "charge": self.charge,
            "pay": self.pay,
            "movement": self.movement,
            "customers": self.customers,
            "prorations": self.prorations,
            "webhook_endpoint": self.webhook_endpoint,
        }
        return known[name](**arguments)


def _derived(*, now: int, livemode: bool) -> Callable[[str, int], Fields]:
    def make(identifier: str, seq: int) -> Fields:
        fields = fresh_fields(identifier, now=now, livemode=livemode)
        return {**fields, "email": f"customer-{seq}@example.com", "name": f"Customer {seq}"}

    return make
