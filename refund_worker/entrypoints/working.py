"""The shift of a worker: one loop that lets the crew take its turns, and the chores beside it. Redis may be gone."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from refund_worker.entrypoints.chores import Chore, Trouble

# A message wakes the loop at once; without one it looks into the queue itself so often.
LOOK_EVERY_S: Final = 1.0
# While cases go on, a message may have to wait so long.
LOOK_BUSY_S: Final = 0.2
# Heroku kills after 30 seconds, Kubernetes after its grace period: what is left then is resumed elsewhere.
FINISH_WITHIN_S: Final = 60.0
_CHORES_WITHIN_S: Final = 5.0


class TakesTurns(Protocol):
    """What works the queue off: `usecases.work_queue.Crew`."""

    @property
    def running(self) -> int:
        """How many cases and customers are worked on now."""

    def turn(self) -> int:
        """Begin what is due and fits; returns how many were begun."""

    def wait(self, *, timeout_s: float) -> None:
        """Wait until something that runs is done, at most so long."""

    def close(self) -> None:
        """Wait until all that was begun is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a shift is given.

    Attributes:
        ended: Set when nothing new may begin; the crew looks at it too.
        want: Puts a customer's id into the queue of all workers.
        alive: Says that this worker lives; called at each turn.
        release: Gives back what belongs to the process: counts not yet written, connections.
    """

    crew: TakesTurns
    chores: Sequence[Chore]
    ended: threading.Event
    want: Callable[[str], None]
    alive: Callable[[], None]
    release: Callable[[], None]


class Shift:
    """All threads of a worker but Celery's."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._chores = {chore.name: chore for chore in hands.chores}
        self._due = threading.Event()
        self._trouble = Trouble("work")
        self._loop = threading.Thread(target=self._work, name="work", daemon=True)

    @property
    def ending(self) -> bool:
        """It begins nothing more."""
        return self._hands.ended.is_set()

    def start(self) -> None:
        """Begin to work."""
        self._loop.start()
        for chore in self._chores.values():
            chore.start()

    def wake(self, chore: str) -> None:
        """Look now: into the queue, and after the chore of that name, if there is one."""
        found = self._chores.get(chore)
        if found is not None:
            found.ask()
        self._due.set()

    def want(self, customer: str) -> None:
        """Put a customer into the queue of all workers. Raises LedgerError."""
        self._hands.want(customer)
        self._due.set()

    def end(self) -> None:
        """Begin nothing more; cases that have reserved are finished. Called by a signal's handler."""
        self._hands.ended.set()
        for chore in self._chores.values():
            chore.end()
        self._due.set()

    def finish(self, *, timeout_s: float = FINISH_WITHIN_S) -> int:
        """Wait for what was begun, so long at most; returns how much of it is left unfinished."""
        self.end()
        if self._loop.ident is not None:
            self._loop.join(timeout_s)
        left = self._hands.crew.running if self._loop.is_alive() else 0
        until = time.monotonic() + _CHORES_WITHIN_S
        for chore in self._chores.values():
            chore.wait(timeout_s=max(0.0, until - time.monotonic()))
        self._hands.release()
        return left

    def _work(self) -> None:
        while not self.ending:
            self._due.clear()
            try:
                self._hands.alive()
                begun = self._hands.crew.turn()
            except Exception as error:  # noqa: BLE001  a bug: told, and tried again
                self._trouble.tell(error)
                self._hands.ended.wait(LOOK_EVERY_S)
                continue
            self._trouble.over()
            if begun == 0:
                self._rest()
        self._hands.crew.close()

    def _rest(self) -> None:
        if self._hands.crew.running:
            self._hands.crew.wait(timeout_s=LOOK_BUSY_S)
        else:
            self._due.wait(LOOK_EVERY_S)


_shifts: list[Shift] = []


def take_over(shift: Shift | None) -> None:
    """Make it the shift of this process; there is one at most."""
    _shifts[:] = [] if shift is None else [shift]


def current_shift() -> Shift | None:
    """The shift of this process."""
    return _shifts[0] if _shifts else None
