"""Expansion: what Stripe allows, what it refuses, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.shop import Shop, Wire


_TOO_DEEP = "property_expansion_max_depth"


@pytest.mark.parametrize(
    ("target", "path", "code"),
    [
        ("/v1/invoices", "data.payments", None),
        ("/v1/invoices", "data.payments.data.payment", None),
        ("/v1/invoices", "data.payments.data.payment.payment_intent", _TOO_DEEP),
        ("/v1/invoices/{invoice}", "payments.data.payment.payment_intent", None),
        ("/v1/invoices/{invoice}", "payments.data.payment.payment_intent.latest_charge", _TOO_DEEP),
        ("/v1/invoice_payments", "data.payment.payment_intent.latest_charge", None),
        ("/v1/invoice_payments", "data.payment.charge", None),
        ("/v1/charges", "data.refunds", None),
        ("/v1/charges", "data.refunds.data.balance_transaction", None),
        ("/v1/charges", "data.balance_transaction.source", None),
        ("/v1/customers", "data.invoice_credit_balance", None),
        ("/v1/customers", "data.subscriptions.data.latest_invoice", None),
        ("/v1/subscriptions", "data.items.data.price", None),
        ("/v1/subscriptions", "data.items.data.price.nothing", _TOO_DEEP),
        ("/v1/charges", "refunds", "This property cannot be expanded (refunds)."),
        ("/v1/charges", "data.invoice", "This property cannot be expanded (data.invoice)."),
        ("/v1/invoices", "data.charge", "This property cannot be expanded (data.charge)."),
    ],
)  # fmt: skip
def test_paths(wire: Wire, shop: Shop, target: str, path: str, code: str | None) -> None:
    _, subscription = shop.subscribed(1_000)
    status, body, _ = wire.send("GET", target.format(invoice=subscription["latest_invoice"]), {"expand": [path]})
    if code is None:
        assert status == 200
    else:
        assert (status, code in {body["error"].get("code"), body["error"]["message"]}) == (400, True)


def test_an_invoice_shows_its_payments_only_when_asked(shop: Shop) -> None:
    customer, subscription = shop.subscribed(1_000)
    assert "payments" not in shop.invoices(customer)[0]
    shown = shop.sandbox.get(
        f"/v1/invoices/{subscription['latest_invoice']}", {"expand": ["payments.data.payment.payment_intent"]}
    )
    payment = shown["payments"]["data"][0]
    assert (payment["amount_paid"], payment["status"]) == (1_000, "paid")
    assert payment["payment"]["payment_intent"]["latest_charge"] == shop.charges(customer)[0]["id"]


def test_down_to_the_charge_by_way_of_invoice_payments(shop: Shop) -> None:
    customer, _ = shop.subscribed(1_000)
    paths = ["data.payment.payment_intent.latest_charge", "data.invoice"]
    row = shop.sandbox.get("/v1/invoice_payments", {"expand": paths})["data"][0]
    assert row["payment"]["payment_intent"]["latest_charge"]["amount"] == 1_000
    assert row["invoice"]["customer"] == customer


def test_null_stays_null(shop: Shop) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=100, legacy=True)["id"]
    assert shop.sandbox.get(f"/v1/charges/{charge}", {"expand": ["payment_intent"]})["payment_intent"] is None


def test_a_deleted_customer_expands_to_its_stub(shop: Shop) -> None:
    customer = shop.customer()
    charge = shop.sandbox.build.charge(customer, amount=100)["id"]
    shop.sandbox.delete(f"/v1/customers/{customer}")
    shown = shop.sandbox.get(f"/v1/charges/{charge}", {"expand": ["customer"]})["customer"]
    assert shown == {"id": customer, "object": "customer", "deleted": True}


def test_expanding_does_not_change_what_is_remembered(shop: Shop) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=100)["id"]
    plain = shop.sandbox.get(f"/v1/charges/{charge}")
    shop.sandbox.get(f"/v1/charges/{charge}", {"expand": ["customer", "refunds", "payment_intent.latest_charge"]})
    assert shop.sandbox.get(f"/v1/charges/{charge}") == plain
