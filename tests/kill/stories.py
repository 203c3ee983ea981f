"""The customers of a night: every step and every way a case can go, with what their money must be in the morning."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from refund_worker.sandbox import Books, Sandbox, Snapshot
from tests.crash import scenes

DAYS_PAID = 3  # nine tenths of the month become credit: it takes several charges
GOODWILL = 2_000
BY_HAND = 6_000


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
        event: What others do just before the customer's first reserve is executed.
    """

    price: int
    paid_by: tuple[int, ...] | None = None
    refundable: int
    kept: int = 0
    moved: int = 0
    by_hand: int = 0
    event: Callable[[Sandbox, str], None] | None = None


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


_THREE = (10_000, 10_000, 10_000)
PLAIN = Story(price=10_000, refundable=10_000)
THREE_CHARGES = Story(price=30_000, paid_by=_THREE, refundable=30_000)
ONLY_CHARGE_DISPUTED = Story(price=10_000, refundable=0, event=_dispute)
NEWEST_DISPUTED = Story(price=30_000, paid_by=_THREE, refundable=20_000, event=_dispute)
CREDIT_USED = Story(price=10_000, refundable=10_000, kept=GOODWILL, moved=GOODWILL, event=_use_credit)
REFUNDED_BY_HAND = Story(price=10_000, refundable=0, by_hand=BY_HAND, event=_refund_by_hand)

# Six of ten give something back.
CYCLE = (
    PLAIN, NEWEST_DISPUTED, THREE_CHARGES, CREDIT_USED, ONLY_CHARGE_DISPUTED,
    THREE_CHARGES, NEWEST_DISPUTED, PLAIN, CREDIT_USED, REFUNDED_BY_HAND,
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
    for subscription in subscriptions.values():
        scenes.cancel(sandbox, subscription)
    credits_minor = {book.customer: -book.balance for book in sandbox.books()}
    for customer, story in stories.items():
        if story.kept:
            scenes.goodwill(sandbox, customer, story.kept)
    return Evening(snapshot=sandbox.snapshot(), stories=stories, credits=credits_minor)


def missing_minor(found: Evening, book: Books) -> int:
    """What the customer is short of in the morning, minor units; negative where the company is."""
    refunded, balance = _expected(found, book.customer)
    return refunded - balance - (book.refunded + book.pending - book.balance)


def differences(found: Evening, book: Books) -> list[str]:
    """What is not as it must be in the morning, computed from the credit, never from our ledger."""
    refunded, balance = _expected(found, book.customer)
    wrong = []
    if book.refunded + book.pending != refunded:
        wrong.append(f"{book.customer}: {book.refunded + book.pending} refunded, not {refunded}")
    if book.balance != balance:
        wrong.append(f"{book.customer}: the balance is {book.balance}, not {balance}")
    return wrong


def _expected(found: Evening, customer: str) -> tuple[int, int]:
    """What is refunded in the morning, and the balance with Stripe's sign; minor units."""
    story = found.stories[customer]
    left = found.credits[customer] - story.moved
    refunded = min(left, story.refundable)
    return refunded + story.by_hand, refunded - left - story.kept
