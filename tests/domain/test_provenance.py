"""Which lots are left after which history; one history a case, the expected lots in its last argument."""

from itertools import permutations

import pytest

from tests.domain.histories import lots_in_words, parse, replayed

DOWNGRADE = "invoice in_d -4500: -5000p@sub_1$gold +500p@sub_1$silver\n"
CANCELLATION = "invoice in_c -100: -100p@sub_1\n"
MIXED = "invoice in_m -100: -60p@sub_1 -40\n"
TWO = "invoice in_t -100: -60p@sub_2 -40p@sub_1\n"
BILL = "invoice in_b 70: +70\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # where a credit came from
        (DOWNGRADE + "c1 -4500 applied in_d", "c1 proration/sub_1/price 4500"),
        (CANCELLATION + "c1 -100 applied in_c", "c1 proration/sub_1/cancellation 100"),
        (TWO + "c1 -100 applied in_t", "c1 proration/sub_1/cancellation 40, c1 proration/sub_2/cancellation 60"),
        ("c1 -100 adjustment", "c1 adjustment 100"),
        ("c1 -100 initial", "c1 initial 100"),
        ("c1 -100 migration", "c1 migration 100"),
        ("c1 -100 unspent_receiver_credit", "c1 other 100"),
        (BILL + "c1 -100 credit_note in_b", "c1 credit_note 100"),
        (CANCELLATION + "c1 -100 credit_note in_c", "c1 credit_note 100"),
        (BILL + "c1 -100 overpaid in_b", "c1 overpayment 100"),
        (CANCELLATION + "c1 -100 overpaid in_c", "c1 overpayment 100"),
        ("c1 -100 applied in_missing", "c1 unknown 100"),
        ("c1 -100 unapplied in_missing", "c1 unknown 100"),
        ("c1 -100 unapplied", "c1 unknown 100"),
        # a negative invoice used no credit: what it books is its own, whatever the type says
        (CANCELLATION + "c1 -100 unapplied in_c", "c1 proration/sub_1/cancellation 100"),
        # the proration part is capped by the total, by the amount, and by the proration lines themselves
        (MIXED + "c1 -100 applied in_m", "c1 proration/sub_1/cancellation 60, c1 other 40"),
        (MIXED + "c1 -50 applied in_m", "c1 proration/sub_1/cancellation 50"),
        (MIXED + "c1 -120 applied in_m", "c1 proration/sub_1/cancellation 60, c1 other 60"),
        ("invoice in_1 -30: -60p@sub_1 +30\nc1 -30 applied in_1", "c1 proration/sub_1/cancellation 30"),
        ("invoice in_1 -30: +10p@sub_1 -40\nc1 -30 applied in_1", "c1 other 30"),
        ("invoice in_1 -30: -30p\nc1 -30 applied in_1", "c1 other 30"),
        ("invoice in_1 -30: -80p@sub_1 +50p@sub_2\nc1 -30 applied in_1", "c1 proration/sub_1/cancellation 30"),
        ("invoice in_1 30: -60p@sub_1 +90\nc1 -30 applied in_1", "c1 other 30"),
        (
            "invoice in_1 -30: -60p@sub_1 +30\nc1 -50 applied in_1",
            "c1 proration/sub_1/cancellation 30, c1 other 20",
        ),
        (
            "invoice in_1 -60: -80p@sub_1 +50p@sub_2 -30\nc1 -60 applied in_1",
            "c1 proration/sub_1/cancellation 30, c1 other 30",
        ),
        # two movements of one invoice share its proration part
        (
            MIXED + "c1 -50 applied in_m\nc2 -50 applied in_m",
            "c1 proration/sub_1/cancellation 50, c2 proration/sub_1/cancellation 10, c2 other 40",
        ),
        # a balance that was positive: a lot only for what is below zero; goodwill is kept whole
        (CANCELLATION + "c1 +30 adjustment\nc2 -100 applied in_c", "c2 proration/sub_1/cancellation 70"),
        (CANCELLATION + "start +30\nc2 -100 applied in_c", "c2 proration/sub_1/cancellation 70"),
        (
            MIXED + "c1 +30 adjustment\nc2 -100 applied in_m",
            "c2 proration/sub_1/cancellation 30, c2 other 40",
        ),
        (MIXED + "c1 +80 adjustment\nc2 -100 applied in_m", "c2 other 20"),
        (
            TWO + "c1 +70 adjustment\nc2 -100 applied in_t",
            "c2 proration/sub_1/cancellation 30",
        ),
        (BILL + "c1 +30 adjustment\nc2 -30 applied in_b", ""),
        ("c1 +30 adjustment\nc2 +20 adjustment", "owed 50"),
        # an invoice uses credit first in, first out; goodwill beside proration
        (
            CANCELLATION + BILL + "c1 -50 adjustment\nc2 -100 applied in_c\nc3 +70 applied in_b",
            "c2 proration/sub_1/cancellation 80",
        ),
        (
            CANCELLATION + BILL + "c1 -100 applied in_c\nc2 -50 adjustment\nc3 +70 applied in_b",
            "c1 proration/sub_1/cancellation 30, c2 adjustment 50",
        ),
        (MIXED + BILL + "c1 -100 applied in_m\nc2 +70 applied in_b", "c1 other 30"),
        ("c1 -50 adjustment\nc2 +70 too_small in_b", "owed 20"),
        # somebody's debit takes the refundable lots first
        (
            CANCELLATION + "c1 -50 adjustment\nc2 -100 applied in_c\nc3 +70 adjustment",
            "c1 adjustment 50, c2 proration/sub_1/cancellation 30",
        ),
        (CANCELLATION + "c1 -50 adjustment\nc2 -100 applied in_c\nc3 +120 adjustment", "c1 adjustment 30"),
        # applied, then unapplied by a voided invoice: at its old place, with its old origin
        (
            CANCELLATION + BILL + "c1 -100 applied in_c\nc2 +70 applied in_b\nc3 -70 unapplied in_b",
            "c1 proration/sub_1/cancellation 100",
        ),
        (
            CANCELLATION + BILL + "c1 -20 adjustment\nc2 -100 applied in_c\nc3 +70 applied in_b\nc4 -30 unapplied in_b",
            "c2 proration/sub_1/cancellation 80",
        ),
        (
            CANCELLATION + BILL + "c1 -50 applied in_c\nc2 +70 applied in_b\nc3 -70 unapplied in_b",
            "c1 proration/sub_1/cancellation 50",
        ),
        (
            CANCELLATION + BILL + "c1 -100 applied in_c\nc2 +70 applied in_b\nc3 -90 unapplied in_b",
            "c1 proration/sub_1/cancellation 100, c3 unknown 20",
        ),
        # the part that found no lot was paid off by a later credit: nothing of it is left to return
        (
            BILL + "c1 -50 adjustment\nc2 +70 applied in_b\nc3 -30 adjustment\nc4 -70 unapplied in_b",
            "c1 adjustment 50, c3 adjustment 10, c4 unknown 20",
        ),
        # our own debits take what they name, and their returns put it back last in, first out
        (
            MIXED + "c1 -100 applied in_m\nc2 +60 reserve c1:60",
            "c1 other 40",
        ),
        (
            CANCELLATION + "c1 -50 adjustment\nc2 -100 applied in_c\nc3 +100 reserve c2:100\nc4 -30 give_back c3",
            "c1 adjustment 50, c2 proration/sub_1/cancellation 30",
        ),
        (
            TWO + "c1 -100 applied in_t\nc2 +60 reserve c1@sub_2:60",
            "c1 proration/sub_1/cancellation 40",
        ),
        (
            TWO + "c1 -100 applied in_t\nc2 +60 reserve c1:60\nc3 -30 give_back c2",
            "c1 proration/sub_1/cancellation 10, c1 proration/sub_2/cancellation 60",
        ),
        (
            CANCELLATION + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 -40 give_back c2\nc4 -60 recredit c2",
            "c1 proration/sub_1/cancellation 100",
        ),
        (
            CANCELLATION + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 -140 give_back c2",
            "c1 proration/sub_1/cancellation 100, c3 unknown 40",
        ),
        (
            CANCELLATION + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 -100 recredit c9",
            "c3 unknown 100",
        ),
        # a debit never takes more of a lot than is left; the rest waits for its own return
        (
            CANCELLATION + "c1 -200 adjustment\nc2 -100 applied in_c\nc3 +70 adjustment\nc4 +100 reserve c2:100",
            "c1 adjustment 200, unfunded c4 70",
        ),
        (
            CANCELLATION
            + "c1 -200 adjustment\nc2 -100 applied in_c\nc3 +70 adjustment\nc4 +100 reserve c2:100\nc5 -50 adjustment",
            "c1 adjustment 200, c5 adjustment 50, unfunded c4 70",
        ),
        # with the balance above zero nothing older is read, until a return names the debit
        (
            CANCELLATION + BILL + "c1 -100 applied in_c\nc2 +70 applied in_b\nc3 +100 reserve c1:100",
            "owed 70",
        ),
        (
            CANCELLATION
            + BILL
            + "c1 -100 applied in_c\nc2 +70 applied in_b\nc3 +100 reserve c1:100\nc4 -80 give_back c3",
            "c1 proration/sub_1/cancellation 10",
        ),
        # two deployments reserved the same lot
        (
            CANCELLATION + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 +100 reserve c1:100\nc4 -100 give_back c3",
            "",
        ),
        # an invoice ran into our reserve: what comes back pays it first, and goodwill that comes later stays goodwill
        (
            CANCELLATION
            + BILL
            + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 +70 applied in_b\nc4 -100 give_back c2\n"
            "c5 -50 adjustment",
            "c1 proration/sub_1/cancellation 30, c5 adjustment 50",
        ),
        (
            CANCELLATION
            + BILL
            + "c1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 +70 applied in_b\nc4 -100 give_back c2\n"
            "c5 -70 unapplied in_b",
            "c1 proration/sub_1/cancellation 100",
        ),
        # the credit at zero starts a new life
        (
            CANCELLATION + "c1 -50 adjustment\nc2 +50 adjustment\nc3 -100 applied in_c",
            "c3 proration/sub_1/cancellation 100",
        ),
        # a return long after: the window goes back to the debit and to the lots it names
        (
            CANCELLATION
            + "start 0\nc1 -100 applied in_c\nc2 +100 reserve c1:100\nc3 -20 adjustment\nc4 -100 recredit c2",
            "c1 proration/sub_1/cancellation 100, c3 adjustment 20",
        ),
    ],
)
def test_lots_of_history(text: str, expected: str) -> None:
    history = parse(text)
    result = replayed(history)
    assert lots_in_words(result) == expected
    assert sum(lot.left_minor for lot in result.lots) - sum(result.unfunded_minor.values()) - result.owed_minor == (
        -history.balance
    )
    assert result.credit_minor == -history.balance


@pytest.mark.parametrize("order", list(permutations(["+80 correct a:-80", "-30 correct b:30", "+7 correct c:-7"])))
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("invoice in_1 -40: -40p@sub_2\nc1 -40 too_small in_1", "c1 proration/sub_2/cancellation 40"),
        ("c1 -40 adjustment", "c1 adjustment 40"),
    ],
)
def test_credits_and_debits_taken_off_again_leave_other_credit_as_it_was(
    order: tuple[str, ...], before: str, after: str
) -> None:
    """An invoice took all items of a conversion: that one of them was a debit costs no other lot its origin."""
    corrections = "\n".join(f"c{place} {line} c2" for place, line in enumerate(order, start=3))
    history = parse(f"{before}\nc2 -57 credit_items a:-80,b:30,c:-7\n{corrections}")
    assert lots_in_words(replayed(history)) == after
