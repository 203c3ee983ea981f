"""Wishes, events and notices for the queue's tests."""

from typing import Any

from refund_worker.domain.events import Event
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.queueing import Cause, QueueClaim, Wanted
from refund_worker.ports import WorkQueue

NOW = 1_800_000_000
LEASE_S = 120


def wish(customer: str = "cus_1", *, due_at: int = NOW, cause: Cause = Cause.EVENT, **more: Any) -> Wanted:
    """A customer to examine."""
    return Wanted(customer=customer, cause=cause, due_at=due_at, **more)


def claimed(queue: WorkQueue, *, at: int = NOW, worker: str = "first", limit: int = 10) -> tuple[QueueClaim, ...]:
    """What a worker gets."""
    return queue.claim_wanted(worker=worker, now=at, lease_s=LEASE_S, limit=limit)


def names(claims: tuple[QueueClaim, ...]) -> list[str]:
    """Whose claims they are, in order."""
    return [claim.wanted.customer for claim in claims]


def event(number: int, *, customer: str | None = "cus_1", **more: Any) -> Event:
    """An event; the higher the number, the later."""
    return Event(id=f"evt_{number:04}", type="customer.updated", created=NOW + number, customer=customer, **more)


def notice(key: str = "night 2026-11-22") -> Notice:
    """A notice."""
    return Notice(key=key, kind=NoticeKind.NIGHT_FINISHED, title="Night finished", body="3 cases")
