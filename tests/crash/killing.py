"""One world of the kill-anywhere table: an account, a stop, what happens after it, and the judgement."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.world import World
from tests.crash import item_judge, judge
from tests.crash.scenes import Scene
from tests.crash.stops import Call, Killed, Meet, StoppingClock, StoppingGateway, StoppingLedger, Stops, lost_answer
from tests.worlds import Ids, make_world, night

HOUR_S = 3_600
CASH = ("stripe.create_movement reserve", "stripe.create_refund")
Fate = Literal["killed", "lost", "paused"]
# After a kill: at once; when nothing may be sent any more; when the keys are pruned. A pause lasts under four hours
# (invariant 7): beyond the lease, and almost all of them.
LATER_S: dict[Fate, tuple[int, ...]] = {
    "killed": (0, 21 * HOUR_S, 25 * HOUR_S),
    "lost": (0,),
    "paused": (301, 4 * HOUR_S - 60),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the program stops, how, and how long until it or another goes on."""

    place: int
    phase: str
    fate: Fate
    later_s: int
    name: str


def stops_of(scene: Scene) -> Iterator[Stop]:
    """Every place of the scene's night from the reserve's intent on, in every phase it has, with every fate."""
    for call, phase in places(scene):
        fates: tuple[Fate, ...] = ("killed", "paused")
        if phase == "lost":
            fates = ("lost",)
        elif phase == "rolled_back":
            fates = ("killed",)  # a transaction is never open while the program waits
        for fate in fates:
            yield from (Stop(call.number, phase, fate, later, call.name) for later in LATER_S[fate])


def problems(scene: Scene, stop: Stop) -> list[str]:
    """Live through one world to its rest; return what is wrong with it."""
    world = Account(scene)
    stopped: list[str] = []

    def meet(call: Call, phase: str) -> None:
        world.happen(call, phase)
        if stopped or (call.number, phase) != (stop.place, stop.phase):
            return
        stopped.append(call.name)
        if stop.fate == "lost":
            raise lost_answer()
        if stop.fate == "killed":
            world.gone.add("first")
            raise Killed
        world.sandbox.clock.advance(stop.later_s)
        night(world.program("second"))

    try:
        night(world.program("first", meet))
    except Killed:
        world.sandbox.clock.advance(stop.later_s)
    if stopped != [stop.name]:
        return [f"the world stopped at {stopped}, not at {stop.name}: it is not deterministic"]
    for number in range(5):
        later = night(world.program(f"later{number}"))
        if number and not world.ledger.live_cases() and not any(case.movements for case in later.cases):
            break
        world.sandbox.clock.advance(301 if number == 0 else 25 * HOUR_S)
    return judged(scene, world)


class Account:
    """The account of a scene with one ledger; its event happens once, before whoever reserves first."""

    def __init__(self, scene: Scene, *, sandbox: Sandbox | None = None, ledger: SqlLedger | None = None) -> None:
        self.sandbox = sandbox or Sandbox.restore(scene.snapshot())
        self.ledger = ledger or SqlLedger.open("sqlite://")
        self.gone: set[str] = set()
        self.event = scene.event
        self.at = scene.at
        self.exposed: list[str] = []

    def happen(self, call: Call, phase: str) -> None:
        """Let the event happen where its time has come."""
        if phase == "before" and call.name.startswith(CASH):
            self.exposed += item_judge.both_exist(self.sandbox)  # rule NO_CASH_WHILE_BOTH_EXIST
        if self.event is not None and (call.name, phase) == self.at:
            happen, self.event = self.event, None
            happen(self.sandbox)

    def program(self, name: str, meet: Meet | None = None) -> World:
        """A process on this account."""
        stops = Stops(meet or self.happen)
        world = make_world(self.sandbox, ledger=self.ledger, worker=name, gone=self.gone, ids=Ids(deployment=name))
        return replace(
            world,
            stripe=StoppingGateway(world.stripe, stops),
            ledger=StoppingLedger(world.ledger, stops),
            clock=StoppingClock(world.clock, stops),
        )


def judged(scene: Scene, world: Account) -> list[str]:
    """What is wrong with an account that has come to rest."""
    books = world.sandbox.books()
    found = world.exposed + item_judge.unsettled(world.sandbox) + judge.losses(world.sandbox)
    found += [twice for book in books for twice in judge.double_refunds(book)]
    ended = {book.currency: (book.balance, sum(charge.refunded for charge in book.charges)) for book in books}
    if ended != scene.ends:
        found.append(f"balance and refunds ended as {ended}, not {scene.ends}")
    if world.ledger.live_cases():
        found.append(f"stuck: {world.ledger.live_cases()}")
    verified = world.ledger.verify()
    if not verified.ok:
        found.append(f"the trail: {verified.problem}")
    return found


def places(scene: Scene) -> list[tuple[Call, str]]:
    """Every place of the scene's undisturbed night from the reserve's intent on, in every phase it has."""
    world, met = Account(scene), list[tuple[Call, str]]()

    def meet(call: Call, phase: str) -> None:
        met.append((call, phase))
        world.happen(call, phase)

    night(world.program("first", meet))
    first = next(call.number for call, _ in met if call.name.endswith((" reserve", " credit_items"))) - 4
    return [(call, phase) for call, phase in met if call.number >= first]
