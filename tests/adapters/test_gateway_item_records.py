"""A deleted item can be made again from its record: exactly, without discounting twice, and from any answer."""

import json

import pytest
from structlog.testing import capture_logs

from refund_worker.domain.errors import UnreadableAnswer
from refund_worker.domain.facts import PendingItem
from refund_worker.sandbox import Sandbox
from tests.adapters.canned import Canned, page
from tests.adapters.gateways import freely, in_process
from tests.adapters.sandbox_customers import customer_of, invoice_with
from tests.adapters.stripe_answers import ITEM


def read(**changes: object) -> PendingItem:
    """The item that the gateway reads, with other keys."""
    (item,) = in_process(Canned(page(ITEM | changes))).api.pending_items("cus_1")
    return item


def test_an_item_is_made_again_from_what_its_deletion_left() -> None:
    """What the record holds is sent as it is, but `also_read`; what comes is the same item with another id."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    rate = sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": 20, "inclusive": True})["id"]
    invoice_with(sandbox, customer, 100)
    made = sandbox.post(
        "/v1/invoiceitems",
        {
            "customer": customer,
            "amount": -700,
            "currency": "usd",
            "description": "Late credit",
            "metadata": {"ticket": "4711"},
            "period": {"start": 1_795_000_000, "end": 1_796_000_000},
            "tax_rates": [rate],
        },
    )
    api = in_process(sandbox).api
    (before,) = api.pending_items(customer)
    api.delete_item(item=made["id"], check=freely)
    record = json.loads(json.dumps(dict(before.record)))
    assert record.pop("also_read")["id"] == made["id"]
    again = sandbox.post("/v1/invoiceitems", record)
    assert {key: again[key] for key in made if key not in {"id", "date"}} == {
        key: made[key] for key in made if key not in {"id", "date"}
    }
    (after,) = api.pending_items(customer)
    assert (after.amount_minor, after.period_start, after.period_end) == (-700, 1_795_000_000, 1_796_000_000)


def test_a_proration_says_how_to_make_it_and_what_it_was() -> None:
    """Parameters by Stripe's names; a price is none of them: the amount is exact, and Stripe takes one of the two."""
    assert read().record == {
        "customer": "cus_1",
        "amount": -5000,
        "currency": "usd",
        "description": "Unused time on Plan",
        "discountable": False,
        "metadata": {"plan": "x"},
        "period": {"start": 10, "end": 20},
        "subscription": "sub_1",
        "tax_rates": ["txr_1"],
        "also_read": {
            "id": "ii_1",
            "date": 5,
            "proration": True,
            "price": "price_1",
            "quantity": 1,
            "quantity_decimal": "1",
            "unit_amount_decimal": "10000",
            "subscription_item": "si_1",
            "credited_items": {"type": "invoice_line_items", "invoice": "in_1", "invoice_line_items": ["il_1"]},
            "gross_amount": -5000,
        },
    }


def test_discounts_that_are_in_the_amount_are_not_taken_again() -> None:
    """-50.00 itemized with 10.00 off credits 40.00; that is the amount to make it with, and its discounts are told."""
    item = read(net_amount=-4000, discounts=["di_1", {"id": "di_2", "object": "discount"}])
    assert item.amount_minor == item.record["amount"] == -4000
    assert "discounts" not in item.record
    also_read = item.record["also_read"]
    assert isinstance(also_read, dict)
    assert (also_read["gross_amount"], also_read["discounts"]) == (-5000, ["di_1", "di_2"])


def test_discounts_that_an_invoice_would_take_are_parameters() -> None:
    """Of an item that is discountable `net_amount` says nothing."""
    item = read(discountable=True, net_amount=-1, amount=900, discounts=["di_1"])
    assert item.amount_minor == item.record["amount"] == 900
    assert item.record["discounts"] == [{"discount": "di_1"}]


def test_a_credit_for_an_item_that_was_not_invoiced_names_no_invoice() -> None:
    """It names that item instead."""
    credited = {"type": "invoice_item", "invoice_item": "ii_0", "invoice_line_item_details": None}
    item = read(proration_details={"credited_items": credited, "discount_amounts": []})
    assert item.credited_invoice is None
    also_read = item.record["also_read"]
    assert isinstance(also_read, dict)
    assert also_read["credited_items"] == {"type": "invoice_item", "invoice_item": "ii_0"}


def test_a_customer_that_is_an_account_is_named_by_that_parameter() -> None:
    """Items of an account that stands for a customer have no `customer`."""
    (item,) = in_process(Canned(page(ITEM | {"customer": None, "customer_account": "acct_9"}))).api.pending_items()
    assert item.customer == item.record["customer_account"] == "acct_9"
    assert "customer" not in item.record


def test_no_text_is_longer_or_stranger_than_a_database_takes() -> None:
    """Half a surrogate pair and NUL are JSON; a book is no description."""
    item = read(
        description="a\x00b\ud800c\n" + "d" * 9_000,
        metadata={f"{number:03}" + "k" * 99: "v" * 999 for number in range(80)},
        discounts=[f"di_{number}" for number in range(400)],
    )
    written = json.dumps(item.record, ensure_ascii=False).encode()
    assert len(written) < 64_000
    assert b"\x00" not in written
    metadata = item.record["metadata"]
    assert isinstance(metadata, dict)
    assert {(len(key), len(text)) for key, text in metadata.items()} == {(40, 500)}
    assert len(metadata) == 50
    description = item.record["description"]
    assert isinstance(description, str)
    assert description.startswith("a b c\nddd")


def test_one_odd_item_does_not_hide_the_others_of_the_account() -> None:
    """It is logged by its id and passed over; who asks for its customer is told."""
    odd = Canned(page(ITEM | {"id": "ii_odd", "period": "secret"}, ITEM))
    with capture_logs() as logged:
        assert [item.id for item in in_process(odd).api.pending_items()] == ["ii_1"]
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("item_unreadable", "warning")]
    assert "ii_odd" in logged[0]["detail"]
    assert "secret" not in logged[0]["detail"]
    with pytest.raises(UnreadableAnswer, match="ii_odd"):
        list(in_process(odd).api.pending_items("cus_1"))


def test_an_item_that_an_invoice_took_meanwhile_is_not_pending() -> None:
    """A list may be older than its rows."""
    api = in_process(Canned(page(ITEM | {"invoice": "in_2"}, ITEM | {"id": "ii_2"}))).api
    assert [item.id for item in api.pending_items("cus_1")] == ["ii_2"]
