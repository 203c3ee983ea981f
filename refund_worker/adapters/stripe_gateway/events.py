"""Stripe's events: whom each concerns, and what it names. A webhook's payload is read by the same code.

An event is a hint in the API version of its own day: only ids are kept, and what it lacks is read from the charge. Of a
customer's balance the credit is kept too: it weighs a night before money moves, and nothing is ever refunded by it.
"""

from collections.abc import Iterator, Mapping

import structlog

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.errors import NotFound, UnreadableAnswer
from refund_worker.domain.events import EVENT_TYPES, POLLED_TYPES, Event

_REFUND_EVENTS = ("refund.failed", "refund.updated", "charge.refund.updated")
_CHANGES = ["customer.updated", *_REFUND_EVENTS]
_BALANCES = ("balance", "invoice_credit_balance")

log = structlog.get_logger(__name__)


def event_of(fields: Fields) -> Event | None:
    """What is kept of an event object; None where it is of no use.

    Of no use is another type, an update of a customer whose balance stayed, and one that left no credit: each of our
    own reserves brings such an event, and whoever gets credit later has a later event.

    Raises:
        UnreadableAnswer: If it lacks an id, a type, a time, or what it is about.
    """
    if fields.text("type") == "customer.updated" and _leaves_no_credit(fields.inner("data")):
        return None
    return _read(fields)


def _read(fields: Fields) -> Event | None:
    kind = fields.text("type")
    if kind not in EVENT_TYPES:
        return None
    content = fields.inner("data")
    about = content.inner("object")
    refund = charge = None
    if kind.startswith("customer.") and not kind.startswith("customer.subscription."):
        if kind == "customer.updated" and not _moved(content):
            return None
        customer: str | None = about.text("id")
    else:
        customer, charge = about.reference("customer"), about.reference("charge")
        refund = about.text("id") if kind.startswith(("refund.", "charge.refund.")) else None
    if customer is None and charge is None:
        return None
    return Event(
        id=fields.text("id"),
        type=kind,
        created=fields.number("created"),
        customer=customer,
        charge=charge,
        refund=refund,
        credit_minor=_credit(about) if kind == "customer.updated" else None,
    )


def _credit(customer: Fields) -> Mapping[str, int] | None:
    """The credit in the customer's own currency, positive; of the others an event does not tell."""
    balance, currency = customer.number_or_none("balance"), customer.text_or_none("currency")
    return None if balance is None or currency is None or balance >= 0 else {currency: -balance}


def events(calls: Calls, *, since: int, until: int | None) -> Iterator[Event]:
    """The events of `POLLED_TYPES`, created from `since` to `until` (both included), newest first, page by page.

    One that cannot be read is logged and passed over: it must not keep the others from being read.
    """
    created = {"gte": since} | ({} if until is None else {"lte": until})
    for row in calls.rows("/v1/events", kind="event", types=list(POLLED_TYPES), created=created):
        try:
            event = event_of(row)
        except UnreadableAnswer as error:
            log.warning("event_unreadable", detail=str(error))
            continue
        if event is not None:
            yield event


def changed_customers(calls: Calls, *, since: int) -> Iterator[str]:
    """Customers whose balance changed, or whose refund failed or was canceled, since then; each of them once."""
    seen: set[str] = set()
    owners: dict[str, str | None] = {}
    for row in calls.rows("/v1/events", kind="event", types=_CHANGES, created={"gte": since}):
        event = _read(row)
        if event is None or (event.refund is not None and not _refund_failed(row)):
            continue
        customer = event.customer or _owner(calls, event.charge, owners)
        if customer is not None and customer not in seen:
            seen.add(customer)
            yield customer


def _moved(content: Fields) -> frozenset[str]:
    """Which of the customer's balances changed."""
    before = content.inner_or_none("previous_attributes")
    return frozenset(key for key in _BALANCES if before is not None and before.has(key))


def _leaves_no_credit(content: Fields) -> bool:
    balance = content.inner("object").number_or_none("balance")
    return _moved(content) == {"balance"} and balance is not None and balance >= 0


def _refund_failed(event: Fields) -> bool:
    return event.inner("data").inner("object").text_or_none("status") in {"failed", "canceled"}


def _owner(calls: Calls, charge: str | None, owners: dict[str, str | None]) -> str | None:
    """Whose charge it is; a refund of older API versions does not say."""
    if charge is None:
        return None
    if charge not in owners:
        try:
            owners[charge] = customer_of_charge(calls, charge=charge)
        except NotFound:
            owners[charge] = None
    return owners[charge]


def customer_of_charge(calls: Calls, *, charge: str) -> str | None:
    """Whose charge it is; None where it is nobody's. Raises NotFound."""
    return calls.get("/v1/charges/{}", charge, kind="charge", asked=charge).reference("customer")
