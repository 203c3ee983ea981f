"""What a state of the model consists of: the world, the ledgers, the workers, the faults still to come."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.rules import Rule
from tests.model.world import GOODWILL, PRORATION, Answer, Move, Request, World

OPEN, DONE, NO = range(3)  # a step in the ledger: not decided yet; accepted; definitely refused


class Step(NamedTuple):
    """A reserve or a refund as the ledger knows it.

    `sent_by`: bits of the workers whose send of this attempt has no answer yet; `lost`: an answer of this
    attempt will never be heard; `amount`: 0 until the first send.
    """

    attempt: int = 1
    outcome: int = OPEN
    sent_by: int = 0
    lost: bool = False
    amount: int = 0

    @property
    def is_sent(self) -> bool:
        """True if this attempt may have reached Stripe and nobody knows the outcome."""
        return bool(self.sent_by or self.lost)

    @property
    def is_accepted(self) -> bool:
        """True if Stripe booked it."""
        return self.outcome == DONE


class Case(NamedTuple):
    """A live case in a ledger.

    `images`: what was left on each charge when it was planned; `debit`, `covered`: -1 until known.
    """

    id: int
    planned: int
    expected_ending: int
    images: tuple[int, ...]
    holder: int
    steps: tuple[Step, ...]  # the reserve, then one refund per charge, newest charge first
    debit: int = -1
    covered: int = -1
    closing: bool = False


class Ledger(NamedTuple):
    """One deployment's database. `closed`: bits of the cases it saw closed."""

    live: tuple[Case, ...] = ()
    closed: int = 0
    backup: "Ledger | None" = None


IDLE, READ_MOVES, SEND, RECORD, RESUME, LOOK, READ_REFUNDS, READ_REST, SEND_GIVE_BACK, END_CASE = range(10)


class Worker(NamedTuple):
    """A process: where it stands, and what it holds in memory until the next call."""

    at: int = IDLE
    case: int = -1
    request: Request | None = None
    answer: Answer | None = None
    images: tuple[int, ...] = ()
    debit: int = -1
    cash: int = 0
    attempt: int = 1
    looks: int = 0
    unread: bool = False  # it took the case over and has not read its mark yet
    draft: Case | None = None  # a row in memory instead of the ledger: only without intents, or without claims


RESTING = Worker()


class Faults(NamedTuple):
    """How often each may still happen."""

    kills: int = 0
    delays: int = 0  # the answer of a send is lost; the request arrives now, later or never
    stored_500s: int = 0
    invoices: int = 0  # an invoice finalises and uses credit
    grants: int = 0  # somebody grants one unit of goodwill
    refusals: int = 0  # Stripe begins to refuse a charge, or balance writes
    failures: int = 0  # an accepted refund fails
    lost_ledgers: int = 0
    backups: int = 0  # two: a backup is made, and put in the ledger's place later
    by_hand: int = 0  # somebody refunds the newest charge whole
    pruned_keys: int = 0  # a give-back's key is pruned
    halts: int = 0  # a person halts all money steps; whether and when it is lifted is open


class State(NamedTuple):
    """A point of the exploration."""

    world: World
    ledgers: tuple[Ledger, ...]
    workers: tuple[Worker, ...]
    faults: Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One world to explore. Credit, charges and invoices in whole units."""

    name: str
    why: str
    deployments: tuple[int, ...] = (0, 0)  # for each worker the deployment, that is the ledger, it belongs to
    lots: tuple[tuple[int, int], ...] = ((GOODWILL, 1), (PRORATION, 2))
    charges: tuple[int, ...] = (1, 2)  # what was captured, newest first
    cases: int = 1
    faults: Faults = field(default_factory=Faults)
    invoice: int = 2
    refusable: tuple[int, ...] = ()  # bits of `World.refusing` that may be set
    stores_refusals: tuple[bool, ...] = (False,)
    attempts: int = 2  # of a refund that was refused; no more, to keep the model finite
    clock: bool = True
    long_pauses: bool = False  # a send may come more than four hours after its check
    restores_under_way: bool = False  # a backup may come back while a request is still on its way
    off: frozenset[Rule] = frozenset()
    loses: bool = False  # the explorer must find a violation here

    def start(self) -> State:
        """The state before anybody has looked."""
        world = World(moves=tuple(Move(kind, 0, amount) for kind, amount in self.lots))
        ledgers = tuple(Ledger() for _ in range(max(self.deployments) + 1))
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


def case_of(setting: Configuration, state: State, me: int, case_id: int) -> Case | None:
    """The live case of that id in the worker's ledger."""
    return next((case for case in ledger_of(setting, state, me).live if case.id == case_id), None)


def _with_ledger(setting: Configuration, state: State, me: int, ledger: Ledger) -> State:
    at = setting.deployments[me]
    return state._replace(ledgers=(*state.ledgers[:at], ledger, *state.ledgers[at + 1 :]))


def with_case(setting: Configuration, state: State, me: int, case: Case) -> State:
    """Write the row of a live case."""
    ledger = ledger_of(setting, state, me)
    others = [other for other in ledger.live if other.id != case.id]
    live = tuple(sorted((*others, case), key=lambda row: row.id))
    return _with_ledger(setting, state, me, ledger._replace(live=live))


def without_case(setting: Configuration, state: State, me: int, case_id: int) -> State:
    """Close a case."""
    ledger = ledger_of(setting, state, me)
    live = tuple(case for case in ledger.live if case.id != case_id)
    closed = ledger.closed | 1 << case_id
    return _with_ledger(setting, state, me, ledger._replace(live=live, closed=closed))
