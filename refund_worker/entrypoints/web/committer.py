"""Commits what webhooks bring: one thread, which takes all that waits into one transaction.

A commit costs a flush of the disk, whatever stands in it: while one goes on, the next events gather and share theirs.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from refund_worker.domain.counting import EVENTS, counter
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.events import Event, EventSource
from refund_worker.ports.queue import Coordination, Inbox
from refund_worker.ports.surroundings import Clock

# A thousand events are three seconds of the busiest hour; more than that waits only where the ledger stands still.
WAITING_MAX: Final = 1_000
BATCH_MAX: Final = 200
# Stripe waits longer; but whoever waits holds a connection, and Stripe sends the event again anyway.
ANSWER_WITHIN_S: Final = 8.0
COUNT_EVERY_S: Final = 10.0
_STOP_WITHIN_S: Final = 5.0

log = structlog.get_logger("refund_worker")

Waiting = tuple[Event, "asyncio.Future[bool]"]


class Shared(Inbox, Coordination, Protocol):
    """What of the ledger's queue is used here."""


class NotCommitted(Exception):
    """The event is not known to stand in the ledger: Stripe must send it again."""


class Committer:
    """The thread, and what waits for it. `commit` is called in the event loop that `start` was called in."""

    def __init__(self, queue: Shared, *, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._waiting: deque[Waiting] = deque()
        self._counts: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._stopping = False
        self._counted_at = clock.now()
        self._failing = False
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, and end; a ledger that stands still is not waited for."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(_STOP_WITHIN_S)

    @property
    def lives(self) -> bool:
        """The thread works; without it nothing would ever be committed again."""
        return self._thread.is_alive()

    def count(self, result: str) -> None:
        """Count a request that ended otherwise than by a commit; told to the ledger with the next counts."""
        with self._changed:
            self._counts[result] += 1

    async def commit(self, event: Event) -> None:
        """Return once the event stands in the ledger. Raises NotCommitted."""
        answer: asyncio.Future[bool] = self._loop.create_future()
        with self._changed:
            if self._stopping or len(self._waiting) >= WAITING_MAX:
                raise NotCommitted
            self._waiting.append((event, answer))
            self._changed.notify()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                committed = await answer
        except TimeoutError:
            raise NotCommitted from None
        if not committed:
            raise NotCommitted

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._next_batch()
            if batch:
                self._answer(batch, committed=self._receive([event for event, _ in batch]))
            if stopping or self._clock.now() - self._counted_at >= COUNT_EVERY_S:
                self._tell_counts()

    def _next_batch(self) -> tuple[list[Waiting], bool]:
        """Wait for events; returns what is there, and whether it is the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping, COUNT_EVERY_S)
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            return batch, self._stopping and not self._waiting

    def _receive(self, events: Sequence[Event]) -> list[bool]:
        """Commit events together; where they trip over a bug, each alone, so that one cannot keep back the others."""
        try:
            new = self._queue.receive(events, source=EventSource.WEBHOOK, now=self._clock.now())
        except LedgerError as error:
            self._tell_failing(str(error))
            return [False] * len(events)
        except Exception:
            if len(events) > 1:
                return [self._receive([event])[0] for event in events]
            log.exception("webhook_not_committed", event_id=events[0].id)
            return [False]
        if self._failing:
            log.info("webhooks_committed_again")
            self._failing = False
        with self._changed:
            self._counts["new"] += new
            self._counts["known"] += len(events) - new
        return [True] * len(events)

    def _tell_failing(self, why: str) -> None:
        """Once until it ends: a ledger that is gone fails each event."""
        if not self._failing:
            log.error("webhooks_not_committed", why=why)
            self._failing = True

    def _answer(self, batch: Sequence[Waiting], *, committed: Sequence[bool]) -> None:
        def tell() -> None:
            for (_, answer), was in zip(batch, committed, strict=True):
                if not answer.done():  # nobody waits any longer for one that was canceled
                    answer.set_result(was)

        try:
            self._loop.call_soon_threadsafe(tell)
        except RuntimeError:
            log.warning("webhooks_unanswered", events=len(batch))  # the loop has ended: Stripe sends them again

    def _tell_counts(self) -> None:
        with self._changed:
            counts, self._counts = self._counts, Counter()
        self._counted_at = self._clock.now()
        told = {
            counter(EVENTS, source=str(EventSource.WEBHOOK), result=result): count
            for result, count in counts.items()
            if count
        }
        try:
            if told:
                self._queue.add_counts(told)
        except Exception as error:  # noqa: BLE001  a count must never end the thread that answers Stripe
            with self._changed:
                self._counts += counts
            self._tell_failing(str(error))
