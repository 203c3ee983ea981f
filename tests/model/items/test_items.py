"""The short run of the second model: no violation in the conversions, and one wherever a rule is missing.

`make model` explores the larger worlds; docs/decisions/0007 shows its table.
"""

from pathlib import Path

import pytest

from tests.model.items.configurations import LONG, SHORT
from tests.model.items.game import explore, successors
from tests.model.items.rules import Rule
from tests.model.items.state import Configuration, Faults
from tests.model.items.variants import FULL_RUN, NOT_FOR_THE_MONEY, SHORT_RUN, WITHOUT
from tests.model.items.world import (
    CASH,
    CORRECTION,
    CREDIT,
    GOODWILL,
    INVOICE,
    Lot,
    Move,
    balance,
    carrying,
    corrections,
    lots,
)

RECORD = Path(__file__).parents[3] / "docs/decisions/0007-pending-invoice-items.md"


@pytest.mark.parametrize("setting", SHORT_RUN, ids=lambda setting: setting.name)
def test_the_explorer_finds_a_violation_exactly_where_one_is_expected(setting: Configuration) -> None:
    """The conversions stand in every interleaving; a missing rule does not."""
    result = explore(setting)
    assert bool(result.violation) == setting.loses, "\n".join([result.violation, *result.trace])
    assert bool(result.trace) == setting.loses


def test_every_rule_is_switched_off_once() -> None:
    """No rule is there for show; what the money does not need is said."""
    assert set(WITHOUT) == set(Rule)
    assert all(setting.off == {rule} for rule, setting in WITHOUT.items())
    assert {rule for rule, setting in WITHOUT.items() if not setting.loses} == NOT_FOR_THE_MONEY


def test_the_conversions_are_explored_with_all_their_rules() -> None:
    """Ten small worlds and more large ones, none with a rule switched off, nor one that is spared the moment."""
    assert len(SHORT) >= 10
    assert len(LONG) >= 10
    assert not any(setting.off or setting.loses for setting in (*SHORT, *LONG))


def test_names_are_unique_and_all_stand_in_the_decision_record() -> None:
    """The table of the record is the output of this model."""
    names = [setting.name for setting in FULL_RUN]
    assert len(names) == len(set(names))
    record = RECORD.read_text(encoding="utf-8")
    assert [name for name in names if f"| {name} |" not in record] == []
    assert [rule.name for rule in Rule if rule.name not in record] == []


def test_without_faults_one_worker_has_one_way() -> None:
    """Credit, delete, refund: each call a step, each item looked at again before the case closes."""
    setting = Configuration(name="calm", why="nothing goes wrong", deployments=(0,))
    state = setting.start()
    labels = []
    while nexts := [one for one in successors(setting, state) if one[0]]:
        ((_, label, state, _),) = nexts
        labels.append(label)
    assert labels == [
        "reads the movements",
        "reads the items, plans a conversion",
        "sends the credit",
        "records the answer",
        "reads the marks",
        "looks at item 0, intends to delete it",
        "sends a DELETE",
        "records the answer",
        "reads the marks",
        "looks at item 0",
        "closes",
        "reads the movements",
        "reads the items, plans a refund",
        "refunds 2",
    ]
    assert [move.kind for move in state.world.moves] == [CREDIT, CASH]
    assert balance(state.world.moves) == 0


def test_a_correction_after_the_credit_was_used_leaves_a_debt() -> None:
    """Both the item and its credit went into invoices: the customer had 4 of 2, and owes 2 again. Nothing is lost."""
    setting = Configuration(
        name="used twice",
        why="an invoice takes the item, another its credit",
        deployments=(0,),
        faults=Faults(invoices=1, uses=1),
    )
    state = setting.start()
    for wanted in (
        "reads the movements",
        "reads the items, plans a conversion",
        "sends the credit",
        "an invoice takes the items",
        "an invoice uses 2 of the balance",
        "records the answer",
        "reads the marks",
        "looks at item 0, corrects it",
        "sends a correction",
        "heeds the answer",
        "reads the marks",
        "looks at item 0",
        "closes",
    ):
        state = next(
            after for who, label, after, _ in successors(setting, state) if label == wanted and who[-1:] != "1"
        )
    assert [move.kind for move in state.world.moves] == [CREDIT, INVOICE, CORRECTION]
    assert balance(state.world.moves) == 2


def test_the_shortest_trace_of_cash_while_both_exist_is_told() -> None:
    """A ledger is lost after the credit: who does not look at the items refunds what an invoice may still take."""
    result = explore(WITHOUT[Rule.NO_CASH_WHILE_BOTH_EXIST])
    assert result.violation == "cash left while an item and its credit both existed"
    assert result.trace[-1] == "worker 0 refunds 2  [items -2 pending; balance 0; cash 2]"


A, AB = Move(CREDIT, 0, -2, ((0, -2),)), Move(CREDIT, 1, -3, ((0, -2), (1, -1)))
OFF_AB, OFF_A = Move(CORRECTION, 1, 2, ((0, -2),)), Move(CORRECTION, 0, 2, ((0, -2),))


@pytest.mark.parametrize(
    ("moves", "left", "held"),
    [
        ((A,), {0: Lot(2, 0)}, [(0, -2)]),
        ((A, AB), {0: Lot(2, 0), 1: Lot(1, 2)}, [(0, -2), (1, -2)]),
        ((A, AB, OFF_AB), {0: Lot(2, 0), 1: Lot(1, 0)}, [(0, -2)]),
        ((A, AB, OFF_A), {0: Lot(0, 0), 1: Lot(1, 2)}, [(1, -2)]),
        ((A, OFF_A), {0: Lot(0, 0)}, []),
        ((A, OFF_A, Move(CORRECTION, 0, -2, ((0, 2),))), {0: Lot(2, 0)}, [(0, -2)]),
        ((A, Move(INVOICE, 0, 2), AB, OFF_AB._replace(by=2)), {0: Lot(0, 0), 2: Lot(1, 0)}, [(0, -2)]),
        ((A, Move(CASH, 0, 2, ((0, 2),)), AB), {0: Lot(0, 0), 2: Lot(1, 2)}, [(0, -2), (2, -2)]),
        ((Move(GOODWILL, 0, -1), A), {0: Lot(0, 1), 1: Lot(2, 0)}, [(1, -2)]),
    ],
)
def test_a_credit_opens_a_lot_for_what_no_older_one_carries(
    moves: tuple[Move, ...], left: dict[int, Lot], held: list[tuple[int, int]]
) -> None:
    """The rest of it is of unknown origin; a correction takes that first."""
    assert lots(moves, oldest_wins=True) == left
    assert carrying(moves, 0) == held


def test_corrections_are_counted_by_item_and_credit() -> None:
    """The number in the key: another credit of the same item does not raise it."""
    moves = (A, AB, OFF_AB)
    assert [corrections(moves, 0, 0), corrections(moves, 0, 1), corrections(moves, 1, 1)] == [0, 1, 0]
