"""Which charges may give money back, how refunds are split over them, and the word for each that may not."""

from dataclasses import replace

import pytest

from refund_worker.domain.allocation import allocate
from refund_worker.domain.charges import candidates, excluded_charges
from refund_worker.domain.facts import CustomerFacts, Refund
from refund_worker.domain.marks import Mark, write_mark
from refund_worker.domain.plans import Candidate, PlannedRefund
from refund_worker.domain.policy import Policy
from tests.domain.customers import DAY, NOW, facts, hand_refund, with_charge, with_invoice


def refundable(found: CustomerFacts, *, now: int = NOW) -> str:
    made = candidates(facts=found, subscription="sub_1", currency="usd", policy=Policy(), now=now)
    return ", ".join(f"{one.charge} {one.refundable_minor} {one.invoice}" for one in made)


def excluded(found: CustomerFacts, *, now: int = NOW) -> tuple[tuple[str, str], ...]:
    """The charges that give nothing back to sub_1, each with its word."""
    found_out = excluded_charges(facts=found, subscriptions={"sub_1"}, currency="usd", policy=Policy(), now=now)
    return tuple((one.charge, one.why) for one in found_out)


def customer(charges: str) -> CustomerFacts:
    return facts("start 0\nc1 -1 adjustment", charges)


def marked(amount: int, invoice: str, *, status: str = "succeeded", created: int = NOW) -> Refund:
    refund = hand_refund("ch_1", amount, created=created, status=status)
    mark = Mark(case="case_1", run="run_1", step="refund:1", debit="cbtxn_1", invoice=invoice)
    return replace(refund, metadata=write_mark(mark))


@pytest.mark.parametrize(
    ("charges", "word"),
    [
        ("ch_1 100 in_1@sub_1 status=failed", "failed"),
        ("ch_1 100 in_1@sub_1 status=pending", "pending"),
        ("ch_1 100 in_1@sub_1 uncaptured", "uncaptured"),
        ("ch_1 100 in_1@sub_1 disputed", "disputed"),
        ("ch_1 100 in_1@sub_1 currency=eur", "other_currency"),
        ("ch_1 100 in_1@sub_1 connect", "connect"),
        ("ch_1 100 in_1@sub_1 refunded=100", "refunded"),
        ("ch_1 100 in_1@sub_2", "not_of_subscription"),
        ("ch_1 100", "not_of_subscription"),
        ("ch_1 100 in_1@sub_1 record", "not_of_subscription"),
    ],
)
def test_the_word_for_a_charge_that_takes_no_refund(charges: str, word: str) -> None:
    found = customer(charges)
    assert refundable(found) == ""
    assert excluded(found) == (("ch_1", word),)


@pytest.mark.parametrize(
    ("method", "age_days", "open_"),
    [
        ("paypal", 179, True),
        ("paypal", 180, False),
        ("ideal", 180, False),
        ("card", 5000, True),
        ("sepa_debit", 179, True),
        ("sepa_debit", 180, False),
        ("link", 5000, True),
        ("a_method_of_tomorrow", 5000, True),
    ],
)
def test_only_documented_refund_windows_close(method: str, age_days: int, open_: bool) -> None:
    found = customer(f"ch_1 100 in_1@sub_1 method={method}")
    now = found.charges[0].created + age_days * DAY
    assert (refundable(found, now=now) != "") is open_
    words = excluded(found, now=now)
    assert words == (() if open_ else (("ch_1", "window_closed"),))


@pytest.mark.parametrize(
    ("status", "why", "rest_days"),
    [("failed", "expired_or_canceled_card", 30), ("failed", None, 30), ("failed", "insufficient_funds", 1),
     ("canceled", None, 30)],
)  # fmt: skip
def test_a_charge_over_which_our_refund_failed_rests(status: str, why: str | None, rest_days: int) -> None:
    """Stripe expects another way to pay then; where our own balance was short, a day is enough."""
    found = customer("ch_1 100 in_1@sub_1")
    failed = replace(marked(30, "in_1", status=status), failure_reason=why)
    found = with_charge(found, replace(found.charges[0], refunds=(failed,)))
    until = NOW + rest_days * DAY
    assert refundable(found, now=until - 1) == ""
    words = excluded(found, now=until - 1)
    assert words == (("ch_1", "refund_failed"),)
    assert refundable(found, now=until) == "ch_1 100 in_1"


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_by_hand_that_failed_says_nothing_of_ours(status: str) -> None:
    """Whoever made it looks after it."""
    found = customer("ch_1 100 in_1@sub_1")
    by_hand = hand_refund("ch_1", 30, created=NOW, status=status)
    assert refundable(with_charge(found, replace(found.charges[0], refunds=(by_hand,)))) == "ch_1 100 in_1"


@pytest.mark.parametrize(
    ("refunds", "expected"),
    [
        ((), "ch_1 60 in_1"),
        ((marked(30, "in_1"),), "ch_1 30 in_1"),
        ((marked(30, "in_2"),), "ch_1 60 in_1"),
        ((marked(40, "in_2"), replace(marked(30, "in_1"), id="re_2")), "ch_1 30 in_1"),
        ((marked(30, "in_elsewhere"),), "ch_1 30 in_1"),
        ((hand_refund("ch_1", 30, created=NOW),), "ch_1 30 in_1"),
        ((replace(marked(30, "in_2"), metadata={"refund_worker_case": "x"}),), "ch_1 30 in_1"),
        ((marked(30, "in_1", status="pending"),), "ch_1 30 in_1"),
        ((marked(30, "in_1", status="failed", created=NOW - 30 * DAY),), "ch_1 60 in_1"),
        ((marked(30, "in_1", status="canceled", created=NOW - 30 * DAY),), "ch_1 60 in_1"),
    ],
)
def test_a_charge_for_two_invoices_gives_each_its_own(refunds: tuple[Refund, ...], expected: str) -> None:
    found = customer("ch_1 100 in_1@sub_1:60 in_2@sub_2:40")
    assert refundable(with_charge(found, replace(found.charges[0], refunds=refunds))) == expected


def test_what_is_left_on_the_charge_limits_all_its_invoices() -> None:
    found = customer("ch_1 100 in_1@sub_1:60 in_2@sub_2:40")
    assert refundable(with_charge(found, replace(found.charges[0], refunded_minor=75))) == "ch_1 25 in_1"


@pytest.mark.parametrize("status", ["open", "canceled"])
def test_a_payment_that_was_not_made_counts_nothing(status: str) -> None:
    found = customer("ch_1 100 in_1@sub_1")
    invoice = found.invoices[0]
    unpaid = replace(invoice, payments=(replace(invoice.payments[0], status=status),))
    assert refundable(with_invoice(found, unpaid)) == ""


def test_the_newest_invoice_that_a_charge_paid_is_named() -> None:
    found = customer("ch_1 100 in_1@sub_1:60 in_2@sub_1:40")
    older = replace(found.invoices[1], created=1)
    assert refundable(found) == "ch_1 100 in_2"
    assert refundable(with_invoice(found, older)) == "ch_1 100 in_1"


def test_a_charge_that_was_read_twice_counts_once() -> None:
    found = customer("ch_1 100 in_1@sub_1")
    assert refundable(replace(found, charges=found.charges * 2)) == "ch_1 100 in_1"


def test_newest_first_then_by_id_descending() -> None:
    found = customer("ch_b 1 in_1@sub_1\nch_c 1 in_2@sub_1\nch_a 1 in_3@sub_1")
    same_second = replace(found, charges=tuple(replace(one, created=5) for one in found.charges))
    assert refundable(found) == "ch_a 1 in_3, ch_c 1 in_2, ch_b 1 in_1"
    assert refundable(same_second) == "ch_c 1 in_2, ch_b 1 in_1, ch_a 1 in_3"


def candidate(
    charge: str, subscription: str, refundable_minor: int, *, left: int = 1000, created: int = 1
) -> Candidate:
    return Candidate(
        charge=charge,
        subscription=subscription,
        invoice=f"in_{subscription}",
        created=created,
        captured_minor=left,
        refunded_minor=0,
        refundable_minor=refundable_minor,
        method="card",
    )


def split(refunds: tuple[PlannedRefund, ...]) -> str:
    return ", ".join(f"{refund.charge}/{refund.subscription} {refund.amount_minor}" for refund in refunds)


SHARED = (candidate("ch_1", "a", 60, left=70), candidate("ch_1", "b", 60, left=70))
TWO = (candidate("ch_1", "a", 60), candidate("ch_2", "a", 40, created=2))


@pytest.mark.parametrize(
    ("amounts", "charges", "used", "closed", "expected"),
    [
        ({"a": 50}, TWO, {}, set(), "ch_2/a 40, ch_1/a 10"),
        ({"a": 50}, TWO[::-1], {}, set(), "ch_2/a 40, ch_1/a 10"),
        ({"a": 500}, TWO, {}, set(), "ch_2/a 40, ch_1/a 60"),
        ({"a": 50}, TWO, {("ch_2", "a"): 15}, set(), "ch_2/a 25, ch_1/a 25"),
        ({"a": 50}, TWO, {}, {"ch_2"}, "ch_1/a 50"),
        ({"a": 50}, TWO, {}, {"ch_1", "ch_2"}, ""),
        ({"a": 0}, TWO, {}, set(), ""),
        ({"b": 50}, TWO, {}, set(), ""),
        # a charge that paid for two subscriptions counts once
        ({"a": 60, "b": 60}, SHARED, {}, set(), "ch_1/a 60, ch_1/b 10"),
        ({"b": 60}, SHARED, {("ch_1", "a"): 50}, set(), "ch_1/b 20"),
        ({"a": 30, "*": 60}, SHARED, {}, set(), "ch_1/a 60, ch_1/b 10"),
        ({"*": 20}, SHARED, {}, set(), "ch_1/a 20"),
    ],
)
def test_refunds_are_split_newest_charge_first(
    amounts: dict[str, int],
    charges: tuple[Candidate, ...],
    used: dict[tuple[str, str], int],
    closed: set[str],
    expected: str,
) -> None:
    refunds = allocate(amounts=amounts, candidates=charges, used=used, closed=closed)
    assert split(refunds) == expected


@pytest.mark.parametrize(("amount", "expected"), [(47, "ch_2/a 40"), (57, "ch_2/a 40, ch_1/a 10"), (9, "")])
def test_each_refund_is_a_multiple_of_the_step(amount: int, expected: str) -> None:
    assert split(allocate(amounts={"a": amount}, candidates=TWO, step_minor=10)) == expected
