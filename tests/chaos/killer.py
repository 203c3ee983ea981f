"""Kills workers, one after the other, each where the table has had the fewest kills so far."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random

import psycopg

from tests.chaos.deployment import Deployment
from tests.chaos.doors import ChaosSandbox
from tests.chaos.workers import Child, Slot
from tests.kill.cells import RANDOM, Cell, Tally
from tests.kill.deadly import Aim, Write

AIM_WITHIN_S = 2.0  # an aim that nothing meets for so long is given up
RANDOM_S = (0.0, 0.4)
AT_ONCE_S = (0.0, 0.002)
RECORDED_S = (0.0, 0.03)
RECORDED_WITHIN_S = 1.0
LIKELY = {"reserve": 0.35, "refund": 0.35, "credit_items": 0.6, "delete_item": 0.6}
ALL_AT_ONCE = 0.05  # so many kills take every worker of the deployment with them
LOOK_EVERY_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A worker that was killed. `open_writes`: its money writes that had arrived and were not answered."""

    deployment: Deployment
    pid: int
    open_writes: int


@dataclass(slots=True, kw_only=True)
class AnyStep(Aim):
    """An aim at a phase of whatever step comes; give-backs and corrections are rare and taken first."""

    dice: Random

    def meets(self, write: Write, phase: str) -> bool:
        """Whether this is the write to kill at."""
        aimed = "answered" if self.cell.phase == "recorded" else self.cell.phase
        if self.struck is not None or phase != aimed or self.dice.random() > LIKELY.get(write.kind, 1.0):
            return False
        self.struck = write
        return True


@dataclass(slots=True)
class Killer:
    """Runs in a thread of its own until there are enough kills.

    Attributes:
        inside: Kills while a money write of that worker had arrived and was not answered.
        all_at_once: Workers that died beside one that was aimed at; they are counted in the tally too where they held
            a live case.
    """

    sandbox: ChaosSandbox
    deployments: Sequence[Deployment]
    tally: Tally
    dice: Random
    stop: threading.Event
    pause_s: float
    inside: int = 0
    unmet: int = 0
    _dead: Dead | None = None
    _struck: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Kill until there are enough, or until it is told to stop."""
        while not self.stop.is_set():
            cell = self.tally.next_aim(self.dice)
            if cell is None:
                return
            self._once(cell)
            self.stop.wait(self.pause_s * self.dice.random())
        self.sandbox.take_aim(None)

    def _once(self, cell: Cell) -> None:
        self._dead = None
        self._struck.clear()
        if cell == RANDOM:
            self._kill_at_random()
            self._count(cell, None)
        elif cell.step == "close":
            self._kill_before_close(cell)
        else:
            aim = AnyStep(
                cell=cell, nth=1, after_s=self.dice.uniform(*AT_ONCE_S), kill=partial(self._strike, cell.phase),
                dice=self.dice,
            )  # fmt: skip
            self.sandbox.take_aim(aim)
            met = self._struck.wait(AIM_WITHIN_S)
            self.sandbox.take_aim(None)
            if met and aim.struck is not None:
                self._count(Cell(aim.struck.kind, cell.phase), aim.struck)
            else:
                self.unmet += 1

    def _strike(self, phase: str, write: Write) -> None:
        """Kill the worker whose request this thread answers; as soon as the ledger knows the answer, where so aimed."""
        place = self.sandbox.slot()
        for deployment in self.deployments:
            slot = deployment.slots.get(place)
            if slot is not None:
                if phase == "recorded":
                    _wait_until(partial(deployment.trail.recorded, write.case, write.step))
                self._kill(deployment, slot)
        self._struck.set()

    def _kill(self, deployment: Deployment, slot: Slot) -> None:
        child = slot.running
        open_writes = self.sandbox.open_writes(slot.name)
        if child is not None and child.kill():
            self._dead = Dead(deployment=deployment, pid=child.pid, open_writes=open_writes)
            if self.dice.random() < ALL_AT_ONCE:
                self._kill_the_others(deployment)
            child.wait()

    def _kill_the_others(self, deployment: Deployment) -> None:
        others = deployment.workers_running
        for child in others.values():
            child.kill()
        for child in others.values():
            child.wait()
            self.tally.add(Cell("any", "between"), left_live=self._held(deployment, child))

    def _kill_at_random(self) -> None:
        self.stop.wait(self.dice.uniform(*RANDOM_S))
        running = [(one, place) for one in self.deployments for place in one.workers_running]
        if running:
            deployment, place = self.dice.choice(running)
            self._kill(deployment, deployment.slots[place])

    def _kill_before_close(self, cell: Cell) -> None:
        until = time.monotonic() + AIM_WITHIN_S
        while time.monotonic() < until and not self.stop.is_set():
            for deployment in self.deployments:
                settled = self._settled(deployment)
                slot = next(
                    (
                        deployment.slots[place]
                        for place, child in deployment.workers_running.items()
                        if child.pid in settled
                    ),
                    None,
                )
                if slot is not None:
                    if cell.phase == "recorded":
                        time.sleep(self.dice.uniform(*RECORDED_S))
                    self._kill(deployment, slot)
                    self._count(cell, None)
                    return
            time.sleep(LOOK_EVERY_S)
        self.unmet += 1

    def _settled(self, deployment: Deployment) -> list[int]:
        try:
            return deployment.trail.settled_by()
        except psycopg.Error:
            return []

    def _count(self, cell: Cell, write: Write | None) -> None:
        dead = self._dead
        if dead is None:
            return
        self.inside += dead.open_writes > 0
        try:
            left = dead.deployment.trail.held_by(dead.pid)
            if write is not None and cell.phase in {"answered", "recorded"}:
                known = dead.deployment.trail.recorded(write.case, write.step)
                cell = Cell(cell.step, "recorded" if known else "answered")
        except psycopg.Error:
            # The ledger is away just now: the sandbox knows that a money write was open.
            left = Counter({(cell.step, "ledger away"): 1}) if dead.open_writes else Counter()
        if cell == RANDOM and left:
            cell = Cell(next(iter(left))[0], RANDOM.phase)
        self.tally.add(cell, left_live=left)

    def _held(self, deployment: Deployment, child: Child) -> Counter[tuple[str, str]]:
        try:
            return deployment.trail.held_by(child.pid)
        except psycopg.Error:
            return Counter()


def _wait_until(seen: Callable[[], bool]) -> None:
    until = time.monotonic() + RECORDED_WITHIN_S
    with suppress(psycopg.Error):
        while time.monotonic() < until and not seen():
            time.sleep(LOOK_EVERY_S)
