"""Which events happen, and what they say changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from refund_worker.sandbox import SandboxError
from tests.sandbox.shop import DAY, Shop

if TYPE_CHECKING:
    from collections.abc import Callable


class Since:
    """The events after a moment, oldest first."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._seen = {event["id"] for event in self._all()}

    def _all(self) -> list[dict[str, Any]]:
        store = self._shop.sandbox.world.store
        return [record.fields for record in store.all("event")]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self._all() if event["id"] not in self._seen and event["type"] == kind]

    def changes(self, kind: str) -> list[dict[str, Any] | None]:
        """`previous_attributes` of the events of a kind."""
        return [event["data"].get("previous_attributes") for event in self.events(kind)]

    def balances(self) -> list[tuple[int, int]]:
        """(before, after) of each move of a customer's balance."""
        return [
            (event["data"]["previous_attributes"]["balance"], event["data"]["object"]["balance"])
            for event in self.events("customer.updated")
            if "balance" in event["data"]["previous_attributes"]
        ]


def test_each_move_of_the_balance_says_what_it_was(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    shop.half_a_period(subscription)
    since = Since(shop)
    shop.change(subscription, shop.price(1_000))  # the proration invoice: 5,000 back, 500 for the rest
    path = f"/v1/customers/{customer}/balance_transactions"
    shop.sandbox.post(path, {"amount": 500, "currency": "usd"})
    shop.sandbox.post(f"/v1/customers/{customer}", {"balance": -700})
    shop.sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": 300, "currency": "usd"})
    draft = shop.sandbox.post("/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    shop.sandbox.post(f"/v1/invoices/{draft['id']}/finalize")
    assert since.balances() == [(0, -4_500), (-4_500, -4_000), (-4_000, -700), (-700, -400)]
    assert [row["data"]["object"]["id"] for row in since.events("customer.updated")] == [customer] * 4


def test_a_voided_invoice_gives_back_what_it_had_used(shop: Shop) -> None:
    customer = shop.customer(balance=-300)
    shop.sandbox.build.payment_method(customer, outcome="waits")
    invoice = shop.subscribe(customer, shop.price(1_000))["latest_invoice"]
    since = Since(shop)
    shop.sandbox.post(f"/v1/invoices/{invoice}/void")
    assert since.balances() == [(0, -300)]
    assert len(since.events("invoice.voided")) == 1


def test_the_life_of_a_subscription(shop: Shop) -> None:
    since = Since(shop)
    customer, subscription = shop.subscribed(10_000)
    assert len(since.events("customer.subscription.created")) == 1
    assert since.events("customer.subscription.updated") == []
    shop.change(subscription, shop.price(20_000))
    assert list(since.changes("customer.subscription.updated")[0] or ()) == ["items"]
    shop.sandbox.build.payment_method(customer, outcome="fails")
    shop.sandbox.clock.advance(32 * DAY)
    assert {"status": "active"} in since.changes("customer.subscription.updated")  # now past_due
    shop.sandbox.build.payment_method(customer, outcome="succeeds")
    shop.sandbox.post(f"/v1/invoices/{shop.invoices(customer, status='open')[0]['id']}/pay")
    assert {"status": "past_due"} in since.changes("customer.subscription.updated")
    shop.cancel(subscription)
    ended = since.events("customer.subscription.deleted")
    assert [event["data"]["object"]["status"] for event in ended] == ["canceled"]
    shop.sandbox.delete(f"/v1/customers/{customer}")
    assert [event["data"]["object"]["id"] for event in since.events("customer.deleted")] == [customer]


def test_a_first_payment_that_fails_is_told_once(shop: Shop) -> None:
    customer = shop.customer()
    shop.sandbox.build.payment_method(customer, outcome="fails")
    since = Since(shop)
    shop.subscribe(customer, shop.price(1_000))
    created = since.events("customer.subscription.created")
    assert [event["data"]["object"]["status"] for event in created] == ["incomplete"]
    assert since.events("customer.subscription.updated") == []


def _given_up(shop: Shop, invoice: str) -> None:
    shop.sandbox.post(f"/v1/invoices/{invoice}/mark_uncollectible")


def _voided(shop: Shop, invoice: str) -> None:
    shop.sandbox.post(f"/v1/invoices/{invoice}/void")


def _paid(shop: Shop, invoice: str) -> None:
    shop.sandbox.post(f"/v1/invoices/{invoice}/pay", {"paid_out_of_band": True})


@pytest.mark.parametrize(
    ("end", "kind"),
    [(_given_up, "invoice.marked_uncollectible"), (_voided, "invoice.voided"), (_paid, "invoice.paid")],
)
def test_the_life_of_an_invoice(shop: Shop, end: Callable[[Shop, str], None], kind: str) -> None:
    customer = shop.customer()
    shop.sandbox.build.payment_method(customer, outcome="waits")
    since = Since(shop)
    invoice = shop.subscribe(customer, shop.price(1_000))["latest_invoice"]
    end(shop, invoice)
    for each in ("invoice.created", "invoice.finalized", kind):
        assert [event["data"]["object"]["id"] for event in since.events(each)] == [invoice]


def test_the_life_of_a_credit_note(shop: Shop) -> None:
    customer = shop.customer()
    shop.sandbox.build.payment_method(customer, outcome="waits")
    invoice = shop.subscribe(customer, shop.price(1_000))["latest_invoice"]
    since = Since(shop)
    note = shop.sandbox.post("/v1/credit_notes", {"invoice": invoice, "amount": 400})["id"]
    assert shop.sandbox.get(f"/v1/invoices/{invoice}")["amount_due"] == 600
    shop.sandbox.post(f"/v1/credit_notes/{note}", {"memo": "sorry", "metadata": {"a": "b"}})
    shop.sandbox.post(f"/v1/credit_notes/{note}", {"memo": "sorry"})  # changes nothing
    voided = shop.sandbox.post(f"/v1/credit_notes/{note}/void")
    assert (voided["status"], voided["voided_at"]) == ("void", shop.sandbox.clock.now)
    assert shop.sandbox.get(f"/v1/invoices/{invoice}")["amount_due"] == 1_000
    assert len(since.events("credit_note.created")) == len(since.events("credit_note.voided")) == 1
    assert since.changes("credit_note.updated") == [{"memo": None, "metadata": {}}]
    with pytest.raises(SandboxError, match="only void issued"):
        shop.sandbox.post(f"/v1/credit_notes/{note}/void")
    shop.sandbox.build.payment_method(customer, outcome="succeeds")
    shop.sandbox.post(f"/v1/invoices/{invoice}/pay")
    assert shop.charges(customer)[0]["amount"] == 1_000


def test_a_credit_note_of_a_paid_invoice_stays(shop: Shop) -> None:
    _, subscription = shop.subscribed(1_000)
    asked = {"invoice": subscription["latest_invoice"], "amount": 400, "credit_amount": 400}
    note = shop.sandbox.post("/v1/credit_notes", asked)["id"]
    with pytest.raises(SandboxError, match="only void issued"):
        shop.sandbox.post(f"/v1/credit_notes/{note}/void")


def test_credit_in_another_currency_changes_no_attribute_that_an_event_shows(shop: Shop) -> None:
    """The customer's event shows `balance`, in its own currency; what is known of Stripe goes no further."""
    customer = shop.customer(balance=-100)
    since = Since(shop)
    moves = f"/v1/customers/{customer}/balance_transactions"
    shop.sandbox.post(moves, {"amount": -700, "currency": "eur"})
    (event,) = since.events("customer.updated")
    assert event["data"]["object"]["balance"] == -100
    assert event["data"]["previous_attributes"] == {}


@pytest.mark.parametrize("end", ["won", "lost"])
def test_the_life_of_a_dispute(shop: Shop, end: str) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=500)["id"]
    since = Since(shop)
    dispute = shop.sandbox.control.dispute(charge)["id"]
    shop.sandbox.control.turn_dispute(dispute, "under_review")
    shop.sandbox.control.turn_dispute(dispute, end)
    assert len(since.events("charge.dispute.created")) == 1
    assert since.changes("charge.dispute.updated") == [{"status": "needs_response"}]
    freed = {"is_charge_refundable": False} if end == "won" else {}
    assert since.changes("charge.dispute.closed") == [{"status": "under_review", **freed}]
    assert shop.sandbox.get(f"/v1/disputes/{dispute}")["status"] == end


def test_the_life_of_a_refund(shop: Shop) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=500)["id"]
    since = Since(shop)
    shop.sandbox.control.next_refund(status="pending")
    refund = shop.sandbox.post("/v1/refunds", {"charge": charge})["id"]
    assert since.changes("charge.refunded") == [{"amount_refunded": 0}]
    shop.sandbox.post(f"/v1/refunds/{refund}", {"metadata": {"a": "b"}})
    for status in ("succeeded", "failed"):
        shop.sandbox.control.turn_refund(refund, status)
    assert len(since.events("refund.created")) == len(since.events("refund.failed")) == 1
    assert since.changes("refund.updated") == [{"metadata": {}}, {"status": "pending"}, {"status": "succeeded"}]


def test_pending_items_come_and_go(shop: Shop) -> None:
    since = Since(shop)
    item = shop.sandbox.post("/v1/invoiceitems", {"customer": shop.customer(), "amount": 5, "currency": "usd"})["id"]
    shop.sandbox.delete(f"/v1/invoiceitems/{item}")
    for kind in ("invoiceitem.created", "invoiceitem.deleted"):
        assert [event["data"]["object"]["id"] for event in since.events(kind)] == [item]


def test_thirty_days_of_up_to_twenty_types_in_pages(shop: Shop) -> None:
    old = shop.customer()
    shop.sandbox.clock.advance(31 * DAY)
    made = [shop.customer() for _ in range(5)]
    shop.sandbox.delete(f"/v1/customers/{made[0]}")
    shop.sandbox.post(f"/v1/customers/{made[1]}", {"name": "Ada"})
    asked: dict[str, Any] = {"types": ["customer.created", "customer.deleted"], "limit": 2}
    found: list[str] = []
    more = True
    while more:
        page = shop.sandbox.get("/v1/events", asked)
        found += [event["data"]["object"]["id"] for event in page["data"]]
        asked["starting_after"], more = page["data"][-1]["id"], page["has_more"]
    assert found == [made[0], *reversed(made)]
    assert old not in found
    with pytest.raises(SandboxError, match="maximum 20"):
        shop.sandbox.get("/v1/events", {"types": [f"customer.{number}" for number in range(21)]})
