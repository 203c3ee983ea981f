"""Kills workers, one after the other, each where the table has had the fewest kills so far."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import psycopg

from tests.chaos.deployment import Deployment
from tests.chaos.doors import ChaosSandbox
from tests.chaos.workers import Child, Slot
from tests.kill.cells import RANDOM, Cell, Tally
from tests.kill.deadly import Aim, Write

AIM_WITHIN_S = 4.0  # an aim that nothing meets for so long is given up
RANDOM_S = (0.0, 0.4)
AT_ONCE_S = (0.0, 0.002)
RECORDED_S = (0.005, 0.06)
ALL_AT_ONCE = 0.05  # so many kills take every worker of the deployment with them
LOOK_EVERY_S = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A worker that was killed. `open_writes`: its money writes that had arrived and were not answered."""

    deployment: Deployment
    pid: int
    open_writes: int


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
            aim = Aim(
                cell=cell,
                nth=self.dice.randint(1, 3),
                after_s=self.dice.uniform(*(AT_ONCE_S if cell.phase == "answered" else RECORDED_S)),
                kill=self._strike,
            )
            self.sandbox.take_aim(aim)
            met = self._struck.wait(AIM_WITHIN_S)
            self.sandbox.take_aim(None)
            if met:
                self._count(cell, aim.struck)
            else:
                self.unmet += 1
                self._once(RANDOM)

    def _strike(self, _write: Write) -> None:
        """Kill the worker whose request this thread answers."""
        place = self.sandbox.slot()
        for deployment in self.deployments:
            slot = deployment.slots.get(place)
            if slot is not None:
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
