"""Stripe's events as hints: which types matter, whom they concern, and how long to wait before looking.

An event's payload is never trusted for a decision: it says whose facts to read again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Newly finalised invoices, ended subscriptions, moved balances, disputes, refunds. `GET /v1/events` takes 20 at most.
EVENT_TYPES = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refund.updated",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.deleted",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.voided",
    "refund.created",
    "refund.failed",
    "refund.updated",
)

# Of a customer whose balance changed: the one event that tells of credit by itself.
BALANCE_MOVED = "customer.updated"
REFUND_FAILED = "refund.failed"
# Its credit may wait in pending invoice items, of which no polled event tells.
SUBSCRIPTION_ENDED = "customer.subscription.deleted"

# What the poller asks for. Left out is what comes with every renewal, so that the cost of a night follows the changes,
# not the number of customers: whom such an event concerns has another one (a balance that moved), or is held and looked
# at each night anyway. Left out too is what doubles another event of the same refund.
POLLED_TYPES = tuple(
    kind
    for kind in EVENT_TYPES
    if kind
    not in {
        "charge.refund.updated",
        "customer.subscription.updated",
        "invoice.finalized",
        "invoice.paid",
        "refund.created",
    }
)

# Stripe keeps events for 30 days (docs.stripe.com/api/events/list): a longer gap can only be closed by a sweep.
EVENTS_KEPT_S = 30 * 24 * 3600


class EventSource(StrEnum):
    """How an event came here."""

    WEBHOOK = "webhook"
    POLL = "poll"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is kept of an event: ids and times, and of a customer's balance the credit, which only weighs a night.

    Attributes:
        id: evt_...
        created: Epoch seconds, Stripe's clock.
        customer: Whom it concerns; None where the payload does not say (a dispute names only its charge).
        charge: The charge it names, if any.
        refund: The refund that it is about, if any.
        credit_minor: The customer's credit per currency as the event tells it, positive minor units; None where it
            does not, as only `customer.updated` does.
    """

    id: str
    type: str
    created: int
    customer: str | None
    charge: str | None = None
    refund: str | None = None
    credit_minor: Mapping[str, int] | None = None
