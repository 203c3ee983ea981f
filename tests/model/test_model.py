"""The short run of the model: no violation in the protocol, and one wherever a rule is missing.

`make model` explores the larger worlds; docs/decisions/0002 shows its table.
"""

from pathlib import Path

import pytest

import refund_worker.domain.protocol
import tests.model.items.rules as items_rules
from tests.model.configurations import LONG, SHORT
from tests.model.refunds import explore, successors
from tests.model.rules import Rule
from tests.model.state import Configuration, Faults
from tests.model.variants import FULL_RUN, SHORT_RUN, WITHOUT
from tests.model.world import CREDIT, DEBIT, GOODWILL, INVOICE, PRORATION, Move, covered_at, replay

RECORD = Path(__file__).parents[2] / "docs/decisions/0002-reserve-first.md"


@pytest.mark.parametrize("setting", SHORT_RUN, ids=lambda setting: setting.name)
def test_the_explorer_finds_a_violation_exactly_where_one_is_expected(setting: Configuration) -> None:
    """The protocol stands in every interleaving; refund-first and a missing rule do not."""
    result = explore(setting)
    assert bool(result.violation) == setting.loses, "\n".join([result.violation, *result.trace])
    assert bool(result.trace) == setting.loses


def test_every_rule_is_switched_off_once() -> None:
    """No rule is there for show."""
    assert set(WITHOUT) == set(Rule)
    assert all(setting.off == {rule} for rule, setting in WITHOUT.items())


def test_model_and_code_name_the_rules_alike() -> None:
    """Every rule in the table of `domain/protocol.py` is one that was explored."""
    table = refund_worker.domain.protocol.__doc__ or ""
    named = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")} - {"rule"}
    assert len(named) > 10
    assert named <= {rule.name for rule in (*Rule, *items_rules.Rule)}


def test_the_protocol_is_explored_with_all_its_rules() -> None:
    """At least fourteen configurations, none of them with a rule switched off unsaid."""
    whole = [setting for setting in (*SHORT, *LONG) if not setting.off]
    assert len(whole) >= 14
    assert not any(setting.loses or setting.long_pauses for setting in whole)


def test_names_are_unique_and_all_stand_in_the_decision_record() -> None:
    """The table of the record is the output of this model."""
    names = [setting.name for setting in FULL_RUN]
    assert len(names) == len(set(names))
    record = RECORD.read_text(encoding="utf-8")
    assert [name for name in names if f"| {name} |" not in record] == []
    assert [rule.name for rule in Rule if rule.name not in record] == []


def test_without_faults_one_worker_has_one_way() -> None:
    """Eleven calls and transactions: plan, three sends with their records and intents, the close; then time."""
    setting = Configuration(name="calm", why="nothing goes wrong", deployments=(0,), clock=False)
    state = setting.start()
    labels = []
    while nexts := list(successors(setting, state)):
        ((_, label, state, _),) = nexts
        labels.append(label)
    assert labels == [
        "reads the charges",
        "plans a case",
        "sends the reserve",
        "records the answer",
        *["writes the intent", "sends a refund", "records the answer"] * 2,
        "closes",
    ]
    assert [refund[1:3] for refund in state.world.refunds] == [(0, 1), (1, 1)]
    assert replay(state.world.moves).balance == -1
    assert explore(setting).states == len(labels) + 1


def test_a_trace_leads_to_the_violation_step_by_step() -> None:
    """The shortest trace of an invoice that finalises after the refund: ten steps, and the customer owes 2."""
    refund_first = next(setting for setting in FULL_RUN if setting.name == "refund-first, invoice")
    result = explore(refund_first)
    assert len(result.trace) == 10
    assert result.trace[-1] == "worker 0 closes  [balance 2, refunds: 2 from charge 0]"
    assert result.worst_loss == 2


def test_a_state_without_a_way_home_is_found() -> None:
    """A ledger that is lost for good after the reserve strands the customer, if nobody gives orphans back."""
    setting = WITHOUT[Rule.ORPHAN_RESERVATION_IS_GIVEN_BACK]
    assert explore(setting).violation == "no way leads from here to a good end"
    assert not explore(
        Configuration(name="kept", why=setting.why, deployments=(0,), faults=Faults(kills=1), off=setting.off)
    ).violation


P, G = Move(PRORATION, 0, 2), Move(GOODWILL, 0, 1)


@pytest.mark.parametrize(
    ("moves", "balance", "proration_left", "covered"),
    [
        ((P, G), -3, 2, ()),
        ((G, P, Move(INVOICE, 0, 2)), -1, 1, ()),
        ((P, G, Move(INVOICE, 0, 2)), -1, 0, ()),
        ((G, P, Move(DEBIT, 0, 2)), -1, 0, (2,)),
        ((P, G, Move(INVOICE, 0, 2), Move(DEBIT, 0, 2)), 1, 0, (0,)),
        ((G, P, Move(INVOICE, 0, 2), Move(DEBIT, 0, 2)), 1, 0, (1,)),
        ((G, P, Move(INVOICE, 0, 2), Move(DEBIT, 0, 2), Move(CREDIT, 3, 1)), 0, 0, (1,)),
        ((G, P, Move(INVOICE, 0, 2), Move(DEBIT, 0, 2), Move(CREDIT, 3, 2)), -1, 1, (0,)),
        ((P, Move(DEBIT, 0, 2), Move(DEBIT, 1, 2), G, Move(CREDIT, 2, 2)), -1, 0, (2, 0)),
    ],
)
def test_lots_are_replayed_in_order(
    moves: tuple[Move, ...], balance: int, proration_left: int, covered: tuple[int, ...]
) -> None:
    """Invoices take the oldest lot, our debits the proration lots, a give-back fills the bare part first."""
    books = replay(moves)
    assert (books.balance, books.proration_left) == (balance, proration_left)
    assert tuple(books.covered[at] for at, move in enumerate(moves) if move.kind == DEBIT) == covered


def test_what_a_debit_covered_does_not_change_later() -> None:
    """A give-back after the debit leaves the answer to what the lots covered when it was booked."""
    moves = (G, P, Move(INVOICE, 0, 2), Move(DEBIT, 0, 2), Move(CREDIT, 3, 2))
    assert covered_at(moves, 3) == 1
