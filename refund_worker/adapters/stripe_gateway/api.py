"""`StripeApi`: the gateway to Stripe."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import stripe
import structlog
from stripe import _util as vendor_log

from refund_worker.adapters.stripe_gateway import (
    balance,
    charges,
    customers,
    disputes,
    events,
    invoices,
    items,
    subscriptions,
    writes,
)
from refund_worker.adapters.stripe_gateway.accounts import read_account
from refund_worker.adapters.stripe_gateway.calls import Calls, OnCall
from refund_worker.adapters.stripe_gateway.probes import StripeProbe
from refund_worker.adapters.stripe_gateway.redaction import one_line
from refund_worker.adapters.stripe_gateway.transport import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    Door,
    Session,
    is_this_machine,
)
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
from refund_worker.ports import Clock, RateLimiter

API_VERSION = "2026-10-28.endive"
API_BASE = "https://api.stripe.com"
NOTICES_MAX = 16
_KEY = re.compile(r"(?:sk|rk)_(live|test)_[A-Za-z0-9_]+")

log = structlog.get_logger(__name__)


class StripeApi:
    """One account of Stripe's, seen with one key. Implements `ports.StripeGateway`; its threads may share it.

    Reads are tried up to four times, writes once: the case decides whether and when a write is sent again.
    """

    def __init__(
        self,
        *,
        api_key: str,
        limiter: RateLimiter,
        clock: Clock,
        api_base: str | None = None,
        http_client: stripe.HTTPClient | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        on_call: OnCall = lambda *_: None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            api_key: A secret (`sk_`) or restricted (`rk_`) key; its prefix tells the mode.
            limiter: Asked before each call.
            clock: Waits between two tries of a read.
            api_base: Another address than Stripe's, for the sandbox.
            http_client: Another transport than HTTP, for tests.
            connect_timeout_s: Seconds until a connection stands.
            read_timeout_s: Seconds of silence after which an answer is given up.
            on_call: Told of each call that was sent, for the counters.

        Raises:
            ValueError: If the key or the address is malformed; one line that does not show the key.
        """
        livemode = _livemode(api_key)
        base = _base(api_base or API_BASE, livemode=livemode)
        _silence_vendor()
        self._session = Session(base) if http_client is None else None
        self._notices: set[str] = set()
        http = http_client or stripe.RequestsClient(timeout=(connect_timeout_s, read_timeout_s), session=self._session)
        door = Door(http, on_notice=self._notice)
        client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": base},
            max_network_retries=0,
            http_client=door,
        )
        self._calls = Calls(
            client=client, door=door, base=base, livemode=livemode, limiter=limiter, clock=clock, on_call=on_call
        )
        self._livemode = livemode
        self._customers = customers.Customers(self._calls)

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    @property
    def probe(self) -> StripeProbe:
        """What `doctor` asks."""
        return StripeProbe(self._calls)

    def account(self) -> Account:
        """The account and mode of the key."""
        return read_account(self._calls, livemode=self._livemode)

    def customers(self, *, after: str | None = None) -> Iterator[Customer]:
        """Every customer, or those behind one, streamed page by page; never all in memory."""
        return self._customers.all(after=after)

    def customer(self, customer: str) -> Customer:
        """One customer, also a deleted one. Raises NotFound."""
        return self._customers.one(customer)

    def invoices(self, customer: str) -> tuple[Invoice, ...]:
        """Every invoice of the customer in all statuses, newest first, with all lines and payments."""
        return invoices.all_invoices(self._calls, customer=customer)

    def charges(self, customer: str) -> tuple[Charge, ...]:
        """Every charge of the customer, newest first, with all refunds."""
        return charges.all_charges(self._calls, customer=customer)

    def charge(self, charge: str) -> Charge:
        """One charge with all its refunds. Raises NotFound."""
        return charges.one_charge(self._calls, charge=charge)

    def charge_of_payment_intent(self, payment_intent: str) -> Charge | None:
        """The charge that paid a payment intent, or None where none did."""
        return charges.charge_of_payment_intent(self._calls, payment_intent=payment_intent)

    def customer_balance_transactions(self, customer: str) -> Iterator[CustomerBalanceTransaction]:
        """The movements on the customer's balance, newest first; a page is read when its first row is asked for."""
        return customers.movements(self._calls, customer=customer)

    def statement(self, customer: str) -> tuple[Customer, Iterator[CustomerBalanceTransaction]]:
        """The customer and the movements on its balance, newest first, in one call; also a deleted one."""
        return self._customers.statement(customer)

    def refund(self, refund: str) -> Refund:
        """One refund. Raises NotFound."""
        return charges.one_refund(self._calls, refund=refund)

    def refunds(self, charge: str) -> tuple[Refund, ...]:
        """Every refund of a charge, newest first."""
        return charges.all_refunds(self._calls, charge=charge)

    def pending_items(self, customer: str | None = None) -> Iterator[PendingItem]:
        """The pending invoice items of a customer, or of the whole account."""
        return items.pending_items(self._calls, customer=customer)

    def item(self, item: str) -> ItemNow:
        """One invoice item as it is now; gone where Stripe does not know it (any more)."""
        return items.one_item(self._calls, item=item)

    def subscription(self, subscription: str) -> Subscription:
        """One subscription, also an ended one. Raises NotFound."""
        return subscriptions.one_subscription(self._calls, subscription=subscription)

    def subscriptions(self, customer: str) -> tuple[Subscription, ...]:
        """Every subscription of the customer, ended ones too."""
        return subscriptions.all_subscriptions(self._calls, customer=customer)

    def disputes(self, charge: str) -> tuple[Dispute, ...]:
        """Every dispute and inquiry about a charge, newest first."""
        return disputes.all_disputes(self._calls, charge=charge)

    def available(self) -> Mapping[str, int]:
        """Our own Stripe account's available balance per currency, minor units, also below zero."""
        return balance.available(self._calls)

    def events(self, *, since: int, until: int | None = None) -> Iterator[Event]:
        """The events of `POLLED_TYPES`, created from `since` to `until` (both included), newest first."""
        return events.events(self._calls, since=since, until=until)

    def customer_of_charge(self, charge: str) -> str | None:
        """Whose charge it is; None where it is nobody's. Raises NotFound."""
        return events.customer_of_charge(self._calls, charge=charge)

    def changed_customers(self, *, since: int) -> Iterator[str]:
        """Customers whose balance changed, or whose refund failed or was canceled, since then (30 days at most)."""
        return events.changed_customers(self._calls, since=since)

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
        return writes.create_movement(
            self._calls,
            customer=customer,
            amount_minor=amount_minor,
            currency=currency,
            description=description,
            metadata=metadata,
            key=key,
            check=check,
        )

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
        return writes.create_refund(
            self._calls, charge=charge, amount_minor=amount_minor, metadata=metadata, key=key, check=check
        )

    def delete_item(self, *, item: str, check: Callable[[], None]) -> DeletionAnswer:
        """Delete a pending invoice item. Raises NotFound where it is gone already, Rejected where an invoice has it."""
        return writes.delete_item(self._calls, item=item, check=check)

    def _notice(self, text: str) -> None:
        """Log what Stripe wants its users to know; each notice once."""
        if text not in self._notices and len(self._notices) < NOTICES_MAX:
            self._notices.add(text)
            log.warning("stripe_notice", text=one_line(text))


def _livemode(api_key: str) -> bool:
    found = _KEY.fullmatch(api_key)
    if found is None:
        raise ValueError(
            "the Stripe key must be a secret or restricted one: sk_live_, sk_test_, rk_live_ or rk_test_..."
        )
    return found[1] == "live"


def _base(address: str, *, livemode: bool) -> str:
    """The address without its last slash, which the vendor's client would double."""
    try:
        parts = urlsplit(address)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    else:
        valid = valid and not (parts.username or parts.password or parts.query or parts.fragment)
    if not valid or address != "".join(address.split()):
        raise ValueError("the address of the Stripe API must look like https://api.stripe.com or http://127.0.0.1:8420")
    if livemode and parts.scheme == "http" and not is_this_machine(address):
        raise ValueError("a live key is sent over https only")
    return address.rstrip("/")


def _silence_vendor() -> None:
    """No telemetry, and no log lines of the vendor's: at level debug they hold whole answers, names included."""
    stripe.enable_telemetry = False
    logging.getLogger("stripe").setLevel(logging.WARNING)
    vendor_log.STRIPE_LOG = None  # the environment's STRIPE_LOG=debug would print them to standard error
