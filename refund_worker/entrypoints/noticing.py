"""Tells people: sends what stands in the outbox, and puts there which cases are stuck. Never in the way of money."""

from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from refund_worker.domain.cases import Case, Outcome
from refund_worker.domain.notices import STUCK_AFTER_S, Notice, NoticeKind
from refund_worker.entrypoints.times import age
from refund_worker.observability import redact
from refund_worker.usecases.world import World

LEASE: Final = "notices"
# The process that sends keeps on sending: it remembers which target took what, and sends nobody the same twice.
LEASE_S: Final = 180
AGAIN_AFTER_S: Final = 300
_BATCH: Final = 20
# The oldest live cases. More of them than that are one trouble, which those tell of.
_LOOKED_AT: Final = 50

log = structlog.get_logger("refund_worker")


class Sender(Protocol):
    """`adapters.notifier.Notifier`."""

    @property
    def kinds(self) -> Sequence[str]:
        """The scheme of each target."""

    def send(self, *, target: int, title: str, body: str) -> bool:
        """Send to one target; False where it did not take it."""


class Delivery:
    """Sends the outbox: each notice to each target once, tried again for a day where a target does not take it."""

    def __init__(self, world: World, sender: Sender) -> None:
        """Keep them; nothing is sent."""
        self._world = world
        self._sender = sender
        self._taken: dict[str, set[int]] = {}

    def deliver(self) -> None:
        """Send what is due. Raises LedgerError."""
        world, now = self._world, self._world.clock.now()
        if not world.queue.take_lease(LEASE, holder=world.worker, now=now, lease_s=LEASE_S):
            return
        while notices := world.queue.claim_notices(now=now, lease_s=LEASE_S, limit=_BATCH):
            for notice in notices:
                self._send(notice)

    def _send(self, notice: Notice) -> None:
        """Send one notice; without any target its line in the log is all."""
        taken = self._taken.setdefault(notice.key, set())
        if not taken:
            log.warning("notice", kind=str(notice.kind), key=notice.key, title=notice.title)
        for target, kind in enumerate(self._sender.kinds):
            if target in taken:
                continue
            if self._sender.send(target=target, title=redact(notice.title), body=redact(notice.body)):
                taken.add(target)
            else:
                log.warning("notice_not_taken", key=notice.key, target=target + 1, target_kind=kind)
        now = self._world.clock.now()
        if len(taken) == len(self._sender.kinds):
            self._world.queue.notice_sent(notice.key, now=now)
            del self._taken[notice.key]
        else:
            self._world.queue.notice_failed(notice.key, until=now + AGAIN_AFTER_S)


def tell_of_stuck_cases(world: World) -> int:
    """Put a notice of each case that is unknown, or reserved and not refunded, for too long; returns how many are new.

    Raises:
        LedgerError: If the ledger cannot be used.
    """
    now, told = world.clock.now(), 0
    for live in world.ledger.live_cases()[:_LOOKED_AT]:
        case = world.ledger.case(live)
        if case is not None and now - _since(case) >= STUCK_AFTER_S:
            told += world.queue.notify(_stuck(case, now=now), now=now)
    return told


def _since(case: Case) -> int:
    """When it was last begun: a case whose refund failed days later is opened again."""
    return max([case.opened_at, *(step.intended_at for step in case.steps)])


def _stuck(case: Case, *, now: int) -> Notice:
    what = "has failed" if case.outcome is Outcome.FAILED else "is unfinished"
    what = "is unknown" if case.outcome is Outcome.UNKNOWN else what
    why = "" if case.reason is None else f" ({case.reason})"
    return Notice(
        key=f"stuck {case.id}",
        kind=NoticeKind.CASE_STUCK,
        title="A case is stuck",
        body=f"Case {case.id} {what}{why} for {age(now - _since(case))}: its customer may be short meanwhile. "
        "It is tried again by itself; `refund-worker resume` tries at once.",
    )
