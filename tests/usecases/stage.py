"""A scene's account with a ledger, and programs on it that can be met at any call over a port."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from sqlalchemy import select

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.tables import audit_entries
from refund_worker.domain.cases import Case
from refund_worker.domain.policy import Policy
from refund_worker.sandbox import Books, Fault, Sandbox
from refund_worker.sandbox.faults import FaultKind
from refund_worker.usecases.world import World
from tests.crash import judge
from tests.crash.scenes import MOVEMENTS, REFUNDS, SCENES
from tests.crash.stops import Call, Killed, Meet, StoppingClock, StoppingGateway, StoppingLedger, Stops
from tests.worlds import Ids, make_world, night

HOUR_S = 3_600
RESERVE = "stripe.create_movement reserve"
REFUND = "stripe.create_refund refund:1"
GIVE_BACK = "stripe.create_movement give_back:1"
_SCENES = {scene.name: scene for scene in SCENES}

__all__ = ["GIVE_BACK", "HOUR_S", "MOVEMENTS", "REFUND", "REFUNDS", "RESERVE", "Fault", "Killed", "Stage", "at", "die"]


def at(name: str, phase: str, act: Callable[[], object]) -> Meet:
    """Act once, at the first call of this name, in this phase (`tests.crash.stops` has the phases)."""
    met: list[Call] = []

    def meet(call: Call, at_phase: str) -> None:
        if not met and (call.name, at_phase) == (name, phase):
            met.append(call)
            act()

    return meet


def die() -> None:
    """The process is killed on the spot."""
    raise Killed


@dataclass(slots=True)
class Stage:
    """An account, a ledger, and the names of the processes that are gone."""

    sandbox: Sandbox
    ledger: SqlLedger = field(default_factory=lambda: SqlLedger.open("sqlite://"))
    gone: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, scene: str) -> Self:
        """The account of a scene of the crash table, before its night; what others do in it is left out."""
        return cls(Sandbox.restore(_SCENES[scene].snapshot()))

    def world(self, name: str = "worker", *, meet: Meet | None = None, policy: Policy | None = None) -> World:
        """A process on this account."""
        world = make_world(
            self.sandbox, ledger=self.ledger, worker=name, gone=self.gone, ids=Ids(deployment=name), policy=policy
        )
        if meet is None:
            return world
        stops = Stops(meet)
        return replace(
            world,
            stripe=StoppingGateway(world.stripe, stops),
            ledger=StoppingLedger(world.ledger, stops),
            clock=StoppingClock(world.clock, stops),
        )

    def kill_at(self, name: str, phase: str) -> None:
        """Let a night be killed there."""
        try:
            night(self.world("killed", meet=at(name, phase, die)))
        except Killed:
            self.gone.add("killed")
            return
        raise AssertionError(f"the night never came to {name}, {phase}")

    def lose_ledger(self) -> None:
        """The ledger's file is deleted: a new, empty one takes its place."""
        self.ledger = SqlLedger.open("sqlite://")

    def arm(self, kind: FaultKind, path: str, *, nth: int = 1, times: int = 1, executed: bool = False) -> None:
        """Arm a fault of the sandbox that needs no code."""
        self.sandbox.faults.add(Fault(kind=kind, method="POST", path=path, nth=nth, times=times, executed=executed))

    def refuse(
        self,
        path: str,
        *,
        status: int = 400,
        code: str | None = None,
        nth: int = 1,
        times: int = 1,
        stored: bool = False,
    ) -> None:
        """Let writes to a path be refused; `stored` keeps the refusal under its key."""
        self.sandbox.faults.add(
            Fault(
                kind="refused", method="POST", path=path, status=status, code=code, nth=nth, times=times, stored=stored
            )
        )

    def hours_pass(self, hours: float) -> None:
        """Move Stripe's clock, which is the program's too."""
        self.sandbox.clock.advance(int(hours * HOUR_S))

    @property
    def book(self) -> Books:
        """What an outside judge reads of the one customer."""
        (book,) = self.sandbox.books()
        return book

    @property
    def money(self) -> tuple[int, int]:
        """The balance (Stripe's sign) and the sum of all standing refunds."""
        return self.book.balance, sum(charge.refunded for charge in self.book.charges)

    @property
    def writes(self) -> list[str]:
        """Every write that reached Stripe, in order."""
        return [entry.path for entry in self.sandbox.request_log if entry.method == "POST"]

    @property
    def case(self) -> Case:
        """The newest case of the one customer."""
        return next(iter(self.ledger.cases_of_customer(self.book.customer)))

    @property
    def cases(self) -> list[Case]:
        """Every case of the one customer, newest first."""
        return list(self.ledger.cases_of_customer(self.book.customer))

    def attempts(self) -> list[tuple[str, int, str, str | None]]:
        """What the ledger says of the newest case's steps: name, attempt, state, code."""
        return [(step.name, step.attempt, str(step.state), step.code) for step in self.case.steps]

    def trail(self) -> list[str]:
        """The kinds of the audit entries, in order."""
        with self.ledger._database.reading() as connection:
            return list(connection.execute(select(audit_entries.c.kind).order_by(audit_entries.c.sequence)).scalars())

    def check_at_rest(self, *, balance: int, refunded: int) -> None:
        """The money is this, no cent is lost, none refunded twice, nothing is live, the trail verifies."""
        assert self.money == (balance, refunded)
        assert judge.losses(self.sandbox) == []
        assert judge.double_refunds(self.book) == []
        assert self.ledger.live_cases() == ()
        verified = self.ledger.verify()
        assert verified.ok, verified.problem
