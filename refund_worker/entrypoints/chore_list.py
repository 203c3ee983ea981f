"""The chores of a worker: what is seen to beside the queue, how often, and by whom where there are several workers."""

from collections.abc import Callable
from typing import Final

import structlog

from refund_worker.adapters.counts import Counts
from refund_worker.domain.counting import EVENTS, counter
from refund_worker.domain.events import EVENTS_KEPT_S, EventSource
from refund_worker.domain.runs import RunMode
from refund_worker.entrypoints.chores import Chore, Leading
from refund_worker.entrypoints.noticing import Delivery, tell_of_stuck_cases
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.confirm_refund import Confirmation, confirm_due_refunds
from refund_worker.usecases.poll_events import poll_events
from refund_worker.usecases.tend_night import tend_night
from refund_worker.usecases.world import World

# Seconds. Events are absorbed at once: what must rest rests in the queue.
ABSORB_S: Final = 1.0
# A night is a row that somebody must begin, and end when its last case is over.
NIGHT_S: Final = 5.0
GONE_S: Final = 10.0
COUNTS_S: Final = 10.0
NOTICES_S: Final = 30.0
HOUSEKEEPING_S: Final = 5 * 60.0
# Each refund on the watch list has its own time; one that failed while its case was live must not wait for long.
CONFIRM_S: Final = 20.0
POLL_S: Final = 15 * 60.0
# A worker that was killed is followed by another in what it did alone after so long beyond its time.
_PATIENCE_S: Final = 30
_REFUNDS_AT_ONCE: Final = 500

log = structlog.get_logger("refund_worker")


class ChoreList:
    """What each chore does."""

    def __init__(
        self, world: World, *, delivery: Delivery, counts: Counts, mode: RunMode, stopping: Callable[[], bool]
    ) -> None:
        """Keep the parts; nothing is begun."""
        self._stopping = stopping
        self._world = world
        self._delivery = delivery
        self._counts = counts
        self._mode = mode

    def chores(self) -> tuple[Chore, ...]:
        """All of them, not yet begun."""
        return (
            Chore(name="tick", every_s=ABSORB_S, act=self._absorb, leads=self._alone("absorb", ABSORB_S)),
            Chore(name="night", every_s=NIGHT_S, act=self._tend_night, leads=self._alone("tend_night", NIGHT_S)),
            Chore(name="poll", every_s=POLL_S, act=self._poll, leads=self._alone("poll", POLL_S)),
            Chore(
                name="confirm_refunds", every_s=CONFIRM_S, act=self._confirm, leads=self._alone("confirm", CONFIRM_S)
            ),
            Chore(name="notices", every_s=NOTICES_S, act=self._delivery.deliver),
            Chore(name="housekeeping", every_s=HOUSEKEEPING_S, act=self._keep_house),
            # Only on a worker's own machine can be told that its process is gone: each looks.
            Chore(name="gone_workers", every_s=GONE_S, act=self._free_what_the_gone_held),
            Chore(name="counts", every_s=COUNTS_S, act=self.flush_counts),
        )

    def flush_counts(self) -> None:
        """Add what was counted to the ledger's counters. Raises LedgerError."""
        self._counts.flush(self._world.queue.add_counts)

    def _alone(self, name: str, every_s: float) -> Leading:
        return Leading(self._world, name, lease_s=int(every_s) + _PATIENCE_S)

    def _absorb(self) -> None:
        absorbed = absorb_events(self._world, mode=self._mode)
        if absorbed.events:
            log.info("events_absorbed", events=absorbed.events, wanted=absorbed.wanted)

    def _tend_night(self) -> None:
        for name in tend_night(self._world, mode=self._mode, stopping=self._stopping, tell=_warn):
            log.info("run_ended", name=name)

    def _poll(self) -> None:
        polled = poll_events(self._world)
        source = str(EventSource.POLL)
        self._counts.add(counter(EVENTS, source=source, result="new"), polled.new)
        self._counts.add(counter(EVENTS, source=source, result="known"), polled.read - polled.new)
        log.info("events_polled", read=polled.read, new=polled.new, sweep_needed=polled.sweep_needed)

    def _confirm(self) -> None:
        for confirmed in confirm_due_refunds(self._world, limit=_REFUNDS_AT_ONCE, mode=self._mode):
            if confirmed.confirmation is not Confirmation.UNCHANGED:
                log.info("refund_confirmed", refund=confirmed.refund, status=confirmed.status,
                         confirmation=str(confirmed.confirmation), detail=confirmed.detail)  # fmt: skip

    def _keep_house(self) -> None:
        world = self._world
        world.queue.forget_events(before=world.clock.now() - EVENTS_KEPT_S)
        told = tell_of_stuck_cases(world)
        if told:
            log.warning("cases_stuck", told=told)

    def _free_what_the_gone_held(self) -> None:
        queue, gone = self._world.queue, self._world.is_gone
        freed = queue.end_queue_leases(gone=gone) + queue.end_case_leases(gone=gone)
        if freed:
            log.info("leases_ended", freed=freed)


def _warn(line: str) -> None:
    log.warning("night_warned", says=line)
