"""What stands in the queue: customers to examine, each of them once, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from refund_worker.domain.facts import PendingItem

# A queue entry moves no money: its lease only spares a second examination. It is renewed while the work goes on.
QUEUE_LEASE_S = 120
# How long an entry rests after Stripe gave no answer, per attempt, and at most.
RETRY_AFTER_S = 30
RETRY_AFTER_MAX_S = 3600
# Then it rests until the next night: some two hours after the first try, so that a night comes to its end.
TRIES_MAX = 8


class Cause(StrEnum):
    """Why a customer is to be examined.

    `HINT` is an event that seldom means credit, as a renewal brings them. `ENDED`: a subscription ended; its credit may
    be on the balance, or wait in pending items.
    """

    EVENT = "event"
    HINT = "hint"
    ENDED = "ended"
    NIGHT = "night"
    SWEEP = "sweep"
    COMMAND = "command"
    TASK = "task"
    REFUND_FAILED = "refund_failed"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A customer to examine.

    Attributes:
        due_at: Not before then, epoch seconds.
        run: The run it belongs to; None = the events run of the day on which it is worked.
        pending_items: The customer's pending invoice items as discovery read them; None = to be read.
        credit_minor: The credit on the balance per currency as a sweep or an event told it, positive minor units: it
            weighs the night and decides nothing else. None = not known.
    """

    customer: str
    cause: Cause
    due_at: int
    run: str | None = None
    pending_items: tuple[PendingItem, ...] | None = None
    credit_minor: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueClaim:
    """The right to examine a customer that stands in the queue.

    Attributes:
        requested: How often the customer was wanted when it was claimed: wanted again since, it stays in the queue.
        attempts: Claims so far, this one included.
        fence: Of this claim; grows with each.
    """

    wanted: Wanted
    requested: int
    attempts: int
    worker: str
    fence: int
    lease_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """How much waits.

    Attributes:
        due: Entries whose time has come and that nobody works on.
        waiting: Entries whose time is still to come.
        claimed: Entries somebody works on.
        oldest_due_at: Of those due, the oldest time, epoch seconds; None where none is.
    """

    due: int
    waiting: int
    claimed: int
    oldest_due_at: int | None


def retry_at(*, attempts: int, now: int) -> int:
    """When an entry is tried again after `attempts` without an answer: 30 s, doubled each time, an hour at most."""
    return now + min(RETRY_AFTER_MAX_S, RETRY_AFTER_S << max(0, min(attempts - 1, 10)))
