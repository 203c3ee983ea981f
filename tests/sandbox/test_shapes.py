"""Every object of a rich sandbox has the shape that Stripe's contract gives it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.reference import checker
from tests.sandbox.shop import DAY, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_METHODS = ("sepa_debit", "klarna", "us_bank_account", "ideal", "paypal", "link", "bancontact", "konbini",
            "bacs_debit", "acss_debit", "au_becs_debit")  # fmt: skip


@pytest.fixture
def rich(shop: Shop) -> Shop:
    """One of everything the sandbox can make."""
    _billed_in_full(shop)
    _paid_oddly(shop)
    _refunded(shop)
    _ended(shop)
    shop.sandbox.post(
        "/v1/webhook_endpoints", {"url": "http://localhost:9/", "enabled_events": ["*"], "metadata": {"a": "b"}}
    )
    shop.sandbox.clock.advance(70 * DAY)
    return shop


def _billed_in_full(shop: Shop) -> None:
    sandbox = shop.sandbox
    rates = [
        sandbox.post("/v1/tax_rates", {"display_name": name, "percentage": "7.5", "inclusive": inclusive})["id"]
        for name, inclusive in (("VAT", False), ("GST", True))
    ]
    coupon = sandbox.post("/v1/coupons", {"percent_off": "12.5"})["id"]
    customer = shop.customer(balance=-500, name="Ada", metadata={"a": "b"}, address={"city": "Bath"})
    made = shop.subscribe(
        customer, shop.price(10_000), default_tax_rates=rates, discounts=[{"coupon": coupon}],
        automatic_tax={"enabled": True},
    )  # fmt: skip
    sandbox.clock.advance(9 * DAY)
    shop.change(made, shop.price(1_000))
    shop.change(made, shop.price(700), proration_behavior="create_prorations")
    sandbox.post(f"/v1/subscriptions/{made['id']}", {"cancel_at_period_end": True})
    yearly = shop.price(90_000, interval="year")
    shop.change(shop.subscribe(shop.customer(), shop.price(5_000), billing_mode={"type": "classic"}), yearly)
    draft = sandbox.post("/v1/invoices", {"customer": customer})["id"]
    sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": -80, "currency": "usd", "invoice": draft})
    taxed = {"customer": customer, "amount": -80, "currency": "usd", "subscription": made["id"], "tax_rates": rates}
    sandbox.control.defer(sandbox.post("/v1/invoiceitems", taxed)["id"])


def _paid_oddly(shop: Shop) -> None:
    sandbox = shop.sandbox
    customer = shop.customer()
    sandbox.build.payment_method(customer, outcome="waits")
    invoice = shop.subscribe(customer, shop.price(10_000))["latest_invoice"]
    sandbox.build.pay(invoice, charge=sandbox.build.charge(customer, amount=4_000, legacy=True)["id"])
    sandbox.build.pay(invoice, amount=1_000)
    sandbox.build.pay(invoice, charge=sandbox.build.charge(customer, amount=9_000)["id"])
    amounts = {"amount": 300, "credit_amount": 100, "refund_amount": 150, "out_of_band_amount": 50}
    sandbox.post("/v1/credit_notes", {"invoice": invoice, **amounts})
    open_one = shop.subscribe(customer, shop.price(10_000))["latest_invoice"]
    note = sandbox.post("/v1/credit_notes", {"invoice": open_one, "amount": 300, "memo": "sorry"})["id"]
    sandbox.post(f"/v1/credit_notes/{note}", {"memo": ""})
    sandbox.post(f"/v1/credit_notes/{note}/void")
    sandbox.post(f"/v1/invoices/{open_one}/mark_uncollectible")
    for method in _METHODS:
        sandbox.build.charge(customer, amount=500, method=method, destination="acct_1Other")
    for captured, outcome in ((0, "succeeds"), (200, "succeeds"), (None, "fails"), (None, "pending")):
        sandbox.build.charge(customer, amount=500, captured=captured, outcome=outcome)


def _refunded(shop: Shop) -> None:
    sandbox = shop.sandbox
    customer, _ = shop.subscribed(10_000)
    charge = shop.charges(customer)[0]["id"]
    for status, then in (
        ("succeeded", None), ("pending", ("failed", 60)), ("pending", None), ("requires_action", ("canceled", 60)),
        ("requires_action", None), ("succeeded", ("failed", 60)),
    ):  # fmt: skip
        sandbox.control.next_refund(status=status, then=then)
        sandbox.post("/v1/refunds", {"charge": charge, "amount": 100, "reason": "requested_by_customer"})
    sandbox.control.turn_dispute(sandbox.control.dispute(charge)["id"], "under_review")
    sandbox.control.dispute(charge, status="warning_needs_response", amount=50)
    foreign = [sandbox.build.charge(customer, amount=900, currency="jpy", method="sepa_debit")["id"] for _ in "ab"]
    sandbox.post("/v1/refunds", {"charge": foreign[0]})
    sandbox.control.funds("jpy", available=-20, prefunding=500)
    sandbox.post("/v1/refunds", {"charge": foreign[1]})


def _ended(shop: Shop) -> None:
    sandbox = shop.sandbox
    customer, subscription = shop.subscribed(10_000)
    sandbox.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", {"customer": customer})
    shop.cancel(subscription)
    failed = shop.subscribe(customer, shop.price(30_000))
    sandbox.post(f"/v1/invoices/{failed['latest_invoice']}/void")
    for kind in ("initial", "migration", "unspent_receiver_credit"):
        sandbox.build.movement(customer, amount=-5, kind=kind, currency="eur")
    sandbox.delete(f"/v1/customers/{shop.subscribed(700)[0]}")
    sandbox.build.customers(1)


def _everything(shop: Shop) -> Iterator[dict[str, Any]]:
    store = shop.sandbox.world.store
    for kind in store.counts():
        for record in store.all(kind):
            yield json.loads(record.json)
    yield shop.sandbox.get("/v1/account")
    yield shop.sandbox.get("/v1/balance")
    for path, expand in (
        ("/v1/customers", ["data.invoice_credit_balance", "data.subscriptions.data.latest_invoice"]),
        ("/v1/subscriptions", ["data.customer"]),
        ("/v1/invoiceitems", ["data.customer"]),
        ("/v1/disputes", ["data.charge"]),
        ("/v1/invoices", ["data.payments", "data.customer"]),
        ("/v1/invoice_payments", ["data.payment.payment_intent.latest_charge", "data.invoice"]),
        ("/v1/charges", ["data.refunds.data.balance_transaction", "data.customer"]),
        ("/v1/refunds", ["data.charge.payment_intent", "data.failure_balance_transaction"]),
    ):
        yield from shop.sandbox.get(path, {"limit": 100, "expand": expand})["data"]


def _event_faults(check: ModuleType, event: dict[str, Any]) -> list[str]:
    """The contract has a schema for each type of event; the checker knows only one of them."""
    schema = next(
        (
            name
            for name, schema in check.S.items()
            if schema.get("x-resourceId") == "event" and schema["properties"]["type"]["enum"] == [event["type"]]
        ),
        None,
    )
    if schema is None:
        return [f"no such type of event: {event['type']}"]
    missing = set(check.S[schema]["required"]) - set(event)
    return [f"{event['type']} lacks {name}" for name in missing]


def test_every_object_satisfies_the_contract(rich: Shop) -> None:
    check = checker()
    faults: set[str] = set()
    seen: set[str] = set()
    for shown in _everything(rich):
        for part in check.walk(shown):
            seen.add(part["object"])
            if part["object"] == "event":
                faults.update(_event_faults(check, part))
                continue
            errors = check.check(part)
            assert errors is not None, f"the contract knows no {part['object']}"
            faults.update(f"{path}: {message}" for path, message in errors)
    assert sorted(faults) == []
    assert len(seen) >= 22


def test_deleted_objects_satisfy_the_contract(shop: Shop) -> None:
    check = checker()
    customer = shop.customer()
    item = shop.sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": 5, "currency": "usd"})["id"]
    draft = shop.sandbox.post("/v1/invoices", {"customer": customer})["id"]
    heard = {"url": "http://127.0.0.1/", "enabled_events": ["*"]}
    made = shop.sandbox.post("/v1/webhook_endpoints", heard)
    assert check.check(made) == []  # with its secret
    assert check.check(shop.sandbox.delete(f"/v1/webhook_endpoints/{made['id']}")) == []
    for path in (f"/v1/invoiceitems/{item}", f"/v1/invoices/{draft}", f"/v1/customers/{customer}"):
        assert check.check(shop.sandbox.delete(path)) == []
