"""Random schedules with a moving world: several programs and deployments, each stopped at every call, one seed a world.

Only one thread runs at a time: a program that comes to a call waits until the schedule lets it go on, loses its answer,
or kills it. The same seed gives the same world.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.errors import StripeError
from refund_worker.sandbox import Fault, Sandbox, SandboxError
from refund_worker.sandbox.faults import FaultKind
from tests.crash import item_judge, judge, scenes
from tests.crash import item_scenes as items
from tests.crash.item_scenes import ITEM_SCENES
from tests.crash.stops import WRITES, Call, Killed, StoppingClock, StoppingGateway, StoppingLedger, Stops, lost_answer
from tests.worlds import Ids, make_world, night, recovered

HOUR_S = 3_600
TURNS = 150
_FAULTS: tuple[FaultKind, ...] = ("stored_500", "http_500", "before_execution", "lock_timeout", "malformed_body")
PROGRAMS_MAX = 3
# Invariant 7: a pause between a check and its send lasts less than four hours.
PAUSE_S_MAX = 4 * HOUR_S - 60


class Program:
    """One process: a thread that stops at each call until the schedule decides."""

    def __init__(self, name: str, job: Callable[["Program"], None]) -> None:
        self.name = name
        self.at: tuple[Call, str] | None = None
        self.since = 0
        self.done = False
        self.broken: BaseException | None = None
        self._verdict = "go"
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(job,), name=name, daemon=True)

    def start(self) -> None:
        """Run to the first call."""
        self._thread.start()
        self._stopped.acquire()

    def resume(self, verdict: str) -> None:
        """Go on from the call with this verdict to the next call, or to the end."""
        self._verdict = verdict
        self._go.release()
        self._stopped.acquire()

    def meet(self, call: Call, phase: str) -> None:
        """Called by the program's ports."""
        if phase == "rolled_back":
            return
        self.at = (call, phase)
        self._stopped.release()
        self._go.acquire()
        if self._verdict == "kill":
            raise Killed
        if self._verdict == "lose":
            raise lost_answer()

    def _run(self, job: Callable[["Program"], None]) -> None:
        try:
            job(self)
        except Killed:
            pass
        except BaseException as broken:  # noqa: BLE001  kept for the schedule's thread, which raises it
            self.broken = broken
        self.done = True
        self._stopped.release()

    @property
    def before_write(self) -> bool:
        """It has checked that it may send, and is about to."""
        return self.at is not None and self.at[1] == "before" and _is_write(self.at[0])


def _is_write(call: Call) -> bool:
    return call.name.removeprefix("stripe.").partition(" ")[0] in WRITES


@dataclass(slots=True)
class Deployment:
    """One ledger with its workers."""

    name: str
    ledger: SqlLedger
    programs: int = 0


@dataclass(slots=True)
class Schedule:
    """One random world."""

    seed: int
    sandbox: Sandbox = field(init=False)
    dice: random.Random = field(init=False)
    deployments: list[Deployment] = field(init=False)
    running: list[Program] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    story: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with an account that has credit."""
        self.dice = random.Random(self.seed)
        scene = self.dice.choice((*scenes.SCENES[:4], scenes.TWO_CURRENCIES, *ITEM_SCENES[:2]))
        self.sandbox = Sandbox.restore(scene.snapshot())
        self.deployments = [Deployment(name, SqlLedger.open("sqlite://")) for name in ("a", "b")]

    def live(self) -> list[str]:
        """Live through it; returns what the books show to be wrong."""
        for _ in range(TURNS):
            self._turn()
            if self.found:
                break
        for program in list(self.running):
            self._decide(program, "kill")
        if not self.found:
            self._settle()
        return self.found

    def _turn(self) -> None:
        roll = self.dice.random()
        if not self.running or (roll < 0.06 and len(self.running) < PROGRAMS_MAX):
            self._begin()
        elif roll < 0.08:
            self._world_moves()
        elif roll < 0.10:
            self._time_passes()
        elif roll < 0.12:
            self._arm_fault()
        else:
            program = self.dice.choice(self.running)
            self._decide(program, self._verdict(program))

    def _verdict(self, program: Program) -> str:
        if program.at is None:
            return "go"
        call, phase = program.at
        roll = self.dice.random()
        if phase == "lost":
            return "lose" if roll < 0.15 else "go"
        return "kill" if roll < (0.06 if _is_write(call) else 0.01) else "go"

    def _decide(self, program: Program, verdict: str) -> None:
        if verdict == "kill":
            self.gone.add(program.name)
        self._tell(f"{program.name} {verdict} at {program.at}")
        program.resume(verdict)
        program.since = self.sandbox.clock.now
        if program.done:
            self.running.remove(program)
            if program.broken is not None:
                raise program.broken
        for book in self.sandbox.books():
            self.found += judge.exposure(book)

    def _begin(self) -> None:
        deployment = self.dice.choice(self.deployments)
        deployment.programs += 1
        program = Program(f"{deployment.name}{deployment.programs}", lambda one: self._night(one, deployment))
        self._tell(f"{program.name} begins")
        program.start()
        self.running.append(program)

    def _night(self, program: Program, deployment: Deployment) -> None:
        world = make_world(
            self.sandbox,
            ledger=deployment.ledger,
            ids=Ids(deployment=program.name),
            worker=program.name,
            gone=self.gone,
        )
        stops = Stops(program.meet)
        stopping = replace(
            world,
            stripe=StoppingGateway(world.stripe, stops),
            ledger=StoppingLedger(world.ledger, stops),
            clock=StoppingClock(world.clock, stops),
        )
        night(stopping)

    def _time_passes(self) -> None:
        seconds = self.dice.choice((60, 301, 3 * HOUR_S, 21 * HOUR_S, 25 * HOUR_S))
        for program in list(self.running):
            if program.before_write and self.sandbox.clock.now + seconds - program.since > PAUSE_S_MAX:
                self._decide(program, "kill")
        self._tell(f"{seconds} s pass")
        self.sandbox.clock.advance(seconds)

    def _world_moves(self) -> None:
        acts = (
            self._use, self._goodwill, self._new_credit, self._debit, self._by_hand, self._dispute,
            self._new_items, self._take_items, self._draft_items, self._delete_item,
        )  # fmt: skip
        (act,) = self.dice.choices(acts, weights=(6, 4, 4, 2, 1, 1, 4, 2, 1, 1))
        self._tell(act.__name__.lstrip("_"))
        try:
            act()
        except SandboxError as refused:
            self._tell(f"refused: {refused}")

    def _use(self) -> None:
        scenes.use_credit(self.sandbox, self.dice.randint(1, 3_000))

    def _by_hand(self) -> None:
        scenes.refund_by_hand(self.sandbox, self.dice.randint(1, 2_000))

    def _dispute(self) -> None:
        scenes.dispute_newest(self.sandbox)

    def _goodwill(self) -> None:
        scenes.goodwill(self.sandbox, self.sandbox.books()[0].customer, self.dice.randint(1, 2_000))

    def _new_credit(self) -> None:
        scenes.more_credit(self.sandbox, self.dice.randint(100, 3_000))

    def _new_items(self) -> None:
        customer = self.sandbox.books()[0].customer
        self.sandbox.build.payment_method(customer)
        made = scenes.subscribe(self.sandbox, customer, price=self.dice.randint(100, 3_000))
        items.cancel_pending(self.sandbox, made["id"])

    def _take_items(self) -> None:
        if items.pending_items(self.sandbox):
            items.invoice_takes_them(self.sandbox)

    def _draft_items(self) -> None:
        if items.pending_items(self.sandbox):
            items.draft_takes_them(self.sandbox)

    def _delete_item(self) -> None:
        items.deleted_by_hand(self.sandbox)

    def _debit(self) -> None:
        customer = self.sandbox.books()[0].customer
        amount = self.dice.randint(1, 1_000)
        self.sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": amount, "currency": "usd"})

    def _arm_fault(self) -> None:
        path = self.dice.choice((scenes.MOVEMENTS, scenes.REFUNDS, items.ITEMS))
        kind = self.dice.choice(_FAULTS)
        executed = self.dice.random() < 0.5
        self._tell(f"fault {kind} {executed} at {path}")
        method = "DELETE" if path == items.ITEMS else "POST"
        self.sandbox.faults.add(Fault(kind=kind, method=method, path=path, executed=executed))

    def _settle(self) -> None:
        """Let every deployment come to rest: nights and recovery until nothing is open, with keys pruned between."""
        self.sandbox.faults.clear()
        for number in range(3):
            for deployment in self.deployments:
                self._rest(deployment, number)
            self.sandbox.clock.advance(25 * HOUR_S)
        for deployment in self.deployments:
            if deployment.ledger.live_cases():
                self.found.append(f"stuck in {deployment.name}: {deployment.ledger.live_cases()}")
            verified = deployment.ledger.verify()
            if not verified.ok:
                self.found.append(f"the trail of {deployment.name}: {verified.problem}")
        self.found += judge.losses(self.sandbox) + item_judge.unsettled(self.sandbox)
        for book in self.sandbox.books():
            self.found += judge.double_refunds(book)

    def _rest(self, deployment: Deployment, number: int) -> None:
        world = make_world(
            self.sandbox,
            ledger=deployment.ledger,
            ids=Ids(deployment=f"{deployment.name}rest{number}"),
            worker=f"{deployment.name}rest{number}",
            gone=self.gone,
        )
        try:
            night(world)
            recovered(world)
        except StripeError as error:
            self.found.append(f"{deployment.name} could not come to rest: {error}")

    def _tell(self, line: str) -> None:
        self.story.append(f"{self.sandbox.clock.now} {line}")
