"""How far back a replay must read, what it refuses, and what the lots covered of a reserve."""

from dataclasses import replace

import pytest

from refund_worker.domain.errors import HistoryInconsistent
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.provenance import covered_by, enough
from tests.domain.histories import PRORATION, lots_in_words, parse, replayed

CANCELLATION = "invoice in_c -100: -100p@sub_1\n"
MIXED = "invoice in_m -100: -60p@sub_1 -40\n"
BILL = "invoice in_b 70: +70\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("start 0\nc1 -100 adjustment", True),
        ("start -1\nc1 -100 adjustment", False),
        ("start -50\nc1 +50 adjustment\nc2 -100 adjustment", True),
        ("start -50\nc1 +60 adjustment\nc2 -100 adjustment", True),
        ("start -100\nc1 +100 reserve c0:100\nc2 -100 give_back c1", False),
        ("start 0\nc0 -100 adjustment\nc1 +100 reserve c0:100\nc2 -100 give_back c1", True),
        ("start 0\nc2 -100 give_back c1", False),
        ("start 0\nc1 +100 applied in_b\nc2 -200 unapplied in_b", False),
        ("start 0\nc1 +100 applied in_b\nc2 -100 adjustment\nc3 -100 unapplied in_b", True),
        ("start 0\nc2 -100 adjustment\nc3 -100 unapplied in_b", False),
        ("start -500\nc1 +500 adjustment", True),
    ],
)
def test_enough_is_read_when_the_window_starts_inside(text: str, expected: bool) -> None:
    history = parse(text)
    assert enough(history.transactions, currency="usd", invoices={}) is expected
    if expected:
        replayed(history)
    else:
        with pytest.raises(HistoryInconsistent):
            replayed(history)


def test_nothing_read_is_not_enough() -> None:
    assert not enough([], currency="usd", invoices={})


def test_what_is_enough_now_may_not_be_enough_for_the_past() -> None:
    history = parse("start -100\nc1 +100 reserve c0:100")
    assert enough(history.transactions, currency="usd", invoices={})
    assert not enough(history.transactions, currency="usd", invoices={}, up_to="cbtxn_1", before=True)


def test_a_gap_in_the_amounts_is_an_inconsistency() -> None:
    history = parse("c1 -100 adjustment\nc2 -20 adjustment")
    history.transactions[0] = replace(history.transactions[0], amount_minor=-21)
    with pytest.raises(HistoryInconsistent, match="cbtxn_2 ends at -120"):
        replayed(history)


def test_a_complete_history_does_not_start_from_a_credit() -> None:
    history = parse("start -5\nc1 -100 adjustment")
    history.complete = True
    with pytest.raises(HistoryInconsistent, match="nothing tells of"):
        replayed(history)


def test_currencies_are_replayed_apart() -> None:
    dollars = parse(CANCELLATION + "c1 -100 applied in_c")
    euros = parse("c2 -70 adjustment", currency="eur")
    dollars.transactions[:0] = euros.transactions
    assert lots_in_words(replayed(dollars)) == "c1 proration/sub_1/cancellation 100"
    dollars.currency = "eur"
    assert lots_in_words(replayed(dollars)) == "c2 adjustment 70"


def test_an_invoice_in_another_currency_proves_nothing() -> None:
    history = parse(CANCELLATION + "c1 -100 applied in_c")
    history.invoices["in_c"] = replace(history.invoices["in_c"], currency="eur")
    assert lots_in_words(replayed(history)) == "c1 unknown 100"


def test_tax_and_discount_belong_to_the_proration_part() -> None:
    history = parse("invoice in_1 -110: -120p@sub_1\nc1 -110 applied in_1")
    line = history.invoices["in_1"].lines[0]
    taxed = replace(line, discount_minor=-20, exclusive_tax_minor=-10)
    assert taxed.net_minor == -110
    history.invoices["in_1"] = replace(history.invoices["in_1"], lines=(taxed,), total_minor=-150)
    history.transactions[0] = replace(history.transactions[0], amount_minor=-150, ending_balance_minor=-150)
    assert lots_in_words(replayed(history)) == "c1 proration/sub_1/cancellation 110, c1 other 40"


@pytest.mark.parametrize(
    ("text", "metadata", "expected"),
    [
        ("c1 -100 adjustment", {"refund_worker_case": "x"}, "c1 unknown 100"),
        ("c1 -100 reserve c0:100", {}, "c1 unknown 100"),
        ("c0 -100 adjustment\nc1 +60 reserve c0:50", {}, "c0 adjustment 40"),
        ("c0 -100 adjustment\nc1 +60 give_back c0", {}, "c0 adjustment 40"),
        ("c0 -100 adjustment\nc1 -60 give_back", {}, "c0 adjustment 100, c1 unknown 60"),
        ("c0 -100 adjustment\nc1 +60 reserve c0:60", {"refund_worker_lots": "nonsense"}, "c0 adjustment 40"),
    ],
)
def test_a_mark_that_cannot_be_ours_is_listed_and_not_believed(
    text: str, metadata: dict[str, str], expected: str
) -> None:
    history = parse(text)
    newest = history.transactions[0]
    history.transactions[0] = replace(newest, metadata={**newest.metadata, **metadata})
    result = replayed(history)
    assert lots_in_words(result) == expected
    assert result.malformed_marks == ("cbtxn_1",)


def test_replay_up_to_and_before_a_transaction() -> None:
    history = parse("c1 -100 adjustment\nc2 +30 adjustment\nc3 -5 adjustment")
    assert lots_in_words(replayed(history, up_to="cbtxn_2")) == "c1 adjustment 70"
    assert lots_in_words(replayed(history, up_to="cbtxn_2", before=True)) == "c1 adjustment 100"
    assert replayed(history, up_to="cbtxn_1", before=True).lots == ()
    with pytest.raises(HistoryInconsistent, match="cbtxn_9 is not among"):
        replayed(history, up_to="cbtxn_9")


@pytest.mark.parametrize(
    ("text", "named", "expected"),
    [
        (CANCELLATION + "c1 -100 applied in_c\nc9 +100 reserve c1:100", 100, 100),
        (CANCELLATION + BILL + "c1 -100 applied in_c\nc2 +70 applied in_b\nc9 +100 reserve c1:100", 100, 30),
        # goodwill that would fund the debit does not count
        (
            CANCELLATION
            + BILL
            + "c1 -100 applied in_c\nc2 +70 applied in_b\nc3 -200 adjustment\nc9 +100 reserve c1:100",
            100,
            30,
        ),
        ("c1 -100 adjustment\nc9 +100 reserve c1:100", 100, 0),
        # another reserve took more than its lots had: what it lacks is not paid out of ours
        (
            CANCELLATION + "c1 -100 applied in_c\nc2 +60 reserve c8:60\nc9 +100 reserve c1:100",
            100,
            40,
        ),
        (CANCELLATION + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc9 +100 reserve c1:100", 100, 0),
        (MIXED + "c1 -100 applied in_m\nc9 +100 reserve c1:100", 100, 60),
    ],
)
def test_what_the_lots_covered_of_a_reserve(text: str, named: int, expected: int) -> None:
    """Rule ENDING_BALANCE_TELLS_OF_MOVES."""
    history = parse(text)
    covered = covered_by(
        transactions=history.transactions,
        debit_id="cbtxn_9",
        named_lots=[NamedLot(transaction="cbtxn_1", amount_minor=named)],
        currency="usd",
        invoices=history.invoices,
        refundable_origins=PRORATION,
        complete=True,
    )
    assert covered == expected
