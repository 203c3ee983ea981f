"""Pending invoice items: what they say, which invoices take them, and how they are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.sandbox.shop import Shop, Wire


def pending(shop: Shop, customer: str | None = None) -> list[dict[str, Any]]:
    named = {"customer": customer} if customer else {}
    found: list[dict[str, Any]] = shop.sandbox.get("/v1/invoiceitems", {"pending": True, "limit": 100, **named})["data"]
    return found


def item(shop: Shop, customer: str, amount: int = -500, **fields: Any) -> str:
    asked = {"customer": customer, "amount": amount, "currency": "usd", **fields}
    return str(shop.sandbox.post("/v1/invoiceitems", asked)["id"])


def cancelled(shop: Shop, price: int = 10_000, **terms: Any) -> tuple[str, dict[str, Any]]:
    """Cancelled at half with proration, but without an invoice."""
    customer, made = shop.subscribed(price, **terms)
    shop.half_a_period(made)
    shop.sandbox.delete(f"/v1/subscriptions/{made['id']}", {"prorate": True})
    return customer, made


def test_a_cancellation_without_an_invoice_leaves_its_credit_pending(shop: Shop) -> None:
    """As it was recorded: only the moment, the period and the price tell whose time it is."""
    customer, made = cancelled(shop)
    (left,) = pending(shop, customer)
    assert (left["amount"], left["proration"], shop.balance(customer)) == (-5_000, True, 0)
    assert (left["parent"], "proration_details" in left) == (None, False)
    ended = shop.sandbox.get(f"/v1/subscriptions/{made['id']}")
    (row,) = ended["items"]["data"]
    assert left["period"] == {"start": ended["ended_at"], "end": row["current_period_end"]}
    assert (left["pricing"]["price_details"]["price"], left["date"]) == (row["price"]["id"], ended["ended_at"])
    assert (left["quantity"], left["invoicing_rules"]) == (1, [])
    assert left["frozen_fields"] == ["pricing", "quantity", "discounts"]


def test_a_cancellation_whose_item_names_its_subscription(shop: Shop) -> None:
    """As it is documented."""
    customer, made = shop.subscribed(10_000)
    shop.sandbox.build.prorations(made["id"], named=True)
    shop.half_a_period(made)
    shop.sandbox.delete(f"/v1/subscriptions/{made['id']}", {"prorate": True})
    (left,) = pending(shop, customer)
    assert left["parent"]["subscription_details"]["subscription"] == made["id"]
    details = left["proration_details"]["credited_items"]["invoice_line_item_details"]
    assert details["invoice"] == made["latest_invoice"]
    assert left["pricing"]["price_details"]["price"] == made["items"]["data"][0]["price"]["id"]


def test_another_cancellation_leaves_an_item_alone_that_names_nothing(shop: Shop) -> None:
    """One without proration removes the pending prorations of its own subscription, and no others."""
    customer, _ = cancelled(shop)
    other = shop.subscribe(customer, shop.price(0))
    shop.half_a_period(other)
    before = pending(shop, customer)
    shop.sandbox.delete(f"/v1/subscriptions/{other['id']}")
    assert pending(shop, customer) == before


def test_prorations_of_older_times_do_not_say_what_they_credit(shop: Shop) -> None:
    customer, made = shop.subscribed(10_000)
    shop.sandbox.build.prorations(made["id"], credited=False)
    shop.half_a_period(made)
    shop.change(made, shop.price(1_000))
    (line, _) = shop.invoices(customer)[0]["lines"]["data"]
    details = line["parent"]["subscription_item_details"]
    assert (line["amount"], details["proration_details"]["credited_items"]) == (-5_000, None)


def test_a_cancellation_whose_invoice_is_a_draft_first(shop: Shop) -> None:
    customer, made = shop.subscribed(10_000)
    shop.sandbox.build.prorations(made["id"], draft=True)
    shop.half_a_period(made)
    shop.cancel(made)
    invoice = shop.invoices(customer)[0]
    assert (invoice["status"], invoice["auto_advance"], invoice["billing_reason"]) == (
        "draft", True, "subscription_cycle",
    )  # fmt: skip
    assert shop.balance(customer) == 0
    shop.sandbox.clock.advance(3_600)
    assert (shop.balance(customer), shop.invoices(customer)[0]["status"]) == (-5_000, "paid")


def test_an_ended_subscription_is_still_there_to_read(shop: Shop) -> None:
    customer, made = cancelled(shop)
    assert shop.sandbox.get(f"/v1/subscriptions/{made['id']}")["status"] == "canceled"
    assert shop.sandbox.get("/v1/subscriptions", {"customer": customer})["data"] == []
    every = shop.sandbox.get("/v1/subscriptions", {"customer": customer, "status": "all"})["data"]
    assert [(row["id"], row["status"]) for row in every] == [(made["id"], "canceled")]


def test_all_pending_items_of_the_account(shop: Shop) -> None:
    first, _ = cancelled(shop)
    second, _ = cancelled(shop, 2_000)
    assert [(row["customer"], row["amount"]) for row in pending(shop)] == [(second, -1_000), (first, -5_000)]


def test_tax_rates_show_on_the_item_or_on_its_subscription(shop: Shop) -> None:
    rate = shop.sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": False})
    customer, made = cancelled(shop, default_tax_rates=[rate["id"]])
    assert pending(shop, customer)[0]["tax_rates"] == []
    found = shop.sandbox.get(f"/v1/subscriptions/{made['id']}")["default_tax_rates"]
    assert [(one["id"], one["inclusive"]) for one in found] == [(rate["id"], False)]
    item(shop, customer, tax_rates=[rate["id"]])
    assert [one["id"] for one in pending(shop, customer)[0]["tax_rates"]] == [rate["id"]]


def test_a_deleted_item_is_gone(shop: Shop, wire: Wire) -> None:
    made = item(shop, shop.customer())
    shown = {"id": made, "object": "invoiceitem", "deleted": True}
    assert wire.send("DELETE", f"/v1/invoiceitems/{made}")[:2] == (200, shown)
    for method in ("DELETE", "GET"):
        assert wire.error(method, f"/v1/invoiceitems/{made}") == (
            404, "resource_missing", "id", f"No such Invoice Item: '{made}'(livemode=false)",
        )  # fmt: skip
    assert pending(shop) == []


def test_an_item_on_a_finalised_invoice_cannot_be_deleted_nor_changed(shop: Shop, wire: Wire) -> None:
    customer = shop.customer()
    made = item(shop, customer, 5_000)
    asked = {"customer": customer, "pending_invoice_items_behavior": "include"}
    draft = shop.sandbox.post("/v1/invoices", asked)["id"]
    assert shop.sandbox.get(f"/v1/invoiceitems/{made}")["invoice"] == draft
    shop.sandbox.post(f"/v1/invoices/{draft}/finalize")
    refused = "Can't delete an invoice item that is attached to an invoice that is no longer editable"
    assert wire.error("DELETE", f"/v1/invoiceitems/{made}") == (400, None, None, refused)
    assert wire.error("POST", f"/v1/invoiceitems/{made}", {"amount": 1})[0] == 400
    assert shop.sandbox.get(f"/v1/invoiceitems/{made}")["amount"] == 5_000


def test_an_item_on_a_draft_leaves_it_with_its_line(shop: Shop) -> None:
    customer = shop.customer()
    draft = shop.sandbox.post("/v1/invoices", {"customer": customer})["id"]
    made = item(shop, customer, 700, invoice=draft)
    shop.sandbox.post(f"/v1/invoiceitems/{made}", {"amount": 900, "description": "More"})
    shown = shop.sandbox.get(f"/v1/invoices/{draft}")
    assert [(line["amount"], line["description"]) for line in shown["lines"]["data"]] == [(900, "More")]
    shop.sandbox.delete(f"/v1/invoiceitems/{made}")
    shown = shop.sandbox.get(f"/v1/invoices/{draft}")
    assert (shown["total"], shown["lines"]["data"]) == (0, [])


def test_the_items_of_a_deleted_draft_are_dead(shop: Shop, wire: Wire) -> None:
    customer = shop.customer()
    made = item(shop, customer, 700)
    asked = {"customer": customer, "pending_invoice_items_behavior": "include"}
    draft = shop.sandbox.post("/v1/invoices", asked)["id"]
    shop.sandbox.delete(f"/v1/invoices/{draft}")
    assert shop.sandbox.get(f"/v1/invoiceitems/{made}")["invoice"] == draft
    assert shop.sandbox.get("/v1/invoiceitems", {"customer": customer})["data"] == []
    assert wire.error("DELETE", f"/v1/invoiceitems/{made}")[0] == 400
    changed = wire.error("POST", f"/v1/invoiceitems/{made}", {"description": "gone"})
    assert changed == (400, None, None, "This invoice item has been deleted.")


def test_no_invoice_takes_a_deferred_item_until_its_rules_are_taken_away(shop: Shop, wire: Wire) -> None:
    customer = shop.customer()
    made = item(shop, customer, 700)
    shop.sandbox.control.defer(made)
    asked = {"customer": customer, "pending_invoice_items_behavior": "include"}
    assert shop.sandbox.post("/v1/invoices", asked)["lines"]["data"] == []
    (left,) = pending(shop, customer)
    assert left["invoicing_rules"] == [{"type": "defer_until_credited_items_resolved"}]
    assert wire.error("POST", f"/v1/invoiceitems/{made}", {"invoicing_rules": "x"})[0] == 400
    shop.sandbox.post(f"/v1/invoiceitems/{made}", {"invoicing_rules": ""})
    assert shop.sandbox.post("/v1/invoices", asked)["total"] == 700


def test_a_pending_item_may_be_changed(shop: Shop) -> None:
    made = item(shop, shop.customer(), metadata={"a": "1"})
    shown = shop.sandbox.post(f"/v1/invoiceitems/{made}", {"amount": -300, "metadata": {"b": "2"}})
    assert (shown["amount"], shown["metadata"]) == (-300, {"a": "1", "b": "2"})


def test_the_books_show_what_is_pending(shop: Shop) -> None:
    customer, _ = cancelled(shop)
    (books,) = shop.sandbox.books()
    assert [(row.amount, row.subscription) for row in books.pending_items] == [(-5_000, None)]
    alone = shop.customer()
    other = item(shop, alone, -70)
    found = {book.customer: book for book in shop.sandbox.books()}
    assert [row.item for row in found[alone].pending_items] == [other]
    on_draft = shop.sandbox.post("/v1/invoices", {"customer": alone})["id"]
    item(shop, alone, 30, invoice=on_draft)
    assert [row.item for row in {book.customer: book for book in shop.sandbox.books()}[alone].pending_items] == [other]
    shop.sandbox.delete(f"/v1/invoiceitems/{other}")
    assert {book.customer for book in shop.sandbox.books()} == {customer}


def test_the_balances_of_every_currency_in_a_page_of_movements(client: stripe.StripeClient, shop: Shop) -> None:
    customer = shop.customer(balance=-500)
    moves = f"/v1/customers/{customer}/balance_transactions"
    shop.sandbox.post(moves, {"amount": -700, "currency": "eur"})
    shop.sandbox.post(moves, {"amount": 40, "currency": "cad"})
    moved = client.v1.customers.balance_transactions.list(
        customer, {"expand": ["data.customer.invoice_credit_balance"], "limit": 1}
    )
    (shown,) = (row.customer for row in moved.data)
    assert isinstance(shown, stripe.Customer)
    read = client.v1.customers.retrieve(customer, {"expand": ["invoice_credit_balance"]})
    (swept,) = client.v1.customers.list({"expand": ["data.invoice_credit_balance"]}).data
    for found in (shown, read, swept):
        assert found.invoice_credit_balance is not None
        assert found.invoice_credit_balance.to_dict() == {"usd": 500, "eur": 700, "cad": -40}
        assert (found.balance, found.currency) == (-500, "usd")
    shop.sandbox.delete(f"/v1/customers/{customer}")
    gone = shop.sandbox.get(f"/v1/customers/{customer}", {"expand": ["invoice_credit_balance"]})
    assert gone == {"id": customer, "object": "customer", "deleted": True}


def test_stripes_own_client_deletes_and_is_told_that_it_is_gone(client: stripe.StripeClient, shop: Shop) -> None:
    made = item(shop, shop.customer())
    assert client.v1.invoice_items.delete(made).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.invoice_items.delete(made)
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
