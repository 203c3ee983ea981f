"""Beside the protocol: refund-first, each rule switched off, and what the protocol does not promise."""

from dataclasses import replace

from tests.model.configurations import (
    LARGE_CHARGE,
    LONG,
    NEWEST,
    ONE_WORKER,
    PRORATION_ONLY,
    SHORT,
    THREE_DEPLOYMENTS,
    TWO_DEPLOYMENTS,
    TWO_WORKERS,
)
from tests.model.rules import Rule
from tests.model.state import Configuration, Faults


def _refund_first(
    *, name: str, why: str, deployments: tuple[int, ...], faults: Faults, loses: bool = True
) -> Configuration:
    """The support article's order, spared all that has to do with time: its keys live for ever."""
    return Configuration(
        name=name,
        why=why,
        deployments=deployments,
        lots=PRORATION_ONLY,
        charges=LARGE_CHARGE,
        cases=len(set(deployments)),
        faults=faults,
        clock=False,
        off=frozenset({Rule.RESERVE_FIRST}),
        loses=loses,
    )


REFUND_FIRST = (
    _refund_first(
        name="refund-first, crashes",
        why="one worker, two kills, two lost answers",
        deployments=ONE_WORKER,
        faults=Faults(kills=2, delays=2),
        loses=False,
    ),
    _refund_first(
        name="refund-first, invoice",
        why="one worker, an invoice in between",
        deployments=ONE_WORKER,
        faults=Faults(invoices=1),
    ),
    _refund_first(
        name="refund-first, two workers, invoice",
        why="one ledger, an invoice in between",
        deployments=TWO_WORKERS,
        faults=Faults(invoices=1),
    ),
    _refund_first(
        name="refund-first, second deployment",
        why="two ledgers, no fault at all",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(),
    ),
    _refund_first(
        name="refund-first, second deployment, invoice",
        why="two ledgers, an invoice in between",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(invoices=1),
    ),
    _refund_first(
        name="refund-first, three deployments, invoice",
        why="three ledgers, an invoice in between",
        deployments=THREE_DEPLOYMENTS,
        faults=Faults(invoices=1),
    ),
)

BESIDE_REFUND_FIRST = tuple(
    replace(
        twin,
        name=twin.name.replace("refund-first", "reserve-first"),
        off=frozenset(),
        clock=twin.faults.kills > 0,
        loses=False,
    )
    for twin in REFUND_FIRST
)

BEYOND = (
    Configuration(
        name="moves that cancel out",
        why="an invoice uses credit and as much goodwill is granted between the read and the reserve: not looked for",
        deployments=ONE_WORKER,
        lots=PRORATION_ONLY,
        invoice=1,
        faults=Faults(invoices=1, grants=1),
        loses=True,
    ),
    Configuration(
        name="pause of more than four hours",
        why="a checked send comes after its keys are gone: outside what the protocol promises",
        long_pauses=True,
        loses=True,
    ),
    Configuration(
        name="ledger restored too early",
        why="a send of before is still under way when the older ledger goes on: outside what the protocol promises",
        deployments=ONE_WORKER,
        charges=LARGE_CHARGE,
        faults=Faults(backups=2, refusals=1, delays=1),
        refusable=(NEWEST,),
        restores_under_way=True,
        loses=True,
    ),
)


def _short(name: str) -> Configuration:
    return next(setting for setting in SHORT if setting.name == name)


_WHERE_IT_MATTERS = {
    Rule.ONE_LIVE_CASE: Configuration(name="two live cases", why="one ledger, two workers", charges=(2,), cases=2),
    Rule.INTENT_BEFORE_SEND: _short("two workers"),
    Rule.RESERVE_FIRST: replace(_short("invoice, goodwill last"), clock=False, cases=2),
    Rule.SEND_WITHIN_20_HOURS: _short("crashes"),
    Rule.CLAIM_YOUNGER_THAN_LEASE: _short("two workers"),
    Rule.SAME_KEY_AFTER_UNKNOWN: _short("crashes"),
    Rule.NEW_ATTEMPT_AFTER_DEFINITE_NO: _short("refusals"),
    Rule.STORED_500_NEEDS_TWO_ABSENT_LOOKUPS: _short("stored 500s"),
    Rule.DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND: _short("refusals"),
    Rule.ENDING_BALANCE_TELLS_OF_MOVES: _short("crashes"),
    Rule.REFUND_ONLY_WHAT_IS_RESERVED: _short("crashes"),
    Rule.CLOSING_IS_FINAL: _short("closing"),
    Rule.CLOSE_BY_MARK_AFTER_24_HOURS: _short("crashes"),
    Rule.GIVE_BACK_AT_MOST_THE_MARKS_REST: _short("lost ledger"),
    Rule.GIVE_BACK_KEY_IS_COMPARE_AND_SET: _short("lost ledger"),
    Rule.GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT: _short("refusals"),
    Rule.MISMATCHED_KEY_IS_SPENT: _short("failing refund"),
    Rule.ORPHAN_RESERVATION_IS_GIVEN_BACK: _short("lost ledger"),
    Rule.FAILED_REFUND_IS_RECREDITED: _short("failing refund"),
    Rule.CHANGED_CHARGE_STOPS_THE_CASE: _short("by hand"),
    Rule.HALT_BEGINS_NOTHING: _short("a halt"),
    Rule.TAKEN_OVER_READS_THE_MARK: _short("ledger restored from a backup"),
}

NOT_FOR_THE_MONEY = frozenset({Rule.ONE_LIVE_CASE})
"""Rules without which the model finds no loss: Stripe's ledger arbitrates between live cases too."""

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


FULL_RUN = (*SHORT, *LONG, *REFUND_FIRST, *BESIDE_REFUND_FIRST, *BEYOND, *WITHOUT.values())
"""What the table in docs/decisions/0002 shows."""

SHORT_RUN = tuple(setting for setting in FULL_RUN if setting not in LONG and setting.deployments != THREE_DEPLOYMENTS)
"""What every run of the tests explores."""
