"""Worlds in which the ledger is replaced by an older copy of itself, and whoever comes next simply goes on with it.

A scene's night is lived through once; wherever Stripe or the ledger changed, the account is remembered. A world is a
pair: Stripe as it was at a later place, the ledger as it was at an earlier one. The program that made both is dead, and
nothing of it is still on its way: as the runbook asks for.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.sandbox import Fault, Sandbox, Snapshot
from tests.crash.item_scenes import ALL_SCENES
from tests.crash.killing import HOUR_S, Account, judged
from tests.crash.scenes import REFUNDS, SCENES, Scene
from tests.crash.stops import Call
from tests.worlds import night, recovered

# At once, when the plan is stale, when the keys are pruned.
LATER_S = (0, 20 * 60, 25 * HOUR_S)
# Stripe need not keep a refusal under its key: sent again, the same refund may be accepted.
_REFUSALS: tuple[tuple[str, str, Fault], ...] = (
    (
        "refused_once",
        "one_charge",
        Fault(kind="refused", method="POST", path=REFUNDS, status=400, code="charge_disputed"),
    ),
    (
        "newest_refused_once",
        "three_charges",
        Fault(kind="refused", method="POST", path=REFUNDS, status=400, code="charge_disputed"),
    ),
    (
        "newest_refused_and_kept",
        "three_charges",
        Fault(kind="refused", method="POST", path=REFUNDS, status=400, code="charge_disputed", stored=True),
    ),
    (
        "third_refused_once",
        "three_charges",
        Fault(kind="refused", method="POST", path=REFUNDS, nth=3, status=400, code="charge_disputed"),
    ),
)


def _refusing(name: str, scene: str, fault: Fault) -> Scene:
    (built,) = (one for one in SCENES if one.name == scene)

    def build(sandbox: Sandbox) -> None:
        built.build(sandbox)
        sandbox.faults.add(fault)

    return replace(built, name=name, build=build)


SCENES_RESTORED = (*ALL_SCENES, *(_refusing(*refusal) for refusal in _REFUSALS))


@dataclass(frozen=True, slots=True)
class Moment:
    """A place of the night: the account there, and how many ledgers had been before it."""

    name: str
    phase: str
    snapshot: Snapshot
    ledgers: int
    event: Callable[[Sandbox], None] | None


@dataclass(frozen=True, slots=True)
class Restored:
    """One world: which ledger, put in place at which moment, and how long until somebody goes on with it."""

    ledger: int
    moment: int
    later_s: int


class Night:
    """The undisturbed night of a scene, remembered."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.ledgers: list[bytes] = []
        self.moments: list[Moment] = []
        self._newest: object = None
        self._account = Account(scene)
        night(self._account.program("first", self._meet))
        self._remember(Call(-1, "the end"), "after")

    def worlds(self) -> Iterator[Restored]:
        """Every older ledger at every later moment."""
        for at, moment in enumerate(self.moments):
            for older in range(moment.ledgers - 1):
                yield from (Restored(older, at, later) for later in LATER_S)

    def problems(self, world: Restored) -> list[str]:
        """Live through a world to its rest; return what is wrong with it."""
        moment = self.moments[world.moment]
        account = Account(
            self.scene, sandbox=Sandbox.restore(moment.snapshot), ledger=ledger_of(self.ledgers[world.ledger])
        )
        account.event = moment.event
        account.gone.add("first")
        account.sandbox.clock.advance(world.later_s)
        night(account.program("again"))
        for number in range(3):
            account.sandbox.clock.advance(25 * HOUR_S)
            recovered(account.program(f"recover{number}"))
            night(account.program(f"later{number}"))
        return judged(self.scene, account)

    def _meet(self, call: Call, phase: str) -> None:
        self._account.happen(call, phase)
        if not self._account.ledger._database.in_transaction:
            self._remember(call, phase)

    def _remember(self, call: Call, phase: str) -> None:
        copy = copy_of(self._account.ledger)
        if not self.ledgers or self.ledgers[-1] != copy:
            self.ledgers.append(copy)
        sandbox, event = self._account.sandbox, self._account.event
        writes = sum(request.method == "POST" for request in sandbox.request_log)
        change = (len(self.ledgers), writes, sandbox.clock.now, event)
        if change != self._newest:
            self._newest = change
            self.moments.append(Moment(call.name, phase, sandbox.snapshot(), len(self.ledgers), event))


def copy_of(ledger: SqlLedger) -> bytes:
    """A backup of a ledger in memory."""
    copy: bytes = _connection(ledger).serialize()
    return copy


def ledger_of(copy: bytes) -> SqlLedger:
    """The ledger that a backup is put back as."""
    ledger = SqlLedger.open("sqlite://")
    _connection(ledger).deserialize(copy)
    return ledger


def _connection(ledger: SqlLedger) -> sqlite3.Connection:
    connection = ledger._database._engine.raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
