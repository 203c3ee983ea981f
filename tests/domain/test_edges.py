"""Where rules meet their edge: the last second, the last cent, the sum that does not fit, the step next to it."""

import pytest

from refund_worker.domain.facts import InvoiceLine
from refund_worker.domain.marks import Mark, write_mark
from refund_worker.domain.policy import Policy
from refund_worker.usecases.look_by_mark import marks_step
from tests.domain.customers import facts, in_words, planned

CREDIT = "invoice in_c -100: -100p@sub_1\nc1 -100 applied in_c"
CHARGE = "ch_1 9000 in_1@sub_1"


@pytest.mark.parametrize(
    ("later", "expected"), [(-1, "ch_1 100"), (0, "ch_1 100"), (1, "skipped no_refundable_credit:")]
)
def test_credit_of_the_very_second_of_credit_since_leaves(later: int, expected: str) -> None:
    """Older credit is listed, not refunded."""
    found = facts(CREDIT, CHARGE)
    (lot,) = planned(found).lots
    assert in_words(planned(found, policy=Policy(credit_since=lot.created + later))) == expected


def test_what_a_reserve_found_too_little_is_missing_from_what_may_leave() -> None:
    """A reserve named 100 of a lot of which an invoice had used 40: goodwill is kept whole, new credit pays for it."""
    history = (
        f"{CREDIT}\nc2 -50 adjustment\ninvoice in_b 40: +40\nc3 +40 applied in_b\nc4 +100 reserve c1:100\n"
        "invoice in_d -100: -100p@sub_1\nc5 -100 applied in_d"
    )
    made = planned(facts(history, CHARGE))
    assert (made.credit_minor, made.excluded_minor, made.refundable_minor) == (110, 50, 60)


@pytest.mark.parametrize("named", [60, 99, 101])
def test_a_reserve_whose_lots_do_not_sum_to_it_was_edited(named: int) -> None:
    """The customer is held: nobody knows what it took."""
    made = planned(facts(f"{CREDIT}\nc2 -100 adjustment\nc3 +100 reserve c1:{named}", CHARGE))
    assert in_words(made).startswith("held mark_unreadable")


def test_a_line_is_net_of_discount_and_with_tax() -> None:
    """A credit of 100.00 less 20.00 discount, with 5.00 tax: Stripe gives all three a minus."""
    line = InvoiceLine(id="il_1", amount_minor=-10_000, discount_minor=-2_000, exclusive_tax_minor=-500)
    assert line.net_minor == -8_500


@pytest.mark.parametrize(
    ("case", "step", "expected"),
    [
        ("case_1", "refund:1", True),
        ("case_1", "refund:2", False),
        ("case_1", "refund:11", False),
        ("case_1", "reserve", False),
        ("case_11", "refund:1", False),
    ],
)
def test_a_mark_is_of_one_step_of_one_case(case: str, step: str, expected: bool) -> None:
    """What is looked for by its mark is found by it, and nothing else."""
    metadata = write_mark(Mark(case="case_1", run="run_1", step="refund:1", debit="cbtxn_1"))
    assert marks_step(metadata, case=case, step=step) == expected
