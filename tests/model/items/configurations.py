"""The worlds that are explored: a pending credit of 2, alone or beside a debit of 1 or a second credit of 1."""

from tests.model.items.state import Configuration, Faults

ONE_WORKER, TWO_WORKERS, TWO_DEPLOYMENTS = (0,), (0, 0), (0, 1)
CREDIT_AND_DEBIT, TWO_CREDITS = (-2, 1), (-2, -1)

SHORT = (
    Configuration(
        name="conversion, crashes",
        why="one worker, a credit and a debit, killed, a lost answer, an invoice takes the items",
        deployments=ONE_WORKER,
        amounts=CREDIT_AND_DEBIT,
        faults=Faults(kills=1, delays=1, invoices=1),
    ),
    Configuration(
        name="conversion, the credit is used",
        why="one worker, goodwill beside it, an invoice takes the item, another the balance, one lost answer",
        deployments=ONE_WORKER,
        goodwill=1,
        faults=Faults(kills=1, delays=1, invoices=1, uses=1),
    ),
    Configuration(
        name="conversion, two workers",
        why="one ledger, one lost answer",
        faults=Faults(delays=1),
    ),
    Configuration(
        name="conversion, second deployment",
        why="two ledgers plan the same item, an invoice takes it",
        deployments=TWO_DEPLOYMENTS,
        faults=Faults(invoices=1),
    ),
    Configuration(
        name="conversion, stored 500s",
        why="one worker, a stored 500, one lost answer, one kill",
        deployments=ONE_WORKER,
        faults=Faults(stored_500s=1, delays=1, kills=1),
    ),
    Configuration(
        name="conversion, lost ledger",
        why="one worker, one kill, one lost answer, an invoice takes the item",
        deployments=ONE_WORKER,
        faults=Faults(lost_ledgers=1, kills=1, delays=1, invoices=1),
    ),
    Configuration(
        name="conversion, ledger restored from a backup",
        why="an older ledger has forgotten what was credited, deleted, corrected",
        deployments=ONE_WORKER,
        faults=Faults(backups=2, invoices=1),
    ),
    Configuration(
        name="conversion, a draft",
        why="one worker, a draft takes the item and is deleted, one kill, one lost answer",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(drafts=1, undrafts=1, delays=1, kills=1),
    ),
    Configuration(
        name="conversion, no right to delete",
        why="one worker, a 403, somebody deletes the item, one lost answer",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(forbids=1, deletes=1, delays=1),
    ),
    Configuration(
        name="conversion, an item changes",
        why="one worker, somebody changes the item, somebody deletes it, one lost answer",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(changes=1, deletes=1, delays=1),
    ),
    Configuration(
        name="conversion, converted again",
        why="one worker, a 403 that ends: the item was corrected, and must be converted all the same",
        deployments=ONE_WORKER,
        cases=2,
        converts_all=True,
        faults=Faults(forbids=1),
    ),
    Configuration(
        name="conversion, a halt",
        why="one worker, a halt that may never be lifted, one kill, one lost answer",
        deployments=ONE_WORKER,
        faults=Faults(halts=1, kills=1, delays=1),
    ),
)

LONG = (
    Configuration(
        name="conversion, crashes, more of them",
        why="one worker, two items, two kills, two lost answers, an invoice takes the items",
        deployments=ONE_WORKER,
        amounts=CREDIT_AND_DEBIT,
        faults=Faults(kills=2, delays=2, invoices=1),
    ),
    Configuration(
        name="conversion, two workers, two items",
        why="one ledger, one kill, one lost answer",
        amounts=TWO_CREDITS,
        faults=Faults(kills=1, delays=1),
    ),
    Configuration(
        name="conversion, second deployment, two cases",
        why="two ledgers plan the same item, one kill, an invoice takes it",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(kills=1, invoices=1),
    ),
    Configuration(
        name="conversion, second deployment, lost answers",
        why="two ledgers, two lost answers: a credit that lands after the other deployment has refunded",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(delays=2),
    ),
    Configuration(
        name="conversion, different sets, a debit",
        why="two ledgers, a debit is made between their reads, an invoice takes the items",
        deployments=TWO_DEPLOYMENTS,
        amounts=CREDIT_AND_DEBIT,
        late=1,
        cases=2,
        twice=True,
        faults=Faults(made=1, invoices=1),
    ),
    Configuration(
        name="conversion, different sets, a credit",
        why="two ledgers, a credit is made between their reads",
        deployments=TWO_DEPLOYMENTS,
        amounts=TWO_CREDITS,
        late=1,
        cases=2,
        twice=True,
        faults=Faults(made=1),
    ),
    Configuration(
        name="conversion, different sets, the credit is used",
        why="two ledgers, a credit is made between their reads, an invoice uses what counts twice",
        deployments=TWO_DEPLOYMENTS,
        amounts=TWO_CREDITS,
        late=1,
        cases=2,
        twice=True,
        faults=Faults(made=1, uses=1),
    ),
    Configuration(
        name="conversion, stored 500s, second deployment",
        why="two ledgers, a stored 500, an invoice takes the item, a correction's key pruned",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(stored_500s=1, invoices=1, pruned_keys=1),
    ),
    Configuration(
        name="conversion, lost ledger, second deployment",
        why="two ledgers, one is lost, one kill, an invoice takes the item",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(lost_ledgers=1, kills=1, invoices=1),
    ),
    Configuration(
        name="conversion, ledger restored, a missing right",
        why="one worker, a backup, a 403 that ends, one lost answer",
        deployments=ONE_WORKER,
        cases=2,
        faults=Faults(backups=2, forbids=1, delays=1),
    ),
    Configuration(
        name="conversion, two workers and a second deployment",
        why="three workers, two ledgers, an invoice takes the item",
        deployments=(0, 0, 1),
        faults=Faults(invoices=1),
    ),
    Configuration(
        name="conversion, a draft, second deployment",
        why="two ledgers, a draft takes the item, is deleted or finalised, somebody deletes the item",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(drafts=1, undrafts=1, deletes=1),
    ),
    Configuration(
        name="conversion, no right to delete, two workers",
        why="one ledger, a 403, one kill, one lost answer",
        faults=Faults(forbids=1, kills=1, delays=1),
    ),
    Configuration(
        name="conversion, an item changes, two workers",
        why="one ledger, somebody changes the item, one lost answer",
        cases=2,
        faults=Faults(changes=1, delays=1),
    ),
    Configuration(
        name="conversion, people, second deployment",
        why="two ledgers, somebody deletes the item, one lost answer",
        deployments=TWO_DEPLOYMENTS,
        cases=2,
        faults=Faults(deletes=1, delays=1),
    ),
)
