"""Customers that something happened to, by the events of the last 30 days."""

from collections.abc import Iterator

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.errors import NotFound

_REFUND_EVENTS = ("refund.failed", "refund.updated", "charge.refund.updated")
TYPES = ["customer.updated", *_REFUND_EVENTS]
_BALANCES = ("balance", "invoice_credit_balance")


def changed_customers(calls: Calls, *, since: int) -> Iterator[str]:
    """Customers whose balance changed, or whose refund failed or was canceled, since then; each of them once.

    An event is a hint, in the API version of its own day; what it lacks is read from the charge.
    """
    seen: set[str] = set()
    owners: dict[str, str | None] = {}
    for event in calls.rows("/v1/events", kind="event", types=TYPES, created={"gte": since}):
        customer = _customer_of(calls, event, owners)
        if customer is not None and customer not in seen:
            seen.add(customer)
            yield customer


def _customer_of(calls: Calls, event: Fields, owners: dict[str, str | None]) -> str | None:
    content = event.inner("data")
    changed = content.inner("object")
    if event.text("type") == "customer.updated":
        before = content.inner_or_none("previous_attributes")
        moved = before is not None and any(before.has(key) for key in _BALANCES)
        return changed.text("id") if moved else None
    if changed.text_or_none("status") not in {"failed", "canceled"}:
        return None
    return changed.reference("customer") or _owner(calls, changed.reference("charge"), owners)


def _owner(calls: Calls, charge: str | None, owners: dict[str, str | None]) -> str | None:
    """Whose charge it is; a refund of older API versions does not say."""
    if charge is None:
        return None
    if charge not in owners:
        try:
            owners[charge] = calls.get("/v1/charges/{}", charge, kind="charge", asked=charge).reference("customer")
        except NotFound:
            owners[charge] = None
    return owners[charge]
