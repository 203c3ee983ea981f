"""What is planned for whom: a table of customers with the expected refunds, and what a plan consists of."""

from dataclasses import replace

import pytest

from refund_worker.domain.credit import Cause, Origin
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.policy import Policy
from tests.domain.customers import DAY, NOW, facts, in_words, planned, with_charge

CREDIT_100 = "invoice in_c -10000: -10000p@sub_1\nc1 -10000 applied in_c"
CHARGES = "ch_1 9000 in_1@sub_1\nch_2 4000 in_2@sub_1"
BOTH = "invoice in_c -10000: -6000p@sub_1 -4000p@sub_2\nc1 -10000 applied in_c"


@pytest.mark.parametrize(
    ("history", "charges", "expected"),
    [
        # the US$100 -> US$10 downgrade at mid-period
        (
            "invoice in_d -4500: -5000p@sub_1 +500p@sub_1\nc1 -4500 applied in_d",
            "ch_1 10000 in_1@sub_1",
            "ch_1 4500",
        ),
        (CREDIT_100, "ch_1 10000 in_1@sub_1", "ch_1 10000"),
        (CREDIT_100, "ch_1 6000 in_1@sub_1\nch_2 4000 in_2@sub_1", "ch_2 4000, ch_1 6000"),
        (
            CREDIT_100,
            "ch_1 9000 in_1@sub_1\nch_2 2000 in_2@sub_1\nch_3 4000 in_3@sub_1\nch_4 1000 in_4@sub_1",
            "ch_4 1000, ch_3 4000, ch_2 2000, ch_1 3000",
        ),
        (CREDIT_100, "ch_1 3000 in_1@sub_1", "ch_1 3000"),
        ("invoice in_c -1: -1p@sub_1\nc1 -1 applied in_c", "ch_1 1 in_1@sub_1", "ch_1 1"),
        # charges that cannot give it all, or not at all
        (CREDIT_100, "ch_1 10000 in_1@sub_1 refunded=4000", "ch_1 6000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 refunded=9000", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 disputed", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 uncaptured", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 status=failed", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 status=pending", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 connect", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 currency=eur", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 record", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_2", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_1 captured=500", "ch_2 500, ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1 legacy", "ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 500 in_1@sub_1", "ch_2 500, ch_1 9000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1:2000 in_2@sub_2:7000", "ch_1 2000"),
        (CREDIT_100, "ch_1 9000 in_1@sub_1:2000 in_2@sub_1:1000", "ch_1 3000"),
        (CREDIT_100, "", "skipped no_charge:"),
        # two subscriptions
        (BOTH, "ch_1 9000 in_1@sub_1\nch_2 9000 in_2@sub_2", "ch_2 4000, ch_1 6000"),
        (BOTH, "ch_1 9000 in_1@sub_1", "ch_1 6000"),
        (BOTH, "ch_1 9000 in_1@sub_1:5000 in_2@sub_2:4000", "ch_1 5000, ch_1 4000"),
        (BOTH, "ch_1 9000 in_1@sub_1:5000 in_2@sub_2:4000 captured=7000", "ch_1 5000, ch_1 2000"),
        # goodwill stays
        ("c1 -100 adjustment", "ch_1 9000 in_1@sub_1", "skipped no_refundable_credit:"),
        ("invoice in_m -100: -60p@sub_1 -40\nc1 -100 applied in_m", "ch_1 9000 in_1@sub_1", "ch_1 60"),
        ("c1 +5 adjustment", "ch_1 9000 in_1@sub_1", "skipped credit_gone:"),
        ("c1 -5 adjustment\nc2 +5 adjustment", "ch_1 9000 in_1@sub_1", "skipped credit_gone:"),
        # limits
        (
            "invoice in_c -50000: -50000p@sub_1\nc1 -50000 applied in_c",
            "ch_1 90000 in_1@sub_1",
            "ch_1 50000",
        ),
        (
            "invoice in_c -50001: -50001p@sub_1\nc1 -50001 applied in_c",
            "ch_1 90000 in_1@sub_1",
            "held above_limit: ch_1 50001",
        ),
    ],
)
def test_planned_refunds(history: str, charges: str, expected: str) -> None:
    found = facts(history, charges)
    made = planned(found)
    assert in_words(made) == expected
    assert made.credit_minor == made.excluded_minor + made.refundable_minor
    assert sum(lot.amount_minor for lot in made.named_lots) == made.planned_minor


def test_the_articles_example_in_pounds() -> None:
    """Credit 100.00, newest charge 40.00: 40.00 go back over it, 60.00 over the one before."""
    found = facts(CREDIT_100, "ch_1 9000 in_1@sub_1\nch_2 4000 in_2@sub_1", currency="gbp")
    made = planned(found)
    assert in_words(made) == "ch_2 4000, ch_1 6000"
    assert (made.credit_minor, made.planned_minor) == (10_000, 10_000)
    assert made.named_lots == (NamedLot(transaction="cbtxn_1", amount_minor=10_000),)
    assert [candidate.charge for candidate in made.candidates] == ["ch_2", "ch_1"]


@pytest.mark.parametrize(
    ("currency", "credit", "expected"),
    [
        ("jpy", 501, "held above_limit: ch_1 501"),
        ("jpy", 500, "ch_1 500"),
        ("ugx", 1_250, "ch_1 1200"),
        ("isk", 99, "skipped below_minimum:"),
        ("kwd", 1_234, "ch_1 1230"),
        ("huf", 1_234, "ch_1 1234"),
        ("twd", 1_234, "ch_1 1234"),
    ],
)
def test_amounts_are_valid_in_their_currency(currency: str, credit: int, expected: str) -> None:
    history = f"invoice in_c -{credit}: -{credit}p@sub_1\nc1 -{credit} applied in_c"
    assert in_words(planned(facts(history, "ch_1 90000 in_1@sub_1", currency=currency))) == expected


@pytest.mark.parametrize(
    ("policy", "history", "expected"),
    [
        (Policy(refund_after=frozenset({Cause.DOWNGRADE})), CREDIT_100, "skipped no_refundable_credit:"),
        (Policy(credit_since=NOW + 1), CREDIT_100, "skipped no_refundable_credit:"),
        (Policy(credit_since=NOW - 2 * DAY), CREDIT_100, "ch_2 4000, ch_1 6000"),
        (Policy(minimum_minor={"usd": 10_001}), CREDIT_100, "skipped below_minimum:"),
        (Policy(minimum_minor={"usd": 10_000}), CREDIT_100, "ch_2 4000, ch_1 6000"),
        (Policy(case_limit_minor={"usd": 9_999}), CREDIT_100, "held above_limit: ch_2 4000, ch_1 6000"),
        (Policy(excluded_customers=frozenset({"cus_1"})), CREDIT_100, "held excluded_customer: ch_2 4000, ch_1 6000"),
        # credit of no subscription may go back over a charge of any, if the policy lets it leave
        (Policy(origins=frozenset({Origin.ADJUSTMENT})), "c1 -5000 adjustment", "ch_3 300, ch_2 4000, ch_1 700"),
        (Policy(origins=frozenset({Origin.OVERPAYMENT})), "c1 -5000 overpaid in_3", "ch_3 300"),
        (
            Policy(origins=frozenset({Origin.ADJUSTMENT, Origin.PRORATION})),
            CREDIT_100 + "\nc2 -500 adjustment",
            "ch_3 300, ch_2 4000, ch_1 6200",
        ),
        (Policy(origins=frozenset(Origin)), "c1 -100 applied in_missing", "skipped no_refundable_credit:"),
    ],
)
def test_the_policy_decides_what_leaves(policy: Policy, history: str, expected: str) -> None:
    found = facts(history, CHARGES + "\nch_3 300 in_3@sub_2")
    assert in_words(planned(found, policy=policy)) == expected


def test_a_named_lot_means_the_part_it_was_refunded_for() -> None:
    """Where only the second subscription has charges, the reserve takes its part of the transaction."""
    made = planned(facts(BOTH, "ch_2 9000 in_2@sub_2"))
    assert made.named_lots == (NamedLot(transaction="cbtxn_1", amount_minor=4000, part="sub_2"),)
    after = facts(BOTH + "\nc2 +4000 reserve c1@sub_2:4000", "ch_2 9000 in_2@sub_2")
    assert [(lot.subscription, lot.left_minor) for lot in planned(after).lots] == [("sub_1", 6000)]


def test_after_its_own_reserve_there_is_no_credit_to_plan() -> None:
    assert in_words(planned(facts(CREDIT_100 + "\nc2 +10000 reserve c1:10000", CHARGES))) == "skipped credit_gone:"


def test_a_deleted_customer_is_skipped() -> None:
    found = facts(CREDIT_100, CHARGES)
    deleted = replace(found, customer=replace(found.customer, deleted=True))
    assert in_words(planned(deleted)) == "skipped customer_deleted:"


def test_amounts_that_do_not_add_up_hold_the_customer() -> None:
    found = facts(CREDIT_100 + "\nc2 -5 adjustment", CHARGES)
    first, *rest = found.transactions
    broken = replace(found, transactions=(replace(first, amount_minor=-6), *rest))
    made = planned(broken)
    assert in_words(made) == "held history_inconsistent:"
    assert (made.credit_minor, made.excluded_minor, made.refundable_minor) == (10_005, 10_005, 0)
    silent = replace(found, transactions=())
    assert in_words(planned(silent)) == "held history_inconsistent:"


def test_the_same_facts_give_the_same_digest_whenever_they_are_planned() -> None:
    found = facts(CREDIT_100, CHARGES)
    made = planned(found)
    assert planned(facts(CREDIT_100, CHARGES), now=NOW + DAY).digest == made.digest
    assert len(made.digest) == 64


def test_everything_a_person_approves_is_in_the_digest() -> None:
    found = facts(CREDIT_100, CHARGES)
    charge = found.charges[0]
    others = [
        planned(with_charge(found, replace(charge, captured_minor=charge.captured_minor + 1))),
        planned(replace(found, customer=replace(found.customer, id="cus_2"))),
        planned(found, policy=Policy(minimum_minor={"usd": 1})),
        planned(facts(CREDIT_100.replace("10000", "10001"), CHARGES)),
        planned(facts(CREDIT_100, CHARGES, currency="gbp")),
    ]
    digests = {planned(found).digest, *(other.digest for other in others)}
    assert len(digests) == 1 + len(others)


def test_150_invoices_are_all_seen() -> None:
    charges = "\n".join(f"ch_{place:03} 10 in_{place}@sub_1" for place in range(150))
    history = "invoice in_c -1455: -1455p@sub_1\nc1 -1455 applied in_c"
    made = planned(facts(history, charges))
    assert made.planned_minor == 1455
    assert [refund.amount_minor for refund in made.refunds] == [10] * 145 + [5]
    assert made.refunds[0].charge == "ch_149"
