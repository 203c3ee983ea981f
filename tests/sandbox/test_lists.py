"""Lists: newest first, cursors both ways, filters, and no walking over what is not on the page."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.shop import DAY, Shop, Wire


@pytest.fixture
def seven(shop: Shop) -> list[str]:
    """Seven customers, a day apart, oldest first."""
    made = []
    for _ in range(7):
        made.append(shop.customer())
        shop.sandbox.clock.advance(DAY)
    return made


def ids(shop: Shop, path: str, **params: Any) -> tuple[list[str], bool]:
    found = shop.sandbox.get(path, params)
    return [row["id"] for row in found["data"]], found["has_more"]


def test_newest_first_and_cursors_both_ways(shop: Shop, seven: list[str]) -> None:
    newest = seven[::-1]
    assert ids(shop, "/v1/customers", limit=3) == (newest[:3], True)
    assert ids(shop, "/v1/customers", limit=3, starting_after=newest[2]) == (newest[3:6], True)
    assert ids(shop, "/v1/customers", limit=3, starting_after=newest[5]) == (newest[6:], False)
    assert ids(shop, "/v1/customers", limit=3, ending_before=newest[6]) == (newest[3:6], True)
    assert ids(shop, "/v1/customers", limit=3, ending_before=newest[3]) == (newest[:3], False)


def test_a_cursor_still_holds_when_its_object_is_deleted(shop: Shop, seven: list[str]) -> None:
    shop.sandbox.delete(f"/v1/customers/{seven[3]}")
    assert ids(shop, "/v1/customers", starting_after=seven[3]) == (seven[2::-1], False)
    assert seven[3] not in ids(shop, "/v1/customers")[0]


def test_created_ranges(shop: Shop, seven: list[str]) -> None:
    third = shop.sandbox.get(f"/v1/customers/{seven[2]}")["created"]
    assert ids(shop, "/v1/customers", created={"gte": third, "lt": third + 2 * DAY})[0] == [seven[3], seven[2]]
    assert ids(shop, "/v1/customers", created={"gt": third, "lte": third + 2 * DAY})[0] == [seven[4], seven[3]]
    assert ids(shop, "/v1/customers", created=third)[0] == [seven[2]]
    assert ids(shop, "/v1/customers", created={"lt": third}, starting_after=seven[1])[0] == [seven[0]]


def test_customers_by_email_and_of_test_clocks(shop: Shop) -> None:
    wanted = shop.customer(email="grace@example.com")
    shop.customer()
    assert ids(shop, "/v1/customers", email="grace@example.com")[0] == [wanted]
    assert ids(shop, "/v1/customers", test_clock="clock_1")[0] == []


def test_invoices_by_status_and_subscription(shop: Shop) -> None:
    customer, first = shop.subscribed(1_000)
    shop.sandbox.build.payment_method(customer, outcome="waits")
    second = shop.subscribe(customer, shop.price(500))
    assert ids(shop, "/v1/invoices", customer=customer, status="open")[0] == [second["latest_invoice"]]
    assert ids(shop, "/v1/invoices", subscription=first["id"])[0] == [first["latest_invoice"]]
    assert ids(shop, "/v1/invoices", subscription=first["id"], status="open")[0] == []
    assert len(ids(shop, "/v1/invoices", customer=customer)[0]) == 2


def test_lines_have_ten_inside_and_pages_beyond(shop: Shop) -> None:
    customer = shop.customer()
    draft = shop.sandbox.post("/v1/invoices", {"customer": customer})["id"]
    for amount in range(1, 16):
        shop.sandbox.post(
            "/v1/invoiceitems", {"customer": customer, "amount": amount, "currency": "usd", "invoice": draft}
        )
    shown = shop.sandbox.get(f"/v1/invoices/{draft}")
    assert (shown["total"], shown["lines"]["has_more"]) == (120, True)
    assert [line["amount"] for line in shown["lines"]["data"]] == list(range(1, 11))
    rest = shop.sandbox.get(shown["lines"]["url"], {"starting_after": shown["lines"]["data"][-1]["id"], "limit": 4})
    assert ([line["amount"] for line in rest["data"]], rest["has_more"]) == ([11, 12, 13, 14], True)


def test_embedded_refunds_and_payments_hold_ten(shop: Shop) -> None:
    customer = shop.customer()
    charge = shop.sandbox.build.charge(customer, amount=1_200)["id"]
    for _ in range(12):
        shop.sandbox.post("/v1/refunds", {"charge": charge, "amount": 100})
    refunds = shop.sandbox.get(f"/v1/charges/{charge}", {"expand": ["refunds"]})["refunds"]
    assert (len(refunds["data"]), refunds["has_more"]) == (10, True)
    assert len(shop.sandbox.get(refunds["url"], {"limit": 100})["data"]) == 12
    assert "refunds" not in shop.sandbox.get(f"/v1/charges/{charge}")


def test_subscriptions_hide_cancelled_ones_unless_asked(shop: Shop) -> None:
    customer, subscription = shop.subscribed(1_000)
    shop.cancel(subscription)
    assert ids(shop, "/v1/subscriptions", customer=customer)[0] == []
    assert ids(shop, "/v1/subscriptions", customer=customer, status="all")[0] == [subscription["id"]]
    assert ids(shop, "/v1/subscriptions", customer=customer, status="canceled")[0] == [subscription["id"]]


def test_payments_by_invoice_payment_and_status(shop: Shop) -> None:
    _, subscription = shop.subscribed(1_000)
    invoice = subscription["latest_invoice"]
    found = shop.sandbox.get("/v1/invoice_payments", {"invoice": invoice})["data"]
    intent = found[0]["payment"]["payment_intent"]
    by_payment = {"payment": {"type": "payment_intent", "payment_intent": intent}, "status": "paid"}
    assert ids(shop, "/v1/invoice_payments", **by_payment)[0] == [found[0]["id"]]
    assert ids(shop, "/v1/invoice_payments", invoice=invoice, status="open")[0] == []


def test_200_000_customers_are_made_and_paged_in_no_time(shop: Shop, wire: Wire) -> None:
    """Not a benchmark: a page near the end must not cost more than one near the beginning."""
    shop.sandbox.build.customers(200_000)
    oldest = shop.sandbox.world.store.ids("customer")[200]
    began = time.perf_counter()
    for _ in range(20):
        assert len(wire.send("GET", "/v1/customers", {"starting_after": oldest, "limit": 100})[1]["data"]) == 100
    assert time.perf_counter() - began < 2


def test_customers_made_on_demand_are_customers(shop: Shop) -> None:
    shop.sandbox.build.customers(3)
    first = shop.sandbox.get("/v1/customers")["data"][-1]["id"]
    shop.sandbox.post(f"/v1/customers/{first}/balance_transactions", {"amount": -5, "currency": "eur"})
    shown = shop.sandbox.get(f"/v1/customers/{first}")
    assert (shown["balance"], shown["currency"], shown["email"]) == (-5, "eur", "customer-1@example.com")
    assert len(shop.sandbox.get("/v1/customers")["data"]) == 3
