"""Rules about pending items, Stripe's balances and the policy's numbers at their threshold: outcome, reason, line."""

from dataclasses import replace

import pytest

from refund_worker.domain.facts import CustomerFacts, ItemNow, ItemState, PendingItem, Subscription
from refund_worker.domain.pending_items import judge_items
from refund_worker.domain.policy import Policy
from tests.domain.customers import DAY, NOW, facts, planned, with_invoice
from tests.domain.told import billing, decided, invoice_of, line_of

HISTORY = "invoice in_c -6000: -6000p@sub_1\nc1 -6000 applied in_c"
CHARGE = "ch_1 10000 in_1@sub_1"
CREDIT = facts(HISTORY, CHARGE)
NOTHING = facts("c1 -5 adjustment\nc2 +5 adjustment", CHARGE)
HOUR = 3600


def item(amount: int, name: str = "ii_1", **others: object) -> PendingItem:
    made = PendingItem(
        id=name,
        customer="cus_1",
        amount_minor=amount,
        currency="usd",
        subscription="sub_1",
        proration=True,
        period_start=NOW - 20 * DAY,
    )
    return replace(made, **others)  # type: ignore[arg-type]  # tests name fields by keyword


def pending(
    found: CustomerFacts, *items: PendingItem, status: str = "canceled", exclusive_tax: bool = False
) -> CustomerFacts:
    """The facts with these items of sub_1."""
    subscription = Subscription(id="sub_1", customer="cus_1", status=status, exclusive_tax=exclusive_tax)
    return replace(found, pending_items=items, subscriptions={"sub_1": subscription})


@pytest.mark.parametrize(
    ("debit", "expected", "line"),
    [
        (1499, "ch_1 1", ""),
        (1500, "skipped credit_gone:", "=> skipped: credit_gone"),
        (1501, "held pending_items:", "=> held: pending_items (items 2, net $0.01, subscription sub_1)"),
    ],
)
def test_credits_and_debits_of_one_subscription_are_summed(debit: int, expected: str, line: str) -> None:
    found = pending(NOTHING, item(-1500), item(debit, "ii_2"))
    assert decided(found) == expected
    assert line_of(found, "=> held") + line_of(found, "=> skipped") == line


def test_what_becomes_credit_is_shown_with_its_items() -> None:
    items = (item(-1500, price="gold"), item(300, "ii_2", price="silver"), item(-200, "ii_3", proration=False))
    found = pending(NOTHING, *items)
    assert decided(found) == "ch_1 1200"
    assert line_of(found, "$14.00") == (
        "$14.00, $12.00 of it proration by price of sub_1 (ii_1 -$15.00, ii_2 $3.00, ii_3 -$2.00)"
    )
    assert line_of(found, "cus_1:") == "cus_1: credit $14.00 = excluded $2.00 + refundable $12.00"


@pytest.mark.parametrize(
    ("status", "policy", "expected"),
    [
        ("canceled", Policy(), "ch_1 1500"),
        ("incomplete_expired", Policy(), "ch_1 1500"),
        ("active", Policy(), "skipped pending_items_left:"),
        ("past_due", Policy(), "skipped pending_items_left:"),
        ("active", Policy(pending_items_of_active="convert"), "ch_1 1500"),
        ("active", Policy(pending_items_of_active="convert", while_active="leave"), "skipped subscription_active:"),
    ],
)
def test_items_of_a_subscription_that_goes_on_are_left_to_it(status: str, policy: Policy, expected: str) -> None:
    found = pending(NOTHING, item(-1500), status=status)
    assert decided(found, policy=policy) == expected
    if expected == "skipped pending_items_left:":
        assert line_of(found, "=> skipped") == (
            "=> skipped: pending_items_left (items 1, net -$15.00, subscription sub_1)"
        )


def test_items_that_are_left_do_not_hold_credit_on_the_balance() -> None:
    assert decided(pending(CREDIT, item(-1500), status="active")) == "ch_1 6000"
    assert decided(pending(CREDIT, item(-1500))) == "ch_1 7500"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exclusive_tax": False, "deferred": False}, ""),
        ({"exclusive_tax": True}, "pending_items_taxed"),
        ({"deferred": True}, "pending_items_deferred"),
    ],
)
def test_items_whose_credit_cannot_be_told_are_held(changed: dict[str, bool], reason: str) -> None:
    found = pending(NOTHING, item(-1000), item(-500, "ii_2", **changed))
    assert decided(found).startswith(f"held {reason}:" if reason else "ch_1 1500")
    line = f"=> held: {reason} (items 2, net -$15.00, subscription sub_1)"
    assert line_of(found, "=> held") == (line if reason else "")


@pytest.mark.parametrize(("taxed", "expected"), [(False, "ch_1 1500"), (True, "held pending_items_taxed:")])
def test_tax_that_the_subscription_adds_holds_its_items(taxed: bool, expected: str) -> None:
    assert decided(pending(NOTHING, item(-1500), exclusive_tax=taxed)) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("paid", "ch_1 1500"), ("uncollectible", "held credited_invoice_unpaid: ch_1 1500")],
)
def test_items_that_credit_an_unpaid_invoice_are_held(status: str, expected: str) -> None:
    """Where Stripe names it; else by the period of the items."""
    for named in ("in_x", None):
        found = pending(NOTHING, item(-1500, credited_invoice=named))
        other = replace(invoice_of(found, "in_1"), id="in_x", status=status, payments=())
        found = billing(with_invoice(found, other), "in_x", start=NOW - 30 * DAY, end=NOW)
        assert decided(found) == expected
        how = "" if named else ", credited by_period"
        line = f"=> held: credited_invoice_unpaid (invoice in_x, status {status}{how})"
        assert line_of(found, "=> held") == ("" if status == "paid" else line)


@pytest.mark.parametrize(
    ("credited", "expected"), [(6000, "ch_1 6000"), (6001, "held credited_invoice_unpaid: ch_1 6000, ch_0 1")]
)
def test_items_that_credit_what_goodwill_paid_are_held(credited: int, expected: str) -> None:
    history = "c1 -4000 adjustment\nc2 +4000 applied in_1"
    found = facts(history, "ch_0 9000 in_0@sub_1\nch_1 6000 in_1@sub_1")
    found = with_invoice(found, replace(invoice_of(found, "in_1"), total_minor=10_000))
    assert decided(pending(found, item(-credited, credited_invoice="in_1"))) == expected


@pytest.mark.parametrize(("state", "expected"), [(ItemState.GONE, "ch_1 1500"), (ItemState.PENDING, "held")])
def test_no_cash_leaves_while_an_item_and_its_credit_both_exist(state: ItemState, expected: str) -> None:
    ready = pending(NOTHING, item(-1500))
    (conversion,) = planned(ready).conversions
    assert [one.item for one in conversion.items] == ["ii_1"]
    found = _converted(ready, state)
    assert decided(found).startswith(expected)
    line = "=> held: conversion_unfinished (conversion planned_sub_1, item ii_1, items 1, carried -$15.00)"
    assert line_of(found, "=> held") == ("" if state is ItemState.GONE else line)


def _converted(found: CustomerFacts, state: ItemState) -> CustomerFacts:
    """The facts after the credit of a conversion, with its item in this state."""
    done = judge_items(facts=found, currency="usd", policy=Policy(), now=NOW).facts
    done = replace(done, customer=replace(done.customer, credit_minor=1500))
    now = ItemNow(id="ii_1", state=state, item=None if state is ItemState.GONE else item(-1500))
    return replace(done, items_now={"ii_1": now})


@pytest.mark.parametrize(
    ("stated", "expected", "line"),
    [
        (6000, "ch_1 6000", ""),
        (
            5999,
            "held balance_disagrees: ch_1 6000",
            "=> held: balance_disagrees (balance -$59.99, ending balance -$60.00)",
        ),
    ],
)
def test_balances_that_disagree_hold_the_customer(stated: int, expected: str, line: str) -> None:
    found = replace(CREDIT, customer=replace(CREDIT.customer, credit_minor=stated))
    assert decided(found) == expected
    assert line_of(found, "=> held") == line


def test_the_policys_sums_and_hours() -> None:
    """Each number of the policy, one below and one above what the customer has."""
    limit, least = Policy(case_limit_minor={"usd": 5999}), Policy(minimum_minor={"usd": 6001})
    assert decided(CREDIT, policy=Policy(case_limit_minor={"usd": 6000}, minimum_minor={"usd": 6000})) == "ch_1 6000"
    assert decided(CREDIT, policy=limit) == "held above_limit: ch_1 6000"
    assert line_of(CREDIT, "=> held", policy=limit) == "=> held: above_limit (planned $60.00, limit $59.99)"
    assert decided(CREDIT, policy=least) == "skipped below_minimum:"
    assert line_of(CREDIT, "=> skipped", policy=least) == "=> skipped: below_minimum (planned $60.00, minimum $60.01)"
    draft = replace(
        invoice_of(CREDIT, "in_1"), id="in_d", status="draft", auto_advance=True, payments=(),
        automatically_finalizes_at=NOW + 24 * HOUR,
    )  # fmt: skip
    found = with_invoice(CREDIT, draft)
    assert decided(found, policy=Policy(quiet_hours=23)) == "ch_1 6000"
    assert decided(found, policy=Policy(quiet_hours=24)) == "held draft_invoice: ch_1 6000"
    assert line_of(found, "=> held").startswith("=> held: draft_invoice (invoice in_d, finalises 1971-")
