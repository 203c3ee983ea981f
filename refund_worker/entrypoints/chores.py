"""What a worker looks after beside its cases: each on a thread of its own, every so often, and at once when asked.

A chore that fails is told in one line and comes again at its time: nothing here ends a worker.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from refund_worker.domain.errors import LedgerError, StripeError

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
        if isinstance(error, LedgerError | StripeError):
            log.error("chore_failed", chore=self._name, error=str(error))
        else:
            log.error("chore_failed", chore=self._name, exc_info=error)

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

    def __init__(self, *, name: str, every_s: float, act: Callable[[], object]) -> None:
        """Prepare; no thread is started.

        Args:
            every_s: How long to rest after it, at most; it is not begun twice at once.
            act: What is to be seen to; harmless when done twice, or by two workers at once.
        """
        self.name = name
        self._every_s = every_s
        self._act = act
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
            self._asked.clear()
            try:
                self._act()
            except Exception as error:  # noqa: BLE001  whatever it is: told, and seen to again at its time
                self._trouble.tell(error)
            else:
                self._trouble.over()
            if not self._ended.is_set():
                self._asked.wait(self._every_s)
