"""What a state consists of: the world, the ledgers, the workers, the faults still to come."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.items.rules import Rule
from tests.model.items.world import ABSENT, GOODWILL, PENDING, Answer, Item, Move, Named, Request, World

OPEN, DONE = range(2)  # the credit: no answer yet; accepted


class Case(NamedTuple):
    """A live conversion in a ledger.

    `counts`: how many marks named each item when it was planned; `deletes_lost`: bits of items of which a DELETE was
    sent whose answer will never be heard; `refused`: the right to delete is missing, what is left is corrected.
    """

    id: int
    names: Named
    counts: tuple[int, ...]
    holder: int
    attempt: int = 1
    credit: int = OPEN
    sent_by: int = 0
    lost: bool = False
    deletes_by: tuple[int, ...] = ()  # per item: bits of the workers whose DELETE has no answer yet
    deletes_lost: int = 0
    deleted: int = 0  # bits of items that a DELETE of this case has deleted, by its answer
    recorded: int = 0  # bits of items whose record, and the intent to delete, are committed
    refused: bool = False


class Ledger(NamedTuple):
    """One deployment's database."""

    live: tuple[Case, ...] = ()
    backup: "Ledger | None" = None


IDLE, READ_SECOND, TAKE, SEND, RECORD, LOOK_AGAIN, LOOK_BY_MARK, MARKS, LOOK = range(9)


class Worker(NamedTuple):
    """A process: where it stands, and what it holds in memory until the next call."""

    at: int = IDLE
    case: int = -1
    request: Request | None = None
    answer: Answer | None = None
    seen: int = -1  # how many balance transactions it has read
    items: tuple[Item, ...] = ()  # as it has read them; only where they are read first
    which: int = 0  # the item of the case that it looks at
    takes: Named = ()
    attempt: int = 1
    looks: int = 0


RESTING = Worker()


class Faults(NamedTuple):
    """How often each may still happen."""

    kills: int = 0
    delays: int = 0  # an answer is lost; the request arrives now, later or never
    stored_500s: int = 0
    made: int = 0  # an item that was absent is made
    invoices: int = 0  # an invoice takes all pending items and is finalised at once
    drafts: int = 0  # a draft takes all pending items
    undrafts: int = 0  # the draft is deleted, its items are pending again
    uses: int = 0  # an invoice uses the balance
    deletes: int = 0  # a person deletes an item
    changes: int = 0  # a person changes an item's amount by one
    lost_ledgers: int = 0
    backups: int = 0  # two: a backup is made, and put in the ledger's place later
    forbids: int = 0  # a deployment loses the right to delete items
    halts: int = 0  # a person halts all money steps; whether and when it is lifted is open
    pruned_keys: int = 0  # a correction's key is pruned


class State(NamedTuple):
    """A point of the exploration."""

    world: World
    ledgers: tuple[Ledger, ...]
    workers: tuple[Worker, ...]
    faults: Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One world to explore. Amounts in whole units, with Stripe's sign.

    `late`: the item that does not exist yet. `cases`: how many credits may be planned; `converts_all`: at a good end
    nothing is pending. `twice`: two credits may name one item, because two deployments see different items.
    """

    name: str
    why: str
    deployments: tuple[int, ...] = (0, 0)
    amounts: tuple[int, ...] = (-2,)
    late: int = -1
    goodwill: int = 0
    cases: int = 1
    faults: Faults = field(default_factory=Faults)
    converts_all: bool = False
    twice: bool = False
    in_the_moment: bool = False  # a person may delete an item between the last look at it and its credit
    off: frozenset[Rule] = frozenset()
    loses: bool = False

    def start(self) -> State:
        """The state before anybody has looked."""
        items = tuple(Item(amount, ABSENT if at == self.late else PENDING) for at, amount in enumerate(self.amounts))
        moves = (Move(GOODWILL, 0, -self.goodwill),) if self.goodwill else ()
        value = -sum(item.amount for item in items if item.where == PENDING)
        ledgers = tuple(Ledger() for _ in range(max(self.deployments) + 1))
        world = World(items=items, moves=moves, low=value, high=value)
        return State(world, ledgers, tuple(RESTING for _ in self.deployments), self.faults)

    def keeps(self, rule: Rule) -> bool:
        """True if the rule is in force."""
        return rule not in self.off


Successor = tuple[str, State, bool]  # what happens, the state after it, and whether recovery may count on it


def change(state: State, me: int, worker: Worker) -> State:
    """The state with another worker in place `me`."""
    return state._replace(workers=(*state.workers[:me], worker, *state.workers[me + 1 :]))


def ledger_of(setting: Configuration, state: State, me: int) -> Ledger:
    """The ledger that worker `me` uses."""
    return state.ledgers[setting.deployments[me]]


def case_of(setting: Configuration, state: State, me: int) -> Case | None:
    """The live case that worker `me` works on, if its claim is the newest."""
    wanted = state.workers[me].case
    rows = ledger_of(setting, state, me).live
    return next((case for case in rows if case.id == wanted and case.holder == me), None)


def is_halted(setting: Configuration, state: State) -> bool:
    """A halt stands, and the workers heed it."""
    return state.world.halted and setting.keeps(Rule.HALT_BEGINS_NOTHING)


def with_case(setting: Configuration, state: State, me: int, case: Case) -> State:
    """Write the row of a live case; a ledger has one at most."""
    return _with_ledger(setting, state, me, ledger_of(setting, state, me)._replace(live=(case,)))


def without_case(setting: Configuration, state: State, me: int) -> State:
    """Close the live case."""
    return _with_ledger(setting, state, me, ledger_of(setting, state, me)._replace(live=()))


def _with_ledger(setting: Configuration, state: State, me: int, ledger: Ledger) -> State:
    at = setting.deployments[me]
    return state._replace(ledgers=(*state.ledgers[:at], ledger, *state.ledgers[at + 1 :]))
