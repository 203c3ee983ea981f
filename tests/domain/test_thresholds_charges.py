"""Each rule about charges at its threshold: refund windows, bank debits, disputes, Connect, and what is left then."""

from dataclasses import replace
from typing import Literal

import pytest

from refund_worker.domain.bank_debits import BANK_DEBITS
from refund_worker.domain.facts import CustomerFacts, Dispute
from refund_worker.domain.policy import Policy
from refund_worker.domain.refund_windows import REFUND_WINDOWS
from tests.domain.customers import DAY, NOW, facts, planned, with_charge
from tests.domain.told import decided, line_of

HISTORY = "invoice in_c -6000: -6000p@sub_1\nc1 -6000 applied in_c"
REFUND = Policy(bank_debits="refund")


def paid_with(method: str, *, age_s: int, flags: str = "") -> CustomerFacts:
    """A credit of 6000 and one charge of 10000 that is so old."""
    found = facts(HISTORY, f"ch_1 10000 in_1@sub_1 method={method} {flags}")
    return with_charge(found, replace(found.charges[0], created=NOW - age_s))


@pytest.mark.parametrize("method", sorted(REFUND_WINDOWS))
def test_each_refund_window_closes_after_its_days(method: str) -> None:
    days = REFUND_WINDOWS[method].days
    last, late = paid_with(method, age_s=days * DAY - 1), paid_with(method, age_s=days * DAY)
    assert decided(last, policy=REFUND) == "ch_1 6000"
    assert decided(late, policy=REFUND) == "skipped refund_window_closed:"
    closed = f"method {method}, window days {days}, closed 1971-02-05 00:00 UTC)"
    assert line_of(late, "ch_1:", policy=REFUND) == f"ch_1: window closed ({closed}"
    assert line_of(late, "=> skipped", policy=REFUND) == (
        f"=> skipped: refund_window_closed (refundable $60.00, charge ch_1, charges 1, left $100.00, {closed}"
    )


@pytest.mark.parametrize("method", ["card", "link", "customer_balance", "a_method_of_tomorrow"])
def test_a_method_without_a_documented_window_has_none(method: str) -> None:
    assert decided(paid_with(method, age_s=5000 * DAY)) == "ch_1 6000"


def test_the_policys_window_goes_before_the_documented_one() -> None:
    own = Policy(refund_window_days={"klarna": 90, "card": 30, "paypal": 200, "link": 0})
    for method, days in (("klarna", 90), ("card", 30), ("paypal", 200)):
        assert decided(paid_with(method, age_s=days * DAY - 1), policy=own) == "ch_1 6000"
        assert decided(paid_with(method, age_s=days * DAY), policy=own) == "skipped refund_window_closed:"
    assert decided(paid_with("link", age_s=0), policy=own) == "skipped refund_window_closed:"
    assert decided(paid_with("swish", age_s=90 * DAY), policy=own) == "ch_1 6000"


@pytest.mark.parametrize("method", sorted(name for name, debit in BANK_DEBITS.items() if debit.days is not None))
def test_a_bank_debit_is_held_as_long_as_it_can_be_disputed(method: str) -> None:
    """The refund window is kept out of it: some close before the bank's does."""
    days = BANK_DEBITS[method].days or 0
    policy = Policy(refund_window_days={method: 3650})
    young, old = paid_with(method, age_s=days * DAY - 1), paid_with(method, age_s=days * DAY)
    assert decided(young, policy=policy) == "held bank_debit_disputable: ch_1 6000"
    until = "1971-02-05 00:00 UTC"
    assert line_of(young, "=> held", policy=policy) == (
        f"=> held: bank_debit_disputable (charge ch_1, charges 1, method {method}, disputable until {until})"
    )
    assert decided(old, policy=policy) == "ch_1 6000"
    assert decided(young, policy=replace(policy, bank_debits="refund")) == "ch_1 6000"


def test_a_bacs_debit_can_be_disputed_for_ever() -> None:
    found = paid_with("bacs_debit", age_s=179 * DAY)
    assert decided(found) == "held bank_debit_disputable: ch_1 6000"
    assert line_of(found, "=> held").endswith("method bacs_debit, disputable without limit)")
    assert decided(found, policy=REFUND) == "ch_1 6000"


def test_a_bank_debit_that_the_plan_does_not_use_holds_nobody() -> None:
    found = facts(HISTORY, "ch_1 10000 in_1@sub_1 method=bacs_debit\nch_2 6000 in_2@sub_1")
    assert decided(found) == "ch_2 6000"
    smaller = facts(HISTORY, "ch_1 10000 in_1@sub_1 method=bacs_debit\nch_2 5999 in_2@sub_1")
    assert decided(smaller) == "held bank_debit_disputable: ch_2 5999, ch_1 1"


def disputed(*statuses: str, refundable: bool = True) -> CustomerFacts:
    found = facts(HISTORY, "ch_1 10000 in_1@sub_1 disputed")
    disputes = tuple(
        Dispute(id=f"dp_{place}", charge="ch_1", amount_minor=10_000, status=status, refundable=refundable)
        for place, status in enumerate(statuses)
    )
    return with_charge(found, replace(found.charges[0], disputes=disputes))


SEVERITY = [
    "prevented", "warning_closed", "won", "warning_under_review", "warning_needs_response", "a_status_of_tomorrow",
    "under_review", "needs_response", "lost",
]  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "refundable", "word"),
    [
        (["won"], True, None),
        (["warning_closed"], True, None),
        (["prevented"], True, None),
        (["won", "warning_closed"], True, None),
        (["won"], False, "dispute won not refundable"),
        (["warning_closed"], False, "dispute won not refundable"),
        (["lost"], True, "dispute lost"),
        (["lost"], False, "dispute lost"),
        (["won", "lost"], True, "dispute lost"),
        (["needs_response"], False, "dispute open"),
        (["needs_response"], True, "dispute open"),
        (["under_review"], True, "dispute open"),
        (["won", "under_review"], True, "dispute open"),
        (["a_status_of_tomorrow"], True, "dispute open"),
        (["warning_needs_response"], True, "dispute inquiry"),
        (["warning_under_review"], True, "dispute inquiry"),
        (["won", "warning_under_review"], True, "dispute inquiry"),
        (["warning_under_review", "needs_response"], True, "dispute open"),
        ([], True, "disputed"),
    ],
)
def test_a_disputed_charge_by_what_came_of_it(statuses: list[str], refundable: bool, word: str | None) -> None:
    found = disputed(*statuses, refundable=refundable)
    assert decided(found) == ("ch_1 6000" if word is None else "skipped charge_disputed:")
    worst = max(range(len(statuses)), key=lambda place: SEVERITY.index(statuses[place]), default=0)
    told = f" (dispute dp_{worst}, status {statuses[worst]})" if statuses else ""
    assert line_of(found, "ch_1:") == ("" if word is None else f"ch_1: {word}{told}")
    if word is not None:
        numbers = told.replace(" (", ", ") or ")"
        assert line_of(found, "=> skipped") == (
            f"=> skipped: charge_disputed (refundable $60.00, charge ch_1, charges 1, left $100.00{numbers}"
        )


def test_one_dispute_that_is_not_refundable_keeps_the_charge() -> None:
    found = disputed("won", "won")
    (first, second) = found.charges[0].disputes
    mixed = replace(found.charges[0], disputes=(first, replace(second, refundable=False)))
    assert decided(found) == "ch_1 6000"
    assert decided(with_charge(found, mixed)) == "skipped charge_disputed:"


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        ("ch_1 10000 in_1@sub_1", "ch_1 6000"),
        ("ch_1 10000 in_1@sub_1 connect", "skipped connect_charge:"),
        ("ch_1 10000 in_1@sub_1 connect\nch_2 9000 in_2@sub_1", "ch_2 6000"),
        # the most telling of several; what has nothing left, or paid something else, tells nothing
        ("ch_1 10000 in_1@sub_1 connect\nch_2 9000 in_2@sub_1 disputed", "skipped connect_charge:"),
        ("ch_1 10000 in_1@sub_1 disputed\nch_2 9000 in_2@sub_1 status=failed", "skipped charge_disputed:"),
        ("ch_1 10000 in_1@sub_1 connect refunded=10000", "skipped no_charge:"),
        ("ch_1 10000 in_1@sub_1 disputed refunded=10000", "skipped no_charge:"),
        ("ch_1 10000 in_1@sub_2 connect", "skipped no_charge:"),
        ("ch_1 10000 in_1@sub_2 disputed", "skipped no_charge:"),
        ("ch_1 10000 in_1@sub_1 status=failed", "skipped no_charge:"),
        ("ch_1 10000 in_1@sub_1 record", "skipped no_charge:"),
        ("", "skipped no_charge:"),
    ],
)
def test_why_no_charge_is_left(charges: str, expected: str) -> None:
    assert decided(facts(HISTORY, charges)) == expected


def test_connect_charges_are_counted_with_what_they_have_left() -> None:
    charges = (
        "ch_1 1000 in_1@sub_1 connect\nch_2 2000 in_2@sub_1 connect refunded=500\nch_3 5 in_3@sub_1 connect refunded=5"
    )
    assert line_of(facts(HISTORY, charges), "=> skipped") == (
        "=> skipped: connect_charge (refundable $60.00, charge ch_2, charges 2, left $25.00)"
    )


@pytest.mark.parametrize("choice", ["hold", "refund"])
def test_disputes_and_windows_are_not_part_of_the_digest(choice: Literal["hold", "refund"]) -> None:
    """A person approves charges and amounts; a later look at the same facts must find the same digest."""
    policy = Policy(bank_debits=choice)
    found = facts(HISTORY, "ch_1 10000 in_1@sub_1 method=us_bank_account")
    digests = {planned(found, policy=policy, now=NOW + age * DAY).digest for age in (0, 49, 50, 51)}
    assert len(digests) == 1
    assert planned(disputed("won")).digest == planned(disputed("won", "warning_closed")).digest
