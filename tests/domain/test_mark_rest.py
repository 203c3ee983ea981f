"""A mark's rest, from the balance transactions and the charges' refunds alone."""

from dataclasses import replace

import pytest

from refund_worker.domain.facts import Charge, Refund
from refund_worker.domain.mark_rest import MarkRest, mark_rests
from refund_worker.domain.marks import Mark, write_mark
from tests.domain.customers import facts
from tests.domain.histories import parse

RESERVED = "start -100\nc1 +100 reserve c0:100\n"


def charge_with(*refunds: tuple[int, str, str | None]) -> list[Charge]:
    """One charge with refunds of (amount, status, debit); a debit of None leaves it out of the mark."""
    [charge] = facts("start 0\nc1 -1 adjustment", "ch_1 1000 in_1@sub_1").charges
    made = tuple(
        Refund(
            id=f"re_{place}",
            charge="ch_1",
            amount_minor=amount,
            currency="usd",
            status=status,
            created=1,
            metadata=write_mark(Mark(case="case_1", run="run_1", step=f"refund:{place}", debit=debit)),
        )
        for place, (amount, status, debit) in enumerate(refunds)
    )
    return [replace(charge, refunds=made)]


def one_rest(text: str, charges: list[Charge]) -> MarkRest:
    [rest] = mark_rests(parse(text).transactions, charges)
    return rest


@pytest.mark.parametrize(
    ("history", "refunds", "expected"),
    [
        ("", [], 100),
        ("c2 -30 give_back c1", [], 70),
        ("c2 -30 give_back c1\nc3 -30 recredit c1", [], 40),
        ("", [(60, "succeeded", "cbtxn_1")], 40),
        ("", [(60, "pending", "cbtxn_1"), (10, "requires_action", "cbtxn_1")], 30),
        ("", [(60, "failed", "cbtxn_1"), (10, "canceled", "cbtxn_1")], 100),
        ("", [(60, "succeeded", None)], 40),
        ("", [(60, "succeeded", "cbtxn_other")], 100),
        ("c2 -40 give_back c1", [(61, "succeeded", "cbtxn_1")], -1),
        ("c2 -40 give_back c9\nc3 +40 adjustment", [], 100),
    ],
)
def test_rest_of_a_mark(history: str, refunds: list[tuple[int, str, str | None]], expected: int) -> None:
    rests = mark_rests(parse(RESERVED + history).transactions, charge_with(*refunds))
    assert {rest.debit: rest.rest_minor for rest in rests}["cbtxn_1"] == expected


def test_the_parts_of_a_rest() -> None:
    rest = one_rest(RESERVED + "c2 -10 give_back c1\nc3 -20 recredit c1", charge_with((30, "succeeded", "cbtxn_1")))
    assert (rest.reserved_minor, rest.given_back_minor, rest.recredited_minor, rest.refunded_minor) == (100, 10, 20, 30)
    assert (rest.case, rest.debit, rest.created, rest.currency) == ("case_1", "cbtxn_1", 100, "usd")
    assert not rest.incomplete


def test_a_return_without_its_debit_is_incomplete() -> None:
    rest = one_rest("start 0\nc2 -10 give_back c1\nc3 -5 recredit c1", [])
    assert rest.incomplete
    assert (rest.reserved_minor, rest.rest_minor, rest.created) == (0, -15, 100)


def test_a_refund_listed_twice_counts_once() -> None:
    charges = charge_with((30, "succeeded", "cbtxn_1"))
    assert one_rest(RESERVED, charges * 2).rest_minor == 70


def test_marks_that_cannot_be_read_have_no_rest() -> None:
    history = parse(RESERVED)
    history.transactions[0] = replace(history.transactions[0], metadata={"refund_worker_case": "case_1"})
    assert mark_rests(history.transactions, []) == ()
