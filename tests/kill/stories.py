"""The customers of a night: every step and every way a case can go, with what their money must be in the morning."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from refund_worker.sandbox import Books, Sandbox, Snapshot
from tests.crash import item_scenes, scenes

DAYS_PAID = 3  # nine tenths of the month become credit: it takes several charges
GOODWILL = 2_000
BY_HAND = 6_000


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What others do just before the first write of a kind of a customer is executed."""

    happens: Callable[[Sandbox, str], None]
    before: str = "reserve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One kind of customer.

    Attributes:
        price: Of a month, minor units.
        paid_by: The charges that paid it, minor units, oldest first; None = one charge of the whole.
        refundable: What the charges can give back in the end, minor units.
        kept: Goodwill that stays on the balance, minor units.
        moved: What others take of the credit that the cancellation left, minor units.
        by_hand: What others refund, minor units.
        euros: Credit of another subscription, in EUR and all of it over one charge, minor units.
        waits: All that cancellations credit waits in pending items of the subscriptions that have ended.
        doubled: Two seats instead of one, not invoiced, right before it ends: two more pending items, one a debit.
    """

    price: int
    paid_by: tuple[int, ...] | None = None
    refundable: int
    kept: int = 0
    moved: int = 0
    by_hand: int = 0
    euros: int = 0
    waits: bool = False
    doubled: bool = False
    event: Meanwhile | None = None


def _dispute(sandbox: Sandbox, customer: str) -> None:
    newest = sandbox.get("/v1/charges", {"customer": customer, "limit": 1})["data"][0]["id"]
    sandbox.control.dispute(newest)


def _refund_by_hand(sandbox: Sandbox, customer: str) -> None:
    newest = sandbox.get("/v1/charges", {"customer": customer, "limit": 1})["data"][0]["id"]
    sandbox.post("/v1/refunds", {"charge": newest, "amount": BY_HAND})


def _use_credit(sandbox: Sandbox, customer: str) -> None:
    sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": GOODWILL, "currency": "usd"})
    invoice = sandbox.post("/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    sandbox.post(f"/v1/invoices/{invoice['id']}/finalize")


def _invoice_items(sandbox: Sandbox, customer: str) -> None:
    """Somebody bills by hand what waits of the subscription: the invoice books the credit on the balance itself."""
    subscription = sandbox.get("/v1/subscriptions", {"customer": customer, "status": "all"})["data"][0]["id"]
    asked = {"customer": customer, "subscription": subscription, "auto_advance": False}
    sandbox.post(f"/v1/invoices/{sandbox.post('/v1/invoices', asked)['id']}/finalize")


def _delete_item(sandbox: Sandbox, customer: str) -> None:
    """Somebody deletes the newest item that waits."""
    sandbox.delete(f"/v1/invoiceitems/{_pending(sandbox, customer)[0]['id']}")


def _pending(sandbox: Sandbox, customer: str) -> list[dict[str, Any]]:
    """The items in USD that no invoice has taken, newest first."""
    found = sandbox.get("/v1/invoiceitems", {"customer": customer, "pending": True})["data"]
    return [item for item in found if item["currency"] == "usd"]


_THREE = (10_000, 10_000, 10_000)
PLAIN = Story(price=10_000, refundable=10_000)
THREE_CHARGES = Story(price=30_000, paid_by=_THREE, refundable=30_000)
ONLY_CHARGE_DISPUTED = Story(price=10_000, refundable=0, event=Meanwhile(_dispute))
NEWEST_DISPUTED = Story(price=30_000, paid_by=_THREE, refundable=20_000, event=Meanwhile(_dispute))
CREDIT_USED = Story(price=10_000, refundable=10_000, kept=GOODWILL, moved=GOODWILL, event=Meanwhile(_use_credit))
REFUNDED_BY_HAND = Story(price=10_000, refundable=0, by_hand=BY_HAND, event=Meanwhile(_refund_by_hand))
TWO_CURRENCIES = Story(price=10_000, refundable=10_000, euros=7_000)
WAITING = Story(price=30_000, paid_by=_THREE, refundable=20_000, waits=True, event=Meanwhile(_dispute))
WAITING_IN_TWO = Story(price=10_000, refundable=10_000, euros=7_000, waits=True)
DELETED_BY_HAND = Story(
    price=10_000, refundable=10_000, waits=True, doubled=True, event=Meanwhile(_delete_item, "delete_item")
)
INVOICED_UNCREDITED = Story(
    price=10_000, refundable=10_000, waits=True, event=Meanwhile(_invoice_items, "credit_items")
)
INVOICED = Story(price=10_000, refundable=10_000, waits=True, event=Meanwhile(_invoice_items, "delete_item"))
INVOICED_DOUBLED = Story(
    price=10_000, refundable=10_000, waits=True, doubled=True, event=Meanwhile(_invoice_items, "delete_item")
)

# Half of them give something back, two have two cases; the credit of six waits in items, and of three of these an
# invoice takes them.
CYCLE = (
    PLAIN, NEWEST_DISPUTED, WAITING, THREE_CHARGES, CREDIT_USED, INVOICED, ONLY_CHARGE_DISPUTED, WAITING_IN_TWO,
    THREE_CHARGES, INVOICED_UNCREDITED, NEWEST_DISPUTED, TWO_CURRENCIES, INVOICED_DOUBLED, CREDIT_USED,
    DELETED_BY_HAND, REFUNDED_BY_HAND,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evening:
    """An account before the night: its customers with their stories and the credit each was left, minor units."""

    snapshot: Snapshot
    stories: dict[str, Story]
    credits: dict[str, int]


@cache
def evening(customers: int) -> Evening:
    """Let so many customers subscribe, pay, and cancel after three days; the sandbox's clock is then about now."""
    sandbox = Sandbox(seed=7, renewals=False, now=int(time.time()) - DAYS_PAID * scenes.DAY_S)
    subscriptions: dict[str, str] = {}
    stories: dict[str, Story] = {}
    for number in range(customers):
        story = CYCLE[number % len(CYCLE)]
        customer, subscription = scenes.subscribed(sandbox, price=story.price, paid_by=story.paid_by)
        subscriptions[customer], stories[customer] = subscription, story
    sandbox.clock.advance(DAYS_PAID * scenes.DAY_S)
    credits_minor = {
        customer: cancel(sandbox, customer, subscriptions[customer], story) for customer, story in stories.items()
    }
    for customer, story in stories.items():
        leave_the_rest(sandbox, customer, story)
    return Evening(snapshot=sandbox.snapshot(), stories=stories, credits=credits_minor)


def cancel(sandbox: Sandbox, customer: str, subscription: str, story: Story) -> int:
    """The customer cancels; returns the credit that this leaves, on the balance or in pending items, minor units."""
    if story.doubled:
        item = sandbox.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]["id"]
        sandbox.post(f"/v1/subscriptions/{subscription}", {"items": [{"id": item, "quantity": 2}]})
    if story.waits:
        item_scenes.cancel_pending(sandbox, subscription)
        return -sum(int(item["amount"]) for item in _pending(sandbox, customer))
    scenes.cancel(sandbox, subscription)
    return -int(sandbox.get(f"/v1/customers/{customer}")["balance"])


def leave_the_rest(sandbox: Sandbox, customer: str, story: Story) -> None:
    """What a customer has beside the credit of the cancelled subscription: goodwill, and credit in euros."""
    if story.kept:
        scenes.goodwill(sandbox, customer, story.kept)
    if story.euros:
        euros = scenes.subscribe(sandbox, customer, price=story.euros, currency="eur")
        end = item_scenes.cancel_pending if story.waits else scenes.cancel
        end(sandbox, euros["id"])


def missing_minor(found: Evening, book: Books) -> int:
    """What the customer is short of in the morning, minor units; negative where the company is."""
    refunded, balance = _expected(found, book)
    waits = -sum(item.amount for item in book.pending_items)
    return refunded - balance - (book.refunded + book.pending - book.balance + waits)


def most_minor(found: Evening, book: Books) -> int:
    """The most that may have gone out over a customer's charges in a currency, by others too; minor units."""
    story = found.stories[book.customer]
    if book.currency == "eur":
        return story.euros
    return found.credits[book.customer] - story.moved + story.by_hand


def differences(found: Evening, book: Books) -> list[str]:
    """What is not as it must be in the morning, computed from the credit, never from our ledger."""
    refunded, balance = _expected(found, book)
    wrong = []
    if book.refunded + book.pending != refunded:
        wrong.append(f"{book.customer}: {book.refunded + book.pending} {book.currency} refunded, not {refunded}")
    if book.balance != balance:
        wrong.append(f"{book.customer}: the balance is {book.balance} {book.currency}, not {balance}")
    wrong += [f"{book.customer}: {item.item} still waits: {item.amount}" for item in book.pending_items]
    return wrong


def _expected(found: Evening, book: Books) -> tuple[int, int]:
    """What is refunded in the morning, and the balance with Stripe's sign; minor units."""
    story = found.stories[book.customer]
    if book.currency == "eur":
        return story.euros, 0
    left = found.credits[book.customer] - story.moved
    refunded = min(left, story.refundable)
    return refunded + story.by_hand, refunded - left - story.kept
