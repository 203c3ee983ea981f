"""What the program can do at Stripe."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from refund_worker.domain.events import Event
from refund_worker.domain.facts import (
    Account,
    Charge,
    Customer,
    CustomerBalanceTransaction,
    DeletionAnswer,
    Dispute,
    Invoice,
    ItemNow,
    MovementAnswer,
    PendingItem,
    Refund,
    RefundAnswer,
    Subscription,
)


class StripeGateway(Protocol):
    """Stripe. Reads return facts, every page read; writes return an answer. Both raise the `StripeError` families.

    A write's `check` is called once, when nothing is left to wait for, right before the request goes out. What it
    raises passes through unchanged, and nothing is sent.
    """

    def account(self) -> Account:
        """The account and mode of the key."""

    def customers(self, *, after: str | None = None) -> Iterator[Customer]:
        """Every customer, or those behind one, streamed page by page; never all in memory."""

    def customer(self, customer: str) -> Customer:
        """One customer, also a deleted one. Raises NotFound."""

    def invoices(self, customer: str) -> tuple[Invoice, ...]:
        """Every invoice of the customer in all statuses, newest first, with all lines and payments."""

    def charges(self, customer: str) -> tuple[Charge, ...]:
        """Every charge of the customer, newest first, with all refunds."""

    def charge(self, charge: str) -> Charge:
        """One charge with all its refunds. Raises NotFound."""

    def charge_of_payment_intent(self, payment_intent: str) -> Charge | None:
        """The charge that paid a payment intent, or None where none did."""

    def customer_balance_transactions(self, customer: str) -> Iterator[CustomerBalanceTransaction]:
        """The movements on the customer's balance, newest first; a page is read when its first row is asked for."""

    def statement(self, customer: str) -> tuple[Customer, Iterator[CustomerBalanceTransaction]]:
        """The customer and the movements on its balance, newest first, in one call; also a deleted one.

        Raises NotFound.
        """

    def refund(self, refund: str) -> Refund:
        """One refund. Raises NotFound."""

    def refunds(self, charge: str) -> tuple[Refund, ...]:
        """Every refund of a charge, newest first."""

    def pending_items(self, customer: str | None = None) -> Iterator[PendingItem]:
        """The pending invoice items of a customer, or of the whole account."""

    def item(self, item: str) -> ItemNow:
        """One invoice item as it is now; gone where Stripe does not know it (any more)."""

    def subscription(self, subscription: str) -> Subscription:
        """One subscription, also an ended one. Raises NotFound."""

    def subscriptions(self, customer: str) -> tuple[Subscription, ...]:
        """Every subscription of the customer, ended ones too."""

    def disputes(self, charge: str) -> tuple[Dispute, ...]:
        """Every dispute and inquiry about a charge, newest first."""

    def available(self) -> Mapping[str, int]:
        """Our own Stripe account's available balance per currency, minor units, also below zero: what refunds draw on.

        What is set aside for refunds and disputes (prefunding) counts too.
        """

    def events(self, *, since: int, until: int | None = None) -> Iterator[Event]:
        """The events of `POLLED_TYPES`, created from `since` to `until` (both included), newest first."""

    def customer_of_charge(self, charge: str) -> str | None:
        """Whose charge it is; None where it is nobody's. Raises NotFound."""

    def changed_customers(self, *, since: int) -> Iterator[str]:
        """Customers whose balance changed or whose refund failed, by the events since then; may repeat."""

    def create_movement(
        self,
        *,
        customer: str,
        amount_minor: int,
        currency: str,
        description: str,
        metadata: Mapping[str, str],
        key: str,
        check: Callable[[], None],
    ) -> MovementAnswer:
        """Create a customer balance transaction. `amount_minor` has Stripe's sign: positive = debit."""

    def create_refund(
        self,
        *,
        charge: str,
        amount_minor: int,
        metadata: Mapping[str, str],
        key: str,
        check: Callable[[], None],
    ) -> RefundAnswer:
        """Refund a positive amount over a charge."""

    def delete_item(self, *, item: str, check: Callable[[], None]) -> DeletionAnswer:
        """Delete a pending invoice item; sent without a key: deleted twice is deleted once.

        Raises:
            NotFound: If there is no such item (any more); a definite answer: it is gone.
            Rejected: If an invoice has it.
        """
