"""Beside the protocol: each rule switched off, and what the protocol does not promise."""

from dataclasses import replace

from tests.model.items.configurations import (
    LONG,
    ONE_WORKER,
    SHORT,
    TWO_CREDITS,
    TWO_DEPLOYMENTS,
)
from tests.model.items.rules import Rule
from tests.model.items.state import Configuration, Faults

BEYOND = (
    Configuration(
        name="conversion, a person in the moment",
        why="somebody deletes the item between the last look and its credit: outside what the protocol promises",
        deployments=ONE_WORKER,
        faults=Faults(deletes=1),
        in_the_moment=True,
        loses=True,
    ),
    Configuration(
        name="conversion, rights that differ",
        why="one deployment may not delete and corrects what the other deletes in that moment: outside as well",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(forbids=1),
        loses=True,
    ),
    Configuration(
        name="conversion, changed in the moment",
        why="one deployment corrects a changed item, the other's DELETE is on its way: outside as well",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(changes=1),
        loses=True,
    ),
)

_PUT_BACK = frozenset(
    {Rule.DRAFT_ITEMS_ARE_DELETED, Rule.CORRECTED_ONLY_WITHOUT_OPEN_DELETE, Rule.CORRECTED_ITEM_IS_LEFT}
)

PUT_BACK = (
    Configuration(
        name="put back, a draft",
        why="one worker corrects what is on a draft at once, and puts back what goes later; one kill, one lost answer",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(drafts=1, undrafts=1, delays=1, kills=1),
        off=_PUT_BACK,
    ),
    Configuration(
        name="put back, an item changes",
        why="the same, somebody changes the item, one lost answer",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(changes=1, delays=1),
        off=_PUT_BACK,
    ),
    Configuration(
        name="put back, rights that differ",
        why="the same, two ledgers, one of which may not delete",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(forbids=1),
        off=_PUT_BACK,
    ),
    Configuration(
        name="put back, a person",
        why="the same, one worker, somebody deletes the corrected item: credit that nobody meant",
        deployments=ONE_WORKER,
        faults=Faults(forbids=1, deletes=1),
        off=_PUT_BACK,
        loses=True,
    ),
)
"""The other way: whatever is gone is credited, at any time, by whoever looks."""

_SECOND = Configuration(
    name="two deployments, the same item", why="two ledgers", deployments=TWO_DEPLOYMENTS, faults=Faults(invoices=1)
)
_LOST = Configuration(
    name="the ledger is lost",
    why="one worker, killed",
    deployments=ONE_WORKER,
    faults=Faults(kills=1, lost_ledgers=1),
)
_DIFFERENT_SETS = Configuration(
    name="different sets",
    why="two ledgers, a credit is made between their reads",
    deployments=TWO_DEPLOYMENTS,
    amounts=TWO_CREDITS,
    late=1,
    cases=2,
    twice=True,
    faults=Faults(made=1),
)


def _named(name: str) -> Configuration:
    return next(setting for setting in SHORT if setting.name == f"conversion, {name}")


_WHERE_IT_MATTERS = {
    Rule.CREDIT_BEFORE_DELETE: _LOST,
    Rule.CREDIT_KEY_NAMES_THE_ITEMS: replace(_SECOND, cases=2),
    Rule.CREDIT_KEY_COUNTS_THE_MARKS: _named("converted again"),
    Rule.CREDIT_WITHIN_4_HOURS: replace(
        _named("two workers"), name="one worker, a lost answer", deployments=ONE_WORKER
    ),
    Rule.ITEMS_PENDING_BEFORE_EVERY_SEND: _named("no right to delete"),
    Rule.ITEMS_AFTER_MOVEMENTS: replace(_SECOND, name="an item is made", late=0, faults=Faults(made=1)),
    Rule.CONVERSION_COMPLETED_FIRST: _LOST,
    Rule.ABANDONED_CONVERSION_IS_FOUND: replace(
        _LOST, name="the ledger is lost, item and credit are used", faults=_LOST.faults._replace(invoices=1, uses=1)
    ),
    Rule.NO_CASH_WHILE_BOTH_EXIST: _LOST,
    Rule.DELETED_ONLY_WITH_A_RECORD: _LOST,
    Rule.DRAFT_ITEMS_ARE_DELETED: replace(_SECOND, name="two deployments, a draft", faults=Faults(drafts=1)),
    Rule.CORRECTED_ONLY_WITHOUT_OPEN_DELETE: _named("an item changes"),
    Rule.CORRECTED_ITEM_IS_LEFT: _named("no right to delete"),
    Rule.CORRECTION_KEY_IS_COMPARE_AND_SET: _SECOND,
    Rule.CORRECTION_NAMES_THE_YOUNGEST: _DIFFERENT_SETS,
    Rule.HALT_BEGINS_NOTHING: _named("a halt"),
    Rule.OLDEST_MARK_WINS: _DIFFERENT_SETS,
}

NOT_FOR_THE_MONEY = frozenset({Rule.OLDEST_MARK_WINS})
"""Rules without which the model finds no loss: nothing leaves before what counts twice is corrected."""

WITHOUT = {
    rule: replace(
        setting,
        name=f"without {rule.name}",
        why=f"in the world of: {setting.name}",
        off=frozenset({rule}),
        loses=rule not in NOT_FOR_THE_MONEY,
    )
    for rule, setting in _WHERE_IT_MATTERS.items()
}
"""Each rule switched off, in a small world where that shows."""

_SLOW = (*LONG, PUT_BACK[0], PUT_BACK[2], WITHOUT[Rule.CORRECTION_NAMES_THE_YOUNGEST], WITHOUT[Rule.OLDEST_MARK_WINS])

FULL_RUN = (*SHORT, *LONG, *PUT_BACK, *BEYOND, *WITHOUT.values())
"""What the table in docs/decisions/0007 shows."""

SHORT_RUN = tuple(setting for setting in FULL_RUN if setting not in _SLOW)
"""What every run of the tests explores."""
