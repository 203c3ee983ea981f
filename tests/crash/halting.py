"""One world of the halt table: a halt falls between two calls, somebody goes on or is killed, and later it is lifted.

While the halt stands nothing begins, and what was begun ends: no case stays live longer than its keys. After it the
money is what it would have been without it.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from refund_worker.domain.cases import State
from refund_worker.domain.steps import refund_was_sent
from tests.crash import judge
from tests.crash.killing import HOUR_S, Account, judged, places
from tests.crash.scenes import Scene
from tests.crash.stops import Call, Killed, lost_answer
from tests.worlds import night, resume

# The program goes on under the halt; is killed in the same moment; loses the answer; or the halt is lifted so many
# calls later, before the program has come to its end.
Fate = Literal["goes_on", "killed", "lost", "lifted"]
LIFTED_AFTER = 4


@dataclass(frozen=True, slots=True)
class Halting:
    """Where the halt falls, and what becomes of the program."""

    place: int
    phase: str
    fate: Fate
    name: str


def haltings_of(scene: Scene) -> Iterator[Halting]:
    """Every place of the scene's night from its first ledger transaction on, with every fate."""
    for call, phase in places(scene):
        fates: tuple[Fate, ...] = ("goes_on", "killed", "lifted")
        if phase == "lost":
            fates = ("lost",)
        elif phase == "rolled_back":
            continue  # the halt is no part of the transaction: the same as before it
        yield from (Halting(call.number, phase, fate, call.name) for fate in fates)


def problems(scene: Scene, halting: Halting) -> list[str]:
    """Live through one world to its rest; return what is wrong with it."""
    world = _World(scene, halting)
    with suppress(Killed):
        night(world.account.program("first", world.meet))
    if world.met != halting.name:
        return [f"the halt fell at {world.met}, not at {halting.name}: it is not deterministic"]
    found = [] if world.lifted_at is not None else world.rest_under_the_halt()
    world.lift()
    for number in range(4):
        night(world.account.program(f"later{number}"))
        world.account.sandbox.clock.advance(301 if number == 0 else 25 * HOUR_S)
    return found + judged(scene, world.account)


class _World:
    def __init__(self, scene: Scene, halting: Halting) -> None:
        self.account = Account(scene)
        self.met: str | None = None
        self.lifted_at: int | None = None
        self._halting = halting
        self._begun = (0, 0)
        self._may_refund = False
        self._deleted = 0
        self._calls = 0

    def meet(self, call: Call, phase: str) -> None:
        """Called by the first program's ports."""
        self.account.happen(call, phase)
        if phase == "rolled_back":
            return
        if self.met is not None:
            self._calls += 1
            if self._halting.fate == "lifted" and self._calls == LIFTED_AFTER:
                self.lifted_at = call.number
                self.lift()
            return
        if (call.number, phase) != (self._halting.place, self._halting.phase):
            return
        self.met = call.name
        self._note(call, phase)
        self.account.ledger.queue.halt(reason="a test", by="nobody", now=self.account.sandbox.clock.now)
        if self._halting.fate == "lost":
            raise lost_answer()
        if self._halting.fate == "killed":
            self.account.gone.add("first")
            raise Killed

    def lift(self) -> None:
        """Let the money steps go on."""
        self.account.ledger.queue.unhalt(by="nobody", now=self.account.sandbox.clock.now)

    def rest_under_the_halt(self) -> list[str]:
        """Workers come and look, for more than a day; nothing begins, and everything that was begun ends."""
        for number, seconds in enumerate((0, 301, 21 * HOUR_S, 4 * HOUR_S)):
            self.account.sandbox.clock.advance(seconds)
            resume(self.account.program(f"halted{number}"))
        found = judge.losses(self.account.sandbox)
        reserves, refunds = self._writes()
        if reserves > self._begun[0]:
            found.append("a reserve was sent during the halt")
        if refunds > self._begun[1] and not self._may_refund:
            found.append("a refund was sent during the halt, the first of its case")
        if self._deletions() > self._deleted:
            found.append("an item was deleted during the halt")
        if stuck := self._live_but_deleting():
            found.append(f"stuck under the halt: {stuck}")
        return found

    def _note(self, call: Call, phase: str) -> None:
        """What has begun when the halt falls; a send that was checked before it may still go out."""
        reserves, refunds = self._writes()
        checked = phase == "before" and self._halting.fate != "killed"
        self._begun = (reserves + (checked and call.name.endswith((" reserve", " credit_items"))), refunds)
        self._deleted = self._deletions() + (checked and call.name == "stripe.delete_item")
        live = [self.account.ledger.case(one) for one in self.account.ledger.live_cases()]
        sent = any(case is not None and refund_was_sent(case) for case in live)
        self._may_refund = sent or (checked and "create_refund" in call.name)

    def _writes(self) -> tuple[int, int]:
        """Reserves, with credits for items, and refunds of ours at Stripe."""
        books = self.account.sandbox.books()
        movements = [one for book in books for one in book.balance_transactions]
        reserves = sum(one.metadata.get("refund_worker_step") in {"reserve", "credit_items"} for one in movements)
        return reserves, sum("refund_worker_case" in one.metadata for book in books for one in book.refunds)

    def _deletions(self) -> int:
        return sum(entry.method == "DELETE" for entry in self.account.sandbox.request_log)

    def _live_but_deleting(self) -> list[str]:
        """A conversion whose credit was accepted waits for the end of the halt: until then no cash can leave."""
        cases = [self.account.ledger.case(one) for one in self.account.ledger.live_cases()]
        return [case.id for case in cases if case is not None and case.state is not State.DELETING]
