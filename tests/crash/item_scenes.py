"""Small accounts whose credit waits in pending items of a subscription that has ended."""

from functools import partial
from typing import Any

from refund_worker.sandbox import Fault, Sandbox
from tests.crash.scenes import DAY_S, MOVEMENTS, SCENES, Scene, subscribed, with_fault

ITEMS = "/v1/invoiceitems/{invoiceitem}"
CREDIT = ("stripe.create_movement credit_items", "before")
DELETE = ("stripe.delete_item", "before")


def pending_items(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Every item that no invoice has taken."""
    found: list[dict[str, Any]] = sandbox.get("/v1/invoiceitems", {"pending": True})["data"]
    return found


def cancel_pending(sandbox: Sandbox, subscription: str) -> None:
    """Cancel, and leave the unused time as a pending item."""
    sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True})


def ended(sandbox: Sandbox, *, named: bool = False) -> None:
    """50.00 wait in one item, which names its subscription only where it is asked to."""
    _, subscription = subscribed(sandbox)
    sandbox.build.prorations(subscription, named=named)
    sandbox.clock.advance(15 * DAY_S)
    cancel_pending(sandbox, subscription)


def upgraded_and_ended(sandbox: Sandbox) -> None:
    """Two credits and a debit of one subscription wait; the sum is what the unused time was paid for."""
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(10 * DAY_S)
    item = sandbox.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]["id"]
    sandbox.post(f"/v1/subscriptions/{subscription}", {"items": [{"id": item, "quantity": 2}]})
    sandbox.clock.advance(5 * DAY_S)
    cancel_pending(sandbox, subscription)


def invoice_takes_them(sandbox: Sandbox) -> None:
    """Somebody bills the customer by hand: the invoice takes the items and books their credit on the balance."""
    sandbox.post(f"/v1/invoices/{_draft(sandbox)}/finalize")


def draft_takes_them(sandbox: Sandbox) -> None:
    """A draft that nobody finalises takes the items."""
    _draft(sandbox)


def _draft(sandbox: Sandbox) -> str:
    customer = sandbox.books()[0].customer
    subscription = sandbox.get("/v1/subscriptions", {"customer": customer, "status": "all"})["data"][0]["id"]
    draft = sandbox.post(
        "/v1/invoices",
        {"customer": customer, "subscription": subscription, "auto_advance": False},
    )
    return str(draft["id"])


def deleted_by_hand(sandbox: Sandbox) -> None:
    """Somebody deletes the newest item."""
    for item in pending_items(sandbox)[:1]:
        sandbox.delete(f"/v1/invoiceitems/{item['id']}")


def _fault(kind: Any, path: str, method: str, **more: Any) -> Fault:
    return Fault(kind=kind, method=method, path=path, **more)


ITEM_SCENES = (
    Scene("items", ended, balance=0, refunded=5_000),
    Scene("items_that_are_named", partial(ended, named=True), balance=0, refunded=5_000),
    Scene("items_of_an_upgrade", upgraded_and_ended, balance=0, refunded=3_334),
    Scene("items_invoiced_before_the_credit", ended, balance=0, refunded=5_000, event=invoice_takes_them, at=CREDIT),
    Scene("items_invoiced_before_the_deletion", ended, balance=0, refunded=5_000, event=invoice_takes_them, at=DELETE),
    Scene("items_drafted_before_the_look", ended, balance=0, refunded=0, event=draft_takes_them, at=CREDIT),
    Scene("items_deleted_by_hand", ended, balance=0, refunded=5_000, event=deleted_by_hand, at=DELETE),
    Scene(
        "items_credit_500",
        with_fault(ended, _fault("stored_500", MOVEMENTS, "POST")),
        balance=0,
        refunded=5_000,
    ),
    Scene(
        "items_credit_500_made",
        with_fault(ended, _fault("stored_500", MOVEMENTS, "POST", executed=True)),
        balance=0,
        refunded=5_000,
    ),
    Scene(
        "items_deletion_refused_once",
        with_fault(ended, _fault("refused", ITEMS, "DELETE")),
        balance=0,
        refunded=5_000,
    ),
    Scene(
        "items_correction_500_made",
        with_fault(ended, _fault("stored_500", MOVEMENTS, "POST", nth=2, executed=True)),
        balance=0,
        refunded=5_000,
        event=invoice_takes_them,
        at=DELETE,
    ),
)

ALL_SCENES = (*SCENES, *ITEM_SCENES)
