"""What a worker looks after beside its cases: each on a thread of its own, every so often, and at once when asked.

A chore that fails is told in one line and comes again at its time: nothing here ends a worker.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from refund_worker.adapters.broker import BrokerError
from refund_worker.domain.errors import LedgerError, StripeError
from refund_worker.entrypoints.telemetry import report, span
from refund_worker.usecases.world import World

# The same trouble again is told after so long: a ledger that is away for an hour is not 3,600 lines.
AGAIN_S: Final = 60.0

log = structlog.get_logger("refund_worker")


class Trouble:
    """Tells what went wrong: a change at once, the same only now and then, and its end."""

    def __init__(self, name: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._monotonic = monotonic
        self._told = ""
        self._told_at = 0.0

    def tell(self, error: Exception) -> None:
        """Log it: a line for what surroundings do, a traceback for what is a bug."""
        said = f"{type(error).__name__}: {error}"
        now = self._monotonic()
        if said == self._told and now - self._told_at < AGAIN_S:
            return
        self._told, self._told_at = said, now
        if isinstance(error, LedgerError | StripeError | BrokerError):
            log.error("chore_failed", chore=self._name, error=str(error))
        else:
            log.error("chore_failed", chore=self._name, exc_info=error)
            report(f"{self._name} failed", error)

    def over(self) -> None:
        """It went well this time."""
        if self._told:
            log.info("chore_goes_on", chore=self._name)
            self._told = ""


class Chore:
    """One thing to look after.

    Attributes:
        name: As tasks and log lines call it.
    """

    def __init__(
        self, *, name: str, every_s: float, act: Callable[[], object], leads: Callable[[], bool] | None = None
    ) -> None:
        """Prepare; no thread is started.

        Args:
            every_s: How long to rest after it, at most; it is not begun twice at once.
            act: What is to be seen to; harmless when done twice, or by two workers at once.
            leads: Whether it is this worker's turn, where nobody asked for it; None = each worker's.
        """
        self.name = name
        self._every_s = every_s
        self._act = act
        self._leads = leads
        self._asked = threading.Event()
        self._ended = threading.Event()
        self._trouble = Trouble(name)
        self._thread = threading.Thread(target=self._look_after, name=f"chore-{name}", daemon=True)

    def start(self) -> None:
        """Begin: at once for the first time."""
        self._thread.start()

    def ask(self) -> None:
        """See to it now, or once more where it is being seen to."""
        self._asked.set()

    def end(self) -> None:
        """Begin nothing more."""
        self._ended.set()
        self._asked.set()

    def wait(self, *, timeout_s: float) -> bool:
        """Wait until the thread has ended; False where it has not within the time."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _look_after(self) -> None:
        while not self._ended.is_set():
            asked = self._asked.is_set()
            self._asked.clear()
            try:
                if asked or self._leads is None or self._leads():
                    with span(f"chore {self.name}"):
                        self._act()
            except Exception as error:  # noqa: BLE001  whatever it is: told, and seen to again at its time
                self._trouble.tell(error)
            else:
                self._trouble.over()
            if not self._ended.is_set():
                self._asked.wait(self._every_s)


class Leading:
    """Whether this worker is the one that sees to something by itself: it keeps a lease for as long as it asks."""

    def __init__(self, world: World, name: str, *, lease_s: int) -> None:
        """Keep the lease's name and how long it outlives the last question, seconds."""
        self._world = world
        self._name = name
        self._lease_s = lease_s
        self._renew_at = 0

    def __call__(self) -> bool:
        """Take or renew the lease. Raises LedgerError."""
        world, now = self._world, self._world.clock.now()
        if now < self._renew_at:
            return True
        taken = world.queue.take_lease(self._name, holder=world.worker, now=now, lease_s=self._lease_s)
        self._renew_at = now + self._lease_s // 3 if taken else 0
        return taken
