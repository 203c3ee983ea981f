"""Scenes: what many customers do at one moment, through Stripe's own API, so that events and webhooks follow."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refund_worker.sandbox.sandbox import Sandbox


def cancel_subscriptions(sandbox: Sandbox, *, count: int, invoice: bool = True) -> list[dict[str, str]]:
    """Cancel the `count` oldest active subscriptions now, the unused time credited.

    Other requests come in between.

    Args:
        invoice: Whether the credit is invoiced at once; else it is left in pending items.

    Returns:
        `subscription` and `customer` of each, in the order they were cancelled; fewer if there are no more.
    """
    with sandbox.lock:
        active = (found for found in sandbox.world.store.all("subscription") if found.fields["status"] == "active")
        chosen = [(found.id, found.fields["customer"]) for found in islice(active, count)]
    for subscription, _ in chosen:
        sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True, "invoice_now": invoice})
    return [{"subscription": subscription, "customer": customer} for subscription, customer in chosen]
