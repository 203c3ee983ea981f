"""Brings events to their endpoints: a queue, threads that are started when there is something to send, and retries.

Deliveries begin in the order of the events; threads, retries and faults let them arrive in another one, as Stripe's do.
"""

from __future__ import annotations

import dataclasses
import heapq
import threading
import time
from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.webhooks import listening
from refund_worker.sandbox.webhooks.delivering import Attempted, Delivery, DeliveryLog
from refund_worker.sandbox.webhooks.faults import Chance, DeliveryFaults
from refund_worker.sandbox.webhooks.post import Post
from refund_worker.sandbox.webhooks.spoiling import SPOILT, letter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refund_worker.sandbox.store import Record
    from refund_worker.sandbox.webhooks.delivering import Outcome

THREADS_MAX: Final = 8
# Stripe tries for three days; a test has minutes. Real seconds; eight attempts in two minutes.
RETRY_PAUSES_S: Final = (0.2, 0.5, 1.0, 3.0, 10.0, 30.0, 60.0)
ANSWER_WITHIN_S: Final = 10.0
_OK: Final = range(200, 300)


class Courier:
    """Delivers while it is `open`; what happens before or after that is never delivered."""

    def __init__(
        self,
        *,
        endpoint: Callable[[str], Record | None],
        now: Callable[[], int],
        accepted: Callable[[str], None],
        pauses_s: Sequence[float] = RETRY_PAUSES_S,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        """Closed at first.

        Args:
            endpoint: An endpoint as it is now, None if it never was.
            now: The sandbox's time, epoch seconds, for signatures.
            accepted: Told the id of each event that an endpoint has answered with 2xx.
            pauses_s: Real seconds before the second, third, ... attempt; after the last one it is given up.
        """
        self.pauses_s = tuple(pauses_s)
        self.answer_within_s = answer_within_s
        self._endpoint = endpoint
        self._now = now
        self._accepted = accepted
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._number = 0
        self._idle = 0
        self._sending = 0
        self._threads: list[threading.Thread] = []
        self._posts: list[Post] = []
        self._log = DeliveryLog()
        self._chance = Chance(DeliveryFaults())
        self.is_open = False

    def open(self) -> None:
        """Deliver what happens from now on."""
        self.is_open = True

    def close(self) -> None:
        """Deliver nothing more, break off what is under way, end the threads."""
        with self._changed:
            self.is_open = False
            self._queue.clear()
            threads, self._threads = self._threads, []
            posts, self._posts = self._posts, []
            self._changed.notify_all()
        for post in posts:
            post.end()
        for thread in threads:
            thread.join()

    def bring(self, event: Record, endpoints: Sequence[Record]) -> None:
        """Let an event go to each of the endpoints."""
        body = event.json.encode()
        with self._changed:
            for endpoint in endpoints:
                plain = Delivery(event=event.id, type=event.fields["type"], body=body, endpoint=endpoint.id)
                fates = list(self._chance.fate(plain))
                if not fates:
                    self._note(plain, sent_at=time.time(), status=0, latency_s=0.0, outcome="lost")
                for wait_s, delivery in fates:
                    self._enqueue(delivery, wait_s=wait_s)

    def send(self, event: Record, endpoint: Record, *, how: str = "plain") -> Attempted:
        """Send an event once more, now, plain or spoilt, and wait for the answer; it is not tried again.

        Raises:
            ValueError: If there is no such kind of spoiling.
        """
        if how not in {"plain", *SPOILT}:
            raise ValueError(f"unknown kind of delivery {how!r}: plain, {', '.join(SPOILT)}")
        delivery = Delivery(
            event=event.id, type=event.fields["type"], body=event.json.encode(), endpoint=endpoint.id, how=how
        )
        post = Post(timeout_s=self.answer_within_s)
        try:
            return self._attempt(post, delivery, endpoint)
        finally:
            post.close()

    @property
    def faults(self) -> DeliveryFaults:
        """What goes wrong by chance at present."""
        return self._chance.faults

    @faults.setter
    def faults(self, faults: DeliveryFaults) -> None:
        with self._changed:
            self._chance = Chance(faults)

    @property
    def waiting(self) -> int:
        """How many deliveries are queued, wait for their retry, or are being sent."""
        with self._changed:
            return len(self._queue) + self._sending

    def log(self) -> list[Attempted]:
        """The latest attempts, oldest first."""
        with self._changed:
            return list(self._log.entries)

    def outcomes(self) -> dict[str, int]:
        """How many attempts were accepted, refused, unanswered or lost."""
        with self._changed:
            return dict(self._log.outcomes)

    def clear_log(self) -> None:
        """Begin counting anew."""
        with self._changed:
            self._log.clear()

    def _enqueue(self, delivery: Delivery, *, wait_s: float) -> None:
        if not self.is_open:
            return
        self._number += 1
        heapq.heappush(self._queue, (time.monotonic() + wait_s, self._number, delivery))
        if self._idle:
            self._changed.notify()
        elif len(self._threads) < THREADS_MAX:
            self._start_thread()

    def _start_thread(self) -> None:
        post = Post(timeout_s=self.answer_within_s)
        thread = threading.Thread(target=self._work, args=(post,), name="sandbox-webhooks", daemon=True)
        self._posts.append(post)
        self._threads.append(thread)
        thread.start()

    def _work(self, post: Post) -> None:
        try:
            while (delivery := self._next()) is not None:
                self._deliver(post, delivery)
        finally:
            post.close()

    def _next(self) -> Delivery | None:
        """The next delivery that is due; waits for it; None when the courier is closed."""
        with self._changed:
            self._idle += 1
            try:
                while self.is_open:
                    left_s = self._queue[0][0] - time.monotonic() if self._queue else None
                    if left_s is not None and left_s <= 0:
                        self._sending += 1
                        return heapq.heappop(self._queue)[2]
                    self._changed.wait(left_s)
                return None
            finally:
                self._idle -= 1

    def _deliver(self, post: Post, delivery: Delivery) -> None:
        try:
            endpoint = self._endpoint(delivery.endpoint)
            if endpoint is None or not listening.hears(endpoint, delivery.type):
                return  # deleted or disabled meanwhile
            outcome = self._attempt(post, delivery, endpoint).outcome
            if delivery.how in SPOILT:
                return
            if outcome == "accepted":
                if delivery.how == "plain":
                    self._accepted(delivery.event)
            elif delivery.attempt <= len(self.pauses_s):
                with self._changed:
                    again = dataclasses.replace(delivery, attempt=delivery.attempt + 1)
                    self._enqueue(again, wait_s=self.pauses_s[delivery.attempt - 1])
        finally:
            with self._changed:
                self._sending -= 1

    def _attempt(self, post: Post, delivery: Delivery, endpoint: Record) -> Attempted:
        sent = letter(delivery.how, delivery.body, secret=endpoint.hidden["secret"], now=self._now())
        sent_at, began = time.time(), time.perf_counter()
        status = post.send(listening.address(endpoint.fields["url"]), sent)
        outcome: Outcome = "accepted" if status in _OK else "refused" if status else "unanswered"
        with self._changed:
            return self._note(
                delivery, sent_at=sent_at, status=status, latency_s=time.perf_counter() - began, outcome=outcome
            )

    def _note(
        self, delivery: Delivery, *, sent_at: float, status: int, latency_s: float, outcome: Outcome
    ) -> Attempted:
        entry = Attempted(
            delivery.event, delivery.type, delivery.endpoint, delivery.how, delivery.attempt, sent_at, self._now(),
            status, round(latency_s * 1000, 3), outcome,
        )  # fmt: skip
        self._log.add(entry)
        return entry
