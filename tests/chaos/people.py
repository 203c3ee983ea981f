"""The customers: each subscribes, pays, and cancels when the feeder says so; what their money must be in the end."""

import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Final

from refund_worker.sandbox import Books, Sandbox
from tests.chaos.doors import ChaosSandbox
from tests.crash import item_judge, scenes
from tests.kill import stories
from tests.kill.stories import DAYS_PAID, Evening, Meanwhile, Story

# Planted where a log or a message might pick it up.
EMAIL: Final = "planted.{number}@customers.example"
FAILS_AFTER_S: Final = 5


def _newest_charge(sandbox: Sandbox, customer: str) -> str:
    found: str = sandbox.get("/v1/charges", {"customer": customer, "limit": 1})["data"][0]["id"]
    return found


def _fails_later(sandbox: Sandbox, customer: str) -> None:
    sandbox.control.next_refund(
        _newest_charge(sandbox, customer), status="pending", then=("failed", FAILS_AFTER_S), reason="declined"
    )


def _succeeds_later(sandbox: Sandbox, customer: str) -> None:
    sandbox.control.next_refund(_newest_charge(sandbox, customer), status="pending", then=("succeeded", FAILS_AFTER_S))


_SUBSCRIBING_S = 270
_THREE = (10_000, 10_000, 10_000)
# The newest charge's refund fails at the bank: its sum goes out over what the others have left.
FAILS_LATER = Story(price=30_000, paid_by=_THREE, refundable=20_000, event=Meanwhile(_fails_later))
SUCCEEDS_LATER = Story(price=30_000, paid_by=_THREE, refundable=30_000, event=Meanwhile(_succeeds_later))
CYCLE: Final = (*stories.CYCLE, FAILS_LATER, SUCCEEDS_LATER)


@dataclass(slots=True)
class Crowd:
    """All customers of an account; those who cancelled have their credit noted.

    Attributes:
        evening: Stories and credits of those who have cancelled, as `tests.kill` judges them.
    """

    sandbox: ChaosSandbox
    evening: Evening
    _waiting: list[tuple[str, str, Story]]
    cancelled: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def left(self) -> int:
        """How many have not cancelled yet."""
        return len(self._waiting)

    def cancel(self) -> str | None:
        """Let the next customer cancel, as the merchant's application does; None where nobody is left."""
        with self._lock:
            if not self._waiting:
                return None
            customer, subscription, story = self._waiting.pop()
        box = self.sandbox
        with box.lock:
            self.evening.credits[customer] = stories.cancel(box, customer, subscription, story)
            self.evening.stories[customer] = story
            if story.event is not None:
                box.events_waiting[customer] = story.event
            stories.leave_the_rest(box, customer, story)
        self.cancelled.append(customer)
        return customer

    def books(self) -> list[Books]:
        """The books of those who cancelled."""
        return [book for book in self.sandbox.books() if book.customer in self.evening.stories]

    def wrong(self) -> list[str]:
        """What is not as it must be in the end."""
        books = self.books()
        found = [line for book in books for line in stories.differences(self.evening, book)]
        with self.sandbox.lock:
            return [*found, *item_judge.unsettled(self.sandbox)]


def crowd(sandbox: ChaosSandbox, *, customers: int, seed: int) -> Crowd:
    """Let so many customers subscribe and pay; the sandbox's clock is then about now, and ticks."""
    # Each one who subscribes takes some minutes of the sandbox's clock, which must not be ahead of ours in the end; and
    # most of each month must be left, for the stories speak of credits of nine tenths of the price.
    lived = max(DAYS_PAID * scenes.DAY_S, customers * _SUBSCRIBING_S)
    past = Sandbox(seed=seed, renewals=False, now=int(time.time()) - lived)
    waiting = []
    for number in range(customers):
        story = CYCLE[number % len(CYCLE)]
        customer, subscription = scenes.subscribed(past, price=story.price, paid_by=story.paid_by)
        email = EMAIL.format(number=number)
        past.post(
            f"/v1/customers/{customer}", {"email": email, "name": f"Planted {email}", "metadata": {"mail": email}}
        )
        waiting.append((customer, subscription, story))
    past.clock.advance(int(time.time()) - past.clock.now)
    Random(seed).shuffle(waiting)
    snapshot = past.snapshot()
    sandbox.inhabit(snapshot)
    return Crowd(sandbox, Evening(snapshot=snapshot, stories={}, credits={}), waiting)
