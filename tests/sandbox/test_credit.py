"""How credit comes about, is used, and returns; the sums are worked out by hand."""

from __future__ import annotations

import pytest

from tests.sandbox.shop import DAY, Shop


def test_a_downgrade_at_mid_period_gives_half_of_the_difference(shop: Shop) -> None:
    """US$100 to US$10 in the middle: 50.00 unused, 5.00 for the rest, 45.00 credit, one movement."""
    customer, subscription = shop.subscribed(10_000)
    shop.half_a_period(subscription)
    shop.change(subscription, shop.price(1_000))
    assert shop.balance(customer) == -4_500
    assert shop.movements(customer) == [("applied_to_invoice", -4_500, -4_500)]
    newest = shop.invoices(customer)[0]
    assert [newest[name] for name in ("total", "status", "amount_due", "starting_balance", "ending_balance")] == [
        -4_500, "paid", 0, 0, -4_500,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "left_of_30_days", "credit"),
    [
        (2_000, 1_000, 10 * DAY, 334),  # the recorded one: -667 + 333
        (10_000, 1_000, 30 * DAY, 9_000),
        (10_000, 1_000, 1, 0),  # a second: 0.39 of a cent rounds to nothing
        (2_003, 1_001, 15 * DAY, 501),  # 1,001.5 and 500.5 round away from zero: -1,002 + 501
    ],
)
def test_proration_is_to_the_second_and_rounds_half_away_from_zero(
    shop: Shop, old: int, new: int, left_of_30_days: int, credit: int
) -> None:
    customer, subscription = shop.subscribed(old)
    item = subscription["items"]["data"][0]
    assert item["current_period_end"] - item["current_period_start"] == 30 * DAY  # 22 November to 22 December
    date = item["current_period_end"] - left_of_30_days
    shop.change(subscription, shop.price(new), proration_date=date)
    assert shop.balance(customer) == -credit


def test_an_upgrade_charges_the_difference(shop: Shop) -> None:
    customer, subscription = shop.subscribed(1_000)
    shop.half_a_period(subscription)
    shop.change(subscription, shop.price(10_000))
    assert shop.balance(customer) == 0
    assert [charge["amount"] for charge in shop.charges(customer)] == [4_500, 1_000]


def test_without_proration_a_change_moves_no_money(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    shop.half_a_period(subscription)
    shop.change(subscription, shop.price(1_000), proration_behavior="none")
    assert shop.balance(customer) == 0
    assert len(shop.invoices(customer)) == 1


def test_prorations_wait_for_the_next_invoice_where_they_are_only_created(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    shop.half_a_period(subscription)
    shop.change(subscription, shop.price(1_000), proration_behavior="create_prorations")
    assert shop.balance(customer) == 0
    pending = shop.sandbox.get("/v1/invoiceitems", {"customer": customer, "pending": True})["data"]
    assert [item["amount"] for item in pending] == [500, -5_000]
    shop.sandbox.clock.advance(16 * DAY)  # the renewal of 10.00 sweeps them: 10 - 50 + 5
    assert shop.balance(customer) == -3_500
    line = shop.invoices(customer)[0]["lines"]["data"][0]
    assert line["parent"]["type"] == "invoice_item_details"
    assert line["parent"]["invoice_item_details"]["proration"] is True
    assert line["parent"]["invoice_item_details"]["subscription"] == subscription["id"]


def test_the_credit_names_the_line_it_takes_back(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    first = shop.invoices(customer)[0]
    shop.half_a_period(subscription)
    shop.change(subscription, shop.price(1_000))
    details = shop.invoices(customer)[0]["lines"]["data"][0]["parent"]["subscription_item_details"]
    assert details["proration_details"]["credited_items"] == {
        "invoice": first["id"],
        "invoice_line_items": [first["lines"]["data"][0]["id"]],
    }


@pytest.mark.parametrize(("mode", "credit"), [("flexible", 4_500), ("classic", 4_500)])
def test_cancelling_credits_what_is_unused(shop: Shop, mode: str, credit: int) -> None:
    customer, subscription = shop.subscribed(9_000, billing_mode={"type": mode})
    shop.half_a_period(subscription)
    assert shop.cancel(subscription)["status"] == "canceled"
    assert shop.balance(customer) == -credit


def test_classic_credits_the_price_and_flexible_what_was_billed(shop: Shop) -> None:
    """A price never billed (changed without proration) is credited in classic mode only."""
    credited = {}
    for mode in ("classic", "flexible"):
        customer, subscription = shop.subscribed(1_000, billing_mode={"type": mode})
        shop.change(subscription, shop.price(9_000), proration_behavior="none")
        item = shop.sandbox.get(f"/v1/subscriptions/{subscription['id']}")["items"]["data"][0]
        half = (item["current_period_end"] - item["current_period_start"]) // 2
        shop.change(subscription, shop.price(2_000), proration_date=item["current_period_start"] + half)
        credited[mode] = shop.invoices(customer)[0]["lines"]["data"][0]["amount"]
    assert credited == {"classic": -4_500, "flexible": -500}


def test_cancelling_with_a_pending_item_leaves_the_balance_alone(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    shop.half_a_period(subscription)
    shop.sandbox.delete(f"/v1/subscriptions/{subscription['id']}", {"prorate": True})
    assert shop.balance(customer) == 0
    pending = shop.sandbox.get("/v1/invoiceitems", {"customer": customer, "pending": True})["data"]
    assert [item["amount"] for item in pending] == [-5_000]


def test_goodwill_is_swept_onto_the_negative_invoice(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    shop.sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": -300, "currency": "usd"})
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    assert shop.movements(customer) == [("applied_to_invoice", -5_300, -5_300)]
    parents = [line["parent"]["type"] for line in shop.invoices(customer)[0]["lines"]["data"]]
    assert parents == ["invoice_item_details", "subscription_item_details"]


def test_an_item_of_another_subscription_is_not_swept(shop: Shop) -> None:
    customer, first = shop.subscribed(10_000)
    second = shop.subscribe(customer, shop.price(500))
    shop.sandbox.post(
        "/v1/invoiceitems", {"customer": customer, "amount": -300, "currency": "usd", "subscription": second["id"]}
    )
    shop.half_a_period(first)
    shop.cancel(first)
    assert shop.balance(customer) == -5_000


def test_a_later_invoice_uses_the_credit_and_voiding_it_returns_it(shop: Shop) -> None:
    customer = shop.customer(balance=-4_500)
    shop.sandbox.build.payment_method(customer, outcome="waits")
    subscription = shop.subscribe(customer, shop.price(6_000))
    invoice = shop.invoices(customer)[0]
    assert (invoice["amount_due"], invoice["starting_balance"], invoice["ending_balance"]) == (1_500, -4_500, 0)
    shop.sandbox.post(f"/v1/invoices/{subscription['latest_invoice']}/void")
    assert shop.movements(customer) == [
        ("unapplied_from_invoice", -4_500, -4_500),
        ("applied_to_invoice", 4_500, 0),
        ("initial", -4_500, -4_500),
    ]


def test_a_debt_is_added_to_the_next_invoice(shop: Shop) -> None:
    customer = shop.customer(balance=200)
    shop.subscribe(customer, shop.price(6_000))
    assert shop.charges(customer)[0]["amount"] == 6_200
    assert shop.balance(customer) == 0


def test_voiding_an_invoice_that_took_a_debt_restores_the_debt(shop: Shop) -> None:
    customer = shop.customer(balance=200)
    shop.sandbox.build.payment_method(customer, outcome="waits")
    subscription = shop.subscribe(customer, shop.price(6_000))
    assert shop.balance(customer) == 0
    shop.sandbox.post(f"/v1/invoices/{subscription['latest_invoice']}/void")
    assert shop.movements(customer)[0] == ("unapplied_from_invoice", 200, 200)


def test_less_than_the_smallest_charge_is_put_on_the_balance(shop: Shop) -> None:
    customer = shop.customer(balance=-970)
    shop.subscribe(customer, shop.price(1_000))
    assert shop.charges(customer) == []
    assert shop.movements(customer)[:2] == [("invoice_too_small", 30, 30), ("applied_to_invoice", 970, 0)]


def test_taxes_and_discounts_go_back_with_the_credit(shop: Shop) -> None:
    """100.00 less 10 % plus 20 % is 108.00; half of it back is 54.00."""
    rate = shop.sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "20", "inclusive": False})["id"]
    coupon = shop.sandbox.post("/v1/coupons", {"percent_off": "10"})["id"]
    customer, subscription = shop.subscribed(10_000, default_tax_rates=[rate], discounts=[{"coupon": coupon}])
    assert shop.charges(customer)[0]["amount"] == 10_800
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    assert shop.balance(customer) == -5_400
    line = shop.invoices(customer)[0]["lines"]["data"][0]
    assert (line["amount"], line["discount_amounts"], line["taxes"][0]["amount"]) == (-4_500, [], -900)


def test_itemized_prorations_show_their_discount(shop: Shop) -> None:
    coupon = shop.sandbox.post("/v1/coupons", {"percent_off": "10"})["id"]
    mode = {"type": "flexible", "flexible": {"proration_discounts": "itemized"}}
    customer, subscription = shop.subscribed(10_000, discounts=[{"coupon": coupon}], billing_mode=mode)
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    line = shop.invoices(customer)[0]["lines"]["data"][0]
    assert (line["amount"], line["discount_amounts"][0]["amount"]) == (-5_000, -500)
    assert shop.balance(customer) == -4_500


def test_currencies_are_kept_apart(shop: Shop) -> None:
    customer = shop.customer(balance=-100)
    path = f"/v1/customers/{customer}"
    shop.sandbox.post(f"{path}/balance_transactions", {"amount": -700, "currency": "cad"})
    shown = shop.sandbox.get(path, {"expand": ["invoice_credit_balance"]})
    assert (shown["balance"], shown["currency"]) == (-100, "usd")
    assert shown["invoice_credit_balance"] == {"usd": 100, "cad": 700}


def test_the_balance_can_be_set_absolutely(shop: Shop) -> None:
    customer = shop.customer(balance=-100)
    shop.sandbox.post(f"/v1/customers/{customer}", {"balance": 0})
    assert shop.movements(customer)[0] == ("adjustment", 100, 0)


def test_a_quantity_change_is_prorated(shop: Shop) -> None:
    customer = shop.customer()
    price = shop.price(1_000)
    made = shop.sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": price, "quantity": 5}]})
    shop.half_a_period(made)
    item = made["items"]["data"][0]["id"]
    shop.sandbox.post(
        f"/v1/subscriptions/{made['id']}",
        {"items": [{"id": item, "quantity": 2}], "proration_behavior": "always_invoice"},
    )
    assert shop.balance(customer) == -1_500


def test_removing_one_of_two_items_credits_only_that(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscribe(customer, shop.price(1_000), shop.price(4_000))
    shop.half_a_period(made)
    item = made["items"]["data"][1]["id"]
    shop.sandbox.post(
        f"/v1/subscriptions/{made['id']}",
        {"items": [{"id": item, "deleted": True}], "proration_behavior": "always_invoice"},
    )
    assert shop.balance(customer) == -2_000


def test_another_interval_restarts_the_period_and_charges_at_once(shop: Shop) -> None:
    customer, subscription = shop.subscribed(2_500)
    changed = shop.change(subscription, shop.price(25_000, interval="year"))
    assert [charge["amount"] for charge in shop.charges(customer)] == [22_500, 2_500]
    item = changed["items"]["data"][0]
    assert item["current_period_end"] - item["current_period_start"] == 365 * DAY


def test_yen_have_no_decimals(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(999, currency="jpy"))
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    assert shop.balance(customer) == -500  # 499.5 rounds away from zero


def test_credit_notes_give_credit_and_refunds(shop: Shop) -> None:
    customer, subscription = shop.subscribed(10_000)
    shop.sandbox.post(
        "/v1/credit_notes",
        {"invoice": subscription["latest_invoice"], "amount": 500, "credit_amount": 300, "refund_amount": 200},
    )
    assert shop.movements(customer) == [("credit_note", -300, -300)]
    assert shop.charges(customer)[0]["amount_refunded"] == 200
