"""The rules end to end: one customer of the sandbox on both sides of each rule's threshold, planned and explained.

What moves is the merchant's policy, the time, or what happened at the bank; the customer's story stays the same.
"""

import json
from dataclasses import dataclass

import pytest

from refund_worker.domain.credit import Cause
from refund_worker.domain.policy import Policy
from refund_worker.domain.runs import RunMode
from refund_worker.entrypoints.explaining import explanation_json, explanation_lines
from refund_worker.sandbox import Sandbox
from refund_worker.sandbox.population import SCENARIOS
from refund_worker.usecases.explain_customer import explain_customer
from tests.worlds import make_world, night

DAY_S = 86_400
_STORIES = {scenario.name: scenario for scenario in SCENARIOS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The account in which one story happened."""

    sandbox: Sandbox
    customer: str

    @classmethod
    def of(cls, story: str) -> "Told":
        """Let it happen."""
        sandbox = Sandbox()
        return cls(sandbox=sandbox, customer=_STORIES[story].build(sandbox))

    def decided(self, policy: Policy | None = None) -> str:
        """The outcome of a plan in words, after `explain` was seen to say the same."""
        world = make_world(self.sandbox, policy=policy)
        (case,) = night(world, self.customer, mode=RunMode.PLAN).cases
        words = f"{case.outcome} {case.reason}" if case.reason else f"{case.outcome} {case.planned_minor}"
        line = self.line("=>", policy)
        assert line.startswith("=> would refund" if case.reason is None else f"=> {words.replace(' ', ': ')}"), line
        return words

    def line(self, beginning: str, policy: Policy | None = None) -> str:
        """The first line of `explain` that begins so, blanks in front apart."""
        lines = explanation_lines(explain_customer(make_world(self.sandbox, policy=policy), self.customer))
        return next((line.strip() for line in lines if line.strip().startswith(beginning)), "")

    def disputed(self) -> str:
        """The customer's newest dispute."""
        (dispute, *_) = self.sandbox.get("/v1/disputes", {"limit": 1})["data"]
        return str(dispute["id"])


STORIES_AND_POLICIES: list[tuple[str, Policy, str, Policy, str]] = [
    (
        "bank_debit_disputable", Policy(), "held bank_debit_disputable",
        Policy(bank_debits="refund"), "planned 2000",
    ),
    (
        "refund_window_closed", Policy(), "skipped refund_window_closed",
        Policy(refund_window_days={"ideal": 365}), "planned 6000",
    ),
    (
        "refund_window_open", Policy(), "planned 8000",
        Policy(refund_window_days={"ideal": 30}), "skipped refund_window_closed",
    ),
    (
        "refunded_often", Policy(), "held refunded_often",
        Policy(customer_refunds_max=6), "planned 5280",
    ),
    (
        "automatic_tax", Policy(), "held automatic_tax",
        Policy(stripe_tax="refund"), "planned 4500",
    ),
    (
        "downgrade_at_mid_period", Policy(), "planned 4500",
        Policy(while_active="leave"), "skipped subscription_active",
    ),
    (
        "downgrade_at_mid_period", Policy(refund_after=frozenset({Cause.PRICE})), "planned 4500",
        Policy(refund_after=frozenset({Cause.CANCELLATION, Cause.QUANTITY, Cause.OTHER_CHANGE})),
        "skipped no_refundable_credit",
    ),
    (
        "refunded_often", Policy(customer_refunds_max=9, refund_after=frozenset({Cause.QUANTITY})), "planned 5280",
        Policy(customer_refunds_max=9, refund_after=frozenset({Cause.PRICE})), "skipped no_refundable_credit",
    ),
    (
        "pending_prorations", Policy(), "skipped pending_items_left",
        Policy(pending_items_of_active="convert"), "planned 4500",
    ),
    (
        "pending_credit_above_the_limit", Policy(), "held above_limit",
        Policy(case_limit_minor={"usd": 60_000}), "planned 60000",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("story", "before", "first", "after", "then"), STORIES_AND_POLICIES)
def test_the_policy_moves_a_rule(story: str, before: Policy, first: str, after: Policy, then: str) -> None:
    told = Told.of(story)
    assert told.decided(before) == first
    assert told.decided(after) == then


def test_a_bank_debit_is_let_go_in_the_second_in_which_the_bank_no_longer_takes_it_back() -> None:
    """SEPA: 13 months; by then its refund window must be the policy's own."""
    told = Told.of("bank_debit_disputable")
    (charge,) = told.sandbox.get("/v1/charges", {"customer": told.customer})["data"]
    policy = Policy(refund_window_days={"sepa_debit": 3650})
    told.sandbox.clock.advance(charge["created"] + 397 * DAY_S - 1 - told.sandbox.clock.now)
    assert told.decided(policy) == "held bank_debit_disputable"
    assert ", method sepa_debit, disputable until 2028-" in told.line("=> held", policy)
    told.sandbox.clock.advance(1)
    assert told.decided(policy) == "planned 2000"


@pytest.mark.parametrize(
    ("status", "refundable", "expected", "line"),
    [
        ("won", True, "planned 2000", ""),
        ("won", False, "skipped charge_disputed", "dispute won not refundable"),
        ("lost", False, "skipped charge_disputed", "dispute lost"),
        ("under_review", False, "skipped charge_disputed", "dispute open"),
    ],
)
def test_what_came_of_a_dispute_decides(status: str, refundable: bool, expected: str, line: str) -> None:
    told = Told.of("only_charge_disputed")
    assert told.decided() == "skipped charge_disputed"
    told.sandbox.control.turn_dispute(told.disputed(), status, refundable=refundable)
    assert told.decided() == expected
    assert line in told.line("ch_")


def test_credit_of_a_subscription_leaves_once_it_has_ended() -> None:
    """Under `while_active = "leave"`: the downgrade's credit waits, the cancellation lets it go."""
    told = Told.of("downgrade_at_mid_period")
    leave = Policy(while_active="leave")
    assert told.line("=>", leave).startswith("=> skipped: subscription_active (subscription sub_")
    (subscription,) = told.sandbox.get("/v1/subscriptions", {"customer": told.customer})["data"]
    told.sandbox.delete(f"/v1/subscriptions/{subscription['id']}")
    assert told.decided(leave) == "planned 4500"


def test_what_became_of_pending_items_is_explained_with_the_record_of_each() -> None:
    """The night puts the cancelled plan's item on the balance, deletes it and refunds; the record makes it again."""
    told = Told.of("cancelled_without_an_invoice")
    (item,) = told.sandbox.get("/v1/invoiceitems", {"customer": told.customer, "pending": True})["data"]
    world = make_world(told.sandbox)
    (case,) = night(world, told.customer).cases
    assert (case.outcome, case.refunded_minor, case.causes) == ("refunded", 5_000, ("cancellation",))
    lines = [line.strip() for line in explanation_lines(explain_customer(world, told.customer))]
    (moved,) = [line for line in lines if "pending items became credit" in line]
    assert "$50.00, $50.00 of it proration by cancellation of sub_" in moved
    (deleted,) = [line for line in lines if line.startswith(f"{item['id']} deleted, it was ")]
    record = json.loads(deleted.partition("it was ")[2])
    assert (record["amount"], record["customer"], record["currency"]) == (-5_000, told.customer, "usd")


@pytest.mark.parametrize(
    ("story", "money", "also"),
    [("pending_credit_deferred", "-$50.00", ", deferred"), ("pending_credit_without_its_tax", "-€50.00", "")],
)
def test_explain_names_the_items_that_wait_for_a_person(story: str, money: str, also: str) -> None:
    """Each by the id that settles it at Stripe, for people and in JSON."""
    told = Told.of(story)
    (item,) = told.sandbox.get("/v1/invoiceitems", {"customer": told.customer, "pending": True})["data"]
    (ended,) = told.sandbox.get("/v1/subscriptions", {"customer": told.customer, "status": "all"})["data"]
    assert told.line(item["id"]) == f"{item['id']} {money} of {ended['id']}{also}"
    explained = explanation_json(explain_customer(make_world(told.sandbox), told.customer))
    assert explained["pending_items"] == [
        {
            "item": item["id"],
            "amount_minor": -5_000,
            "subscription": ended["id"],
            "deferred": bool(also),
            "exclusive_tax": False,
        }
    ]


def test_explain_does_not_name_items_twice() -> None:
    """Those that become credit stand with what becomes of them."""
    told = Told.of("cancelled_without_an_invoice")
    assert told.line("pending items that become credit first") != ""
    assert told.line("pending items that stay") == ""
