"""Finds the run that a customer of the queue belongs to: the one it was put in, or the events run of the day.

Whom a night's own discovery finds is in the night's run from the begin, and is not worked on before it is weighed.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from refund_worker.domain.nights import DISCOVERY_SILENT, Phase, SharedRun, events_name
from refund_worker.domain.queueing import Wanted
from refund_worker.domain.runs import Run, RunMode
from refund_worker.usecases.shared_gate import SharedGate
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A run, the mode in which its customers are examined, and its gate."""

    run: str
    mode: RunMode
    gate: SharedGate


@dataclass(slots=True, kw_only=True)
class Places:
    """The places of one worker; its threads share them, and with them each run's gate.

    Attributes:
        mode: What this worker may do: with `plan` nothing is reserved in whichever run.
        stopping: Whether a signal asked this process to end.
    """

    world: World
    mode: RunMode
    stopping: Callable[[], bool]
    _known: dict[str, Place] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, wanted: Wanted) -> Place | None:
        """The place of a customer; None where its run was stopped: then the next night takes it over.

        Not where the run is a night whose discovery had no answer: nothing speaks against whom it found before that.
        """
        if wanted.run is not None:
            shared = self.world.queue.shared_of(wanted.run)
            if shared is not None and shared.stopped_by is not None and shared.stop != DISCOVERY_SILENT:
                return None
            if shared is not None and shared.stopped_by is None and shared.phase is not Phase.ENDED:
                return self.of_run(shared.run)
        place = self.of_run(self._events_run())
        return None if place.gate.stopped_by is not None else place

    def of_run(self, run: str) -> Place:
        """The place of a run that is in the ledger."""
        with self._lock:
            known = self._known.get(run)
        if known is not None:
            return known
        found = self.world.ledger.run(run)
        mode = RunMode.PLAN if found is not None and found.mode is RunMode.PLAN else self.mode
        # A night was weighed before it began; what goes on all day is weighed case by case.
        weighs = found is not None and found.command == "events" and mode is RunMode.RUN
        gate = SharedGate(world=self.world, run=run, stopping=self.stopping, weighs=weighs)
        place = Place(run=run, mode=mode, gate=gate)
        with self._lock:
            return self._known.setdefault(run, place)

    def _events_run(self) -> str:
        """The events run of today; it is created when it is first needed."""
        today = events_name(self.world.calendar.today())
        # Plans have a run of their own: whoever may pay from noon on must not wait for the next day's.
        name = today if self.mode is RunMode.RUN else f"{today} plans"
        events = open_shared_run(self.world, name=name, mode=self.mode)
        for number in count(2):
            if events.phase is not Phase.ENDED:
                break
            # A worker whose clock is ahead ended it, or the company's clock was set back a day: the day has another.
            events = open_shared_run(self.world, name=f"{name} {number}", mode=self.mode)
        return events.run


def open_shared_run(world: World, *, name: str, mode: RunMode, sweep: bool = False) -> SharedRun:
    """Return the shared run of a name; it begins now unless it exists."""
    known = world.queue.shared(name)
    if known is not None:
        return known
    command = name.partition(" ")[0]
    run = Run(
        id=world.new_id("run"),
        account=world.account.id,
        livemode=world.account.livemode,
        command=command,
        mode=mode,
        sweep=sweep,
        policy_digest=world.policy.digest(),
        started_at=world.clock.now(),
    )
    phase = Phase.DISCOVERING if command == "night" else Phase.WORKING
    shared, _ = world.queue.open_shared(run, name=name, phase=phase, policy=world.policy)
    return shared
