"""Builders: payments and movements that the API cannot easily make, as a reader of the API finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.shop import Shop


@pytest.fixture
def waiting(shop: Shop) -> tuple[str, str]:
    """A customer and an open invoice of 60.00."""
    customer = shop.customer()
    shop.sandbox.build.payment_method(customer, outcome="waits")
    return customer, str(shop.subscribe(customer, shop.price(6_000))["latest_invoice"])


def payments(shop: Shop, invoice: str) -> list[tuple[str, int, str]]:
    """(type, amount paid, status) of what pays an invoice, oldest first, cancelled ones left out."""
    rows = shop.sandbox.get(f"/v1/invoices/{invoice}", {"expand": ["payments"]})["payments"]["data"]
    return [
        (row["payment"]["type"], row["amount_paid"] or 0, row["status"])
        for row in reversed(rows)
        if row["status"] != "canceled"
    ]


def invoice_of(shop: Shop, invoice: str) -> tuple[str, int, int]:
    shown = shop.sandbox.get(f"/v1/invoices/{invoice}")
    return shown["status"], shown["amount_paid"], shown["amount_paid_off_stripe"]


def test_an_invoice_paid_by_two_payments(shop: Shop, waiting: tuple[str, str]) -> None:
    customer, invoice = waiting
    for amount in (2_000, 4_000):
        charge = shop.sandbox.build.charge(customer, amount=amount)["id"]
        shop.sandbox.build.pay(invoice, charge=charge)
    assert payments(shop, invoice) == [("payment_intent", 2_000, "paid"), ("payment_intent", 4_000, "paid")]
    assert invoice_of(shop, invoice) == ("paid", 6_000, 0)


def test_one_payment_for_two_invoices(shop: Shop, waiting: tuple[str, str]) -> None:
    customer, first = waiting
    second = str(shop.subscribe(customer, shop.price(1_000))["latest_invoice"])
    charge = shop.sandbox.build.charge(customer, amount=7_000)
    for invoice in (first, second):
        shop.sandbox.build.pay(invoice, charge=charge["id"])
    found = shop.sandbox.get(
        "/v1/invoice_payments", {"payment": {"type": "payment_intent", "payment_intent": charge["payment_intent"]}}
    )["data"]
    assert [(row["invoice"], row["amount_paid"]) for row in found] == [(second, 1_000), (first, 6_000)]


def test_a_legacy_charge_shows_as_a_charge(shop: Shop, waiting: tuple[str, str]) -> None:
    customer, invoice = waiting
    charge = shop.sandbox.build.charge(customer, amount=6_000, legacy=True)
    shop.sandbox.build.pay(invoice, charge=charge["id"])
    assert charge["payment_intent"] is None
    assert payments(shop, invoice) == [("charge", 6_000, "paid")]


def test_a_payment_record_is_money_from_outside(shop: Shop, waiting: tuple[str, str]) -> None:
    shop.sandbox.build.pay(waiting[1])
    assert payments(shop, waiting[1]) == [("payment_record", 6_000, "paid")]
    assert invoice_of(shop, waiting[1]) == ("paid", 6_000, 6_000)


def test_paid_out_of_band(shop: Shop, waiting: tuple[str, str]) -> None:
    shop.sandbox.post(f"/v1/invoices/{waiting[1]}/pay", {"paid_out_of_band": True})
    assert payments(shop, waiting[1]) == []
    assert invoice_of(shop, waiting[1]) == ("paid", 6_000, 6_000)


@pytest.mark.parametrize("make", [{"captured": 0}, {"outcome": "pending"}])
def test_money_that_has_not_come_leaves_the_invoice_open(
    shop: Shop, waiting: tuple[str, str], make: dict[str, Any]
) -> None:
    customer, invoice = waiting
    charge = shop.sandbox.build.charge(customer, amount=6_000, **make)["id"]
    shop.sandbox.build.pay(invoice, charge=charge)
    assert payments(shop, invoice) == [("payment_intent", 0, "open")]
    assert invoice_of(shop, invoice)[0] == "open"


def test_a_charge_cannot_pay_more_than_it_has(shop: Shop, waiting: tuple[str, str]) -> None:
    customer, invoice = waiting
    charge = shop.sandbox.build.charge(customer, amount=100)["id"]
    with pytest.raises(Exception, match="does not fit"):
        shop.sandbox.build.pay(invoice, charge=charge, amount=101)


def test_a_charge_cannot_pay_the_same_money_twice(shop: Shop, waiting: tuple[str, str]) -> None:
    customer, first = waiting
    second = str(shop.subscribe(customer, shop.price(1_000))["latest_invoice"])
    charge = shop.sandbox.build.charge(customer, amount=6_500)["id"]
    shop.sandbox.build.pay(first, charge=charge)
    with pytest.raises(Exception, match="does not fit"):
        shop.sandbox.build.pay(second, charge=charge, amount=501)
    assert shop.sandbox.build.pay(second, charge=charge)["amount_paid"] == 500
    assert invoice_of(shop, second)[0] == "open"


def test_a_declined_card_leaves_the_subscription_incomplete(shop: Shop) -> None:
    customer = shop.customer()
    shop.sandbox.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", {"customer": customer})
    subscription = shop.subscribe(customer, shop.price(6_000))
    assert subscription["status"] == "incomplete"
    failed = shop.charges(customer)[0]
    assert (failed["status"], failed["paid"], failed["amount_captured"]) == ("failed", False, 0)
    shop.sandbox.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})
    shop.sandbox.post(f"/v1/invoices/{subscription['latest_invoice']}/pay")
    assert shop.sandbox.get(f"/v1/subscriptions/{subscription['id']}")["status"] == "active"


def test_connect_and_other_methods_show_on_the_charge(shop: Shop) -> None:
    customer = shop.customer()
    shop.sandbox.build.payment_method(customer, kind="sepa_debit", destination="acct_1Other")
    shop.subscribe(customer, shop.price(6_000, currency="eur"))
    charge = shop.charges(customer)[0]
    assert charge["payment_method_details"]["type"] == "sepa_debit"
    assert charge["transfer_data"]["destination"] == "acct_1Other"
    assert charge["id"].startswith("py_")


@pytest.mark.parametrize("kind", ["initial", "migration", "adjustment", "invoice_overpaid"])
def test_movements_of_any_type(shop: Shop, kind: str) -> None:
    customer = shop.customer()
    shop.sandbox.build.movement(customer, amount=-500, kind=kind)
    assert shop.movements(customer) == [(kind, -500, -500)]


def test_automatic_tax_shows_on_the_invoice(shop: Shop) -> None:
    customer, _ = shop.subscribed(6_000, automatic_tax={"enabled": True})
    assert shop.invoices(customer)[0]["automatic_tax"]["enabled"] is True


def test_a_deleted_customer_keeps_its_past_and_ends_its_subscriptions(shop: Shop) -> None:
    customer, subscription = shop.subscribed(6_000)
    shop.sandbox.delete(f"/v1/customers/{customer}")
    assert shop.sandbox.get(f"/v1/customers/{customer}") == {"id": customer, "object": "customer", "deleted": True}
    assert shop.sandbox.get(f"/v1/subscriptions/{subscription['id']}")["status"] == "canceled"
    assert len(shop.charges(customer)) == len(shop.invoices(customer)) == 1
    with pytest.raises(Exception, match="No such customer"):
        shop.sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": 1, "currency": "usd"})


def test_books_show_what_moved(shop: Shop) -> None:
    customer, subscription = shop.subscribed(6_000)
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    charge = shop.charges(customer)[0]["id"]
    made = shop.sandbox.post("/v1/refunds", {"charge": charge, "amount": 1_000, "metadata": {"case": "1"}})
    shop.sandbox.control.next_refund(status="pending")
    shop.sandbox.post("/v1/refunds", {"charge": charge, "amount": 500})
    shop.sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": 1_500, "currency": "usd"})
    (books,) = shop.sandbox.books()
    assert (books.customer, books.balance, books.credit_granted, books.credit_used) == (customer, -1_500, 3_000, 1_500)
    assert (books.captured, books.refunded, books.pending) == (6_000, 1_000, 500)
    assert (books.refunds[0].refund, books.refunds[0].metadata) == (made["id"], {"case": "1"})
    assert books.charges[0].refunded == 1_500
