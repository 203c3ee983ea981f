"""The worlds that are explored. Credit: 2 units from a proration, 1 of goodwill beside it, unless said otherwise."""

from tests.model.rules import Rule
from tests.model.state import Configuration, Faults
from tests.model.world import BALANCE_REFUSES, GOODWILL, PRORATION

NEWEST, NEXT = 1 << 0, 1 << 1  # bits of charges that Stripe may refuse to refund
ONE_WORKER, TWO_WORKERS, TWO_DEPLOYMENTS, THREE_DEPLOYMENTS = (0,), (0, 0), (0, 1), (0, 1, 2)
GOODWILL_LAST = ((PRORATION, 2), (GOODWILL, 1))
PRORATION_ONLY = ((PRORATION, 2),)
LARGE_CHARGE = (8,)  # four times the credit: nothing but the protocol keeps a duplicate from being refunded

SHORT = (
    Configuration(
        name="crashes",
        why="one worker, killed twice, two lost answers, an invoice in between",
        deployments=ONE_WORKER,
        faults=Faults(kills=2, delays=2, invoices=1),
    ),
    Configuration(
        name="two workers",
        why="one ledger, one kill, one lost answer",
        faults=Faults(kills=1, delays=1),
    ),
    Configuration(
        name="invoice, goodwill last",
        why="two deployments, an invoice uses the proration credit first",
        deployments=TWO_DEPLOYMENTS,
        lots=GOODWILL_LAST,
        faults=Faults(invoices=1),
    ),
    Configuration(
        name="stored 500s",
        why="one worker, two stored 500s, one lost answer, one kill",
        deployments=ONE_WORKER,
        faults=Faults(kills=1, stored_500s=2, delays=1),
    ),
    Configuration(
        name="refusals",
        why="one worker, a refusal that ends, stored or not, one lost answer",
        deployments=ONE_WORKER,
        faults=Faults(refusals=1, delays=1),
        refusable=(NEWEST, NEXT, BALANCE_REFUSES),
        stores_refusals=(False, True),
    ),
    Configuration(
        name="closing",
        why="two workers, the only charge refuses for a time",
        charges=(2,),
        faults=Faults(refusals=1),
        refusable=(NEWEST,),
    ),
    Configuration(
        name="failing refund",
        why="one worker, an accepted refund fails, one stored 500, one lost answer",
        deployments=ONE_WORKER,
        faults=Faults(failures=1, stored_500s=1, delays=1),
    ),
    Configuration(
        name="lost ledger",
        why="two deployments, one ledger is lost, one kill",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(lost_ledgers=1, kills=1),
    ),
    Configuration(
        name="pruned keys",
        why="two deployments, a lost ledger, a stored 500, a give-back's key pruned",
        deployments=TWO_DEPLOYMENTS,
        charges=(1,),
        faults=Faults(lost_ledgers=1, stored_500s=1, pruned_keys=1),
    ),
    Configuration(
        name="a halt",
        why="one worker, a halt that may never be lifted, one kill, one lost answer",
        deployments=ONE_WORKER,
        faults=Faults(halts=1, kills=1, delays=1),
    ),
    Configuration(
        name="ledger restored from a backup",
        why="an older ledger has forgotten a refusal, refunds, and what was given back",
        deployments=ONE_WORKER,
        charges=LARGE_CHARGE,
        faults=Faults(backups=2, refusals=1),
        refusable=(NEWEST,),
    ),
    Configuration(
        name="by hand",
        why="one worker, somebody refunds the newest charge by hand",
        deployments=ONE_WORKER,
        charges=(2, 2),
        cases=2,
        faults=Faults(by_hand=1, delays=1),
    ),
)

LONG = (
    Configuration(
        name="two live cases",
        why="two workers without ONE_LIVE_CASE, an invoice in between",
        lots=GOODWILL_LAST,
        cases=2,
        faults=Faults(invoices=1),
        off=frozenset({Rule.ONE_LIVE_CASE}),
    ),
    Configuration(
        name="crashes, more of them",
        why="one worker, two kills, three lost answers, two invoices, two cases",
        deployments=ONE_WORKER,
        cases=2,
        invoice=1,
        faults=Faults(kills=2, delays=3, invoices=2),
    ),
    Configuration(
        name="two workers, two lost answers",
        why="one ledger, two kills, two lost answers, an invoice in between",
        faults=Faults(kills=2, delays=2, invoices=1),
    ),
    Configuration(
        name="two workers, planned anew",
        why="one ledger, two cases one after the other, an invoice in between",
        cases=2,
        faults=Faults(invoices=1),
    ),
    Configuration(
        name="second deployment",
        why="two ledgers, two cases at once, an invoice in between, one lost answer",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(invoices=1, delays=1),
    ),
    Configuration(
        name="second deployment, goodwill last",
        why="the same with the lots in the other order",
        deployments=TWO_DEPLOYMENTS,
        lots=GOODWILL_LAST,
        cases=2,
        faults=Faults(invoices=1, delays=1),
    ),
    Configuration(
        name="two workers and a second deployment",
        why="three workers, two ledgers, one case, one lost answer",
        deployments=(0, 0, 1),
        faults=Faults(delays=1),
    ),
    Configuration(
        name="stored 500s, two workers",
        why="one ledger, two stored 500s, with, without and before their effect, one lost answer",
        faults=Faults(stored_500s=2, delays=1),
    ),
    Configuration(
        name="refusals, two workers",
        why="a refusal that ends, of a charge or of balance writes, stored or not, one lost answer",
        faults=Faults(refusals=1, delays=1),
        refusable=(NEWEST, BALANCE_REFUSES),
        stores_refusals=(False, True),
    ),
    Configuration(
        name="refusals, twice, with kills",
        why="one worker, two refusals, two lost answers, one kill",
        deployments=ONE_WORKER,
        faults=Faults(refusals=2, delays=2, kills=1),
        refusable=(NEWEST, NEXT, BALANCE_REFUSES),
        stores_refusals=(False, True),
    ),
    Configuration(
        name="failing refunds, second deployment",
        why="two ledgers, two cases, an accepted refund fails, one lost answer",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(failures=1, delays=1),
    ),
    Configuration(
        name="failing refunds, two workers",
        why="one ledger, two refunds fail, one kill, one stored 500",
        faults=Faults(failures=2, kills=1, stored_500s=1),
    ),
    Configuration(
        name="lost ledger, second deployment",
        why="two cases, a ledger is lost, an invoice in between, one kill",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(lost_ledgers=1, invoices=1, kills=1),
    ),
    Configuration(
        name="lost ledger, refund fails",
        why="two workers, two cases, the ledger is lost, a refund fails",
        faults=Faults(lost_ledgers=1, failures=1),
        cases=2,
    ),
    Configuration(
        name="pruned keys, stored 500s",
        why="two deployments, a lost ledger, two stored 500s, a failing refund, two pruned keys",
        deployments=TWO_DEPLOYMENTS,
        charges=(1,),
        faults=Faults(lost_ledgers=1, stored_500s=2, failures=1, pruned_keys=2),
    ),
    Configuration(
        name="ledger restored, two charges",
        why="one worker, two charges, a refusal stored or not",
        deployments=ONE_WORKER,
        faults=Faults(backups=2, refusals=1),
        refusable=(NEWEST,),
        stores_refusals=(False, True),
    ),
    Configuration(
        name="ledger restored, a refund fails",
        why="one worker, two cases, a backup, a failing refund, an invoice in between",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(backups=2, failures=1, invoices=1),
    ),
    Configuration(
        name="ledger restored, stored 500s",
        why="one worker, a backup, a stored 500, a lost answer, a kill",
        deployments=ONE_WORKER,
        faults=Faults(backups=2, stored_500s=1, delays=1, kills=1),
    ),
    Configuration(
        name="halts, two workers",
        why="one ledger, two halts, one kill, one lost answer",
        faults=Faults(halts=2, kills=1, delays=1),
    ),
    Configuration(
        name="a halt, a refund fails",
        why="two ledgers, a halt, a failing refund, a stored 500",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(halts=1, failures=1, stored_500s=1),
    ),
    Configuration(
        name="by hand, two workers",
        why="somebody refunds by hand, one lost answer, one kill",
        charges=(2, 2),
        cases=2,
        faults=Faults(by_hand=1, delays=1, kills=1),
    ),
)
