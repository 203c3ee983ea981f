"""Small accounts that reach every step and every branch of the saga, and what the money must be at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from refund_worker.sandbox import Fault, Sandbox, Snapshot

DAY_S = 86_400
MOVEMENTS = "/v1/customers/{customer}/balance_transactions"
REFUNDS = "/v1/refunds"


@dataclass(frozen=True, slots=True)
class Scene:
    """An account before the night.

    Attributes:
        build: Fills an empty sandbox.
        balance: The customer's balance in USD at the end, Stripe's sign, minor units.
        refunded: The sum over all charges in USD at the end, by this program and by hand.
        event: What others do meanwhile, once.
        at: Just before which call: its name and phase (`tests.crash.stops`).
        elsewhere: The same two of another currency, by its code.
    """

    name: str
    build: Callable[[Sandbox], None]
    balance: int
    refunded: int
    event: Callable[[Sandbox], None] | None = None
    elsewhere: tuple[tuple[str, tuple[int, int]], ...] = ()
    at: tuple[str, str] = ("stripe.create_movement reserve", "before")

    @property
    def ends(self) -> dict[str, tuple[int, int]]:
        """Balance and refunded sum at the end, by currency."""
        return {"usd": (self.balance, self.refunded), **dict(self.elsewhere)}

    def snapshot(self) -> Snapshot:
        """The account, built once."""
        return _built(self)


@cache
def _built(scene: Scene) -> Snapshot:
    sandbox = Sandbox(seed=7, renewals=False)
    scene.build(sandbox)
    return sandbox.snapshot()


def subscribed(sandbox: Sandbox, *, price: int = 10_000, paid_by: tuple[int, ...] | None = None) -> tuple[str, str]:
    """A customer with a paid monthly subscription; `paid_by` splits its first invoice over charges, oldest first.

    Returns:
        The ids of customer and subscription.
    """
    customer = sandbox.post("/v1/customers", {})["id"]
    sandbox.build.payment_method(customer, outcome="succeeds" if paid_by is None else "waits")
    subscription = subscribe(sandbox, customer, price=price)
    for amount in paid_by or ():
        sandbox.clock.advance(60)
        charge = sandbox.build.charge(customer, amount=amount)
        sandbox.build.pay(subscription["latest_invoice"], charge=charge["id"], amount=amount)
    return customer, subscription["id"]


def subscribe(sandbox: Sandbox, customer: str, *, price: int, currency: str = "usd") -> dict[str, Any]:
    """A monthly subscription; its first invoice is paid as the customer pays."""
    product = sandbox.post("/v1/products", {"name": "Plan"})["id"]
    monthly = sandbox.post(
        "/v1/prices",
        {"product": product, "unit_amount": price, "currency": currency, "recurring": {"interval": "month"}},
    )
    return sandbox.post(
        "/v1/subscriptions",
        {"customer": customer, "items": [{"price": monthly["id"]}], "payment_behavior": "allow_incomplete"},
    )


def cancel(sandbox: Sandbox, subscription: str) -> None:
    """Cancel with a prorated final invoice: the unused time becomes credit."""
    sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True, "invoice_now": True})


def goodwill(sandbox: Sandbox, customer: str, amount: int) -> None:
    """Give credit by hand."""
    sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": -amount, "currency": "usd"})


def use_credit(sandbox: Sandbox, amount: int) -> None:
    """An invoice of another purchase finalises and takes from the credit."""
    customer = sandbox.books()[0].customer
    sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": amount, "currency": "usd"})
    invoice = sandbox.post("/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    sandbox.post(f"/v1/invoices/{invoice['id']}/finalize")


def more_credit(sandbox: Sandbox, price: int) -> None:
    """The customer subscribes to something else and cancels it at once: all of it becomes credit."""
    customer = sandbox.books()[0].customer
    sandbox.build.payment_method(customer)
    cancel(sandbox, subscribe(sandbox, customer, price=price)["id"])


def refund_by_hand(sandbox: Sandbox, amount: int) -> None:
    """Somebody refunds the newest charge in the Dashboard."""
    charge = sandbox.get("/v1/charges", {"limit": 1})["data"][0]["id"]
    sandbox.post("/v1/refunds", {"charge": charge, "amount": amount})


def _one(sandbox: Sandbox) -> None:
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S)
    cancel(sandbox, subscription)


def _three(sandbox: Sandbox) -> None:
    _, subscription = subscribed(sandbox, price=30_000, paid_by=(10_000, 10_000, 10_000))
    sandbox.clock.advance(3 * DAY_S)
    cancel(sandbox, subscription)


def dispute_newest(sandbox: Sandbox) -> None:
    """The customer disputes the newest charge at the bank."""
    sandbox.control.dispute(sandbox.get("/v1/charges", {"limit": 1})["data"][0]["id"])


def _mixed(sandbox: Sandbox) -> None:
    customer, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S)
    cancel(sandbox, subscription)
    goodwill(sandbox, customer, 2_000)


def in_two_currencies(sandbox: Sandbox) -> str:
    """50.00 USD over one charge, and 16 of 31 days of 80.00 EUR over another; returns the customer's id."""
    customer, dollars = subscribed(sandbox)
    sandbox.clock.advance(15 * DAY_S)
    cancel(sandbox, dollars)
    euros = subscribe(sandbox, customer, price=8_000, currency="eur")["id"]
    sandbox.clock.advance(15 * DAY_S)
    cancel(sandbox, euros)
    return customer


def _in_two_currencies(sandbox: Sandbox) -> None:
    in_two_currencies(sandbox)


def with_fault(build: Callable[[Sandbox], None], *faults: Fault) -> Callable[[Sandbox], None]:
    """The same account, where something goes wrong."""

    def built(sandbox: Sandbox) -> None:
        build(sandbox)
        for fault in faults:
            sandbox.faults.add(fault)

    return built


def _stored(path: str, *, executed: bool) -> Fault:
    return Fault(kind="stored_500", method="POST", path=path, executed=executed)


TWO_CURRENCIES = Scene(
    "two_currencies", _in_two_currencies, balance=0, refunded=5_000, elsewhere=(("eur", (0, 4_129)),)
)
SCENES = (
    Scene("one_charge", _one, balance=0, refunded=5_000),
    Scene("three_charges", _three, balance=0, refunded=26_998),
    Scene("disputed_meanwhile", _three, balance=-6_998, refunded=20_000, event=dispute_newest),
    Scene("credit_used_meanwhile", _mixed, balance=-2_000, refunded=3_000, event=lambda box: use_credit(box, 2_000)),
    Scene(
        "refunded_by_hand_meanwhile", _one, balance=-5_000, refunded=6_000, event=lambda box: refund_by_hand(box, 6_000)
    ),
    Scene("reserve_500", with_fault(_one, _stored(MOVEMENTS, executed=False)), balance=0, refunded=5_000),
    Scene("reserve_500_made", with_fault(_one, _stored(MOVEMENTS, executed=True)), balance=0, refunded=5_000),
    Scene("refund_500", with_fault(_one, _stored(REFUNDS, executed=False)), balance=0, refunded=5_000),
    Scene(
        "give_back_500",
        with_fault(_three, Fault(kind="stored_500", method="POST", path=MOVEMENTS, nth=2)),
        balance=-6_998,
        refunded=20_000,
        event=dispute_newest,
    ),
    Scene(
        "give_back_500_made",
        with_fault(_three, Fault(kind="stored_500", method="POST", path=MOVEMENTS, nth=2, executed=True)),
        balance=-6_998,
        refunded=20_000,
        event=dispute_newest,
    ),
    Scene("refund_500_made", with_fault(_one, _stored(REFUNDS, executed=True)), balance=0, refunded=5_000),
    TWO_CURRENCIES,
)
