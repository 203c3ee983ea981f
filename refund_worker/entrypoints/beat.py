"""`beat`: sends the wake-ups. Two are harmless: a lease in the ledger's database lets one of them send.

It keeps no file. When it starts or takes over, what falls due is sent; a night that it missed is begun by the workers
themselves, which ask the calendar.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any, Final, NoReturn

import structlog
from celery import Celery
from celery.beat import ScheduleEntry, Scheduler, SchedulingError, Service
from celery.schedules import BaseSchedule, schedstate

from refund_worker.adapters.broker import BrokerError
from refund_worker.entrypoints import celery_settings
from refund_worker.entrypoints.chores import Trouble
from refund_worker.ports import Calendar, Clock
from refund_worker.ports.queue import Coordination

LEASE: Final = "beat"
# A beat that was killed is followed by another within a minute; what it would have sent, workers find themselves.
LEASE_S: Final = 60
LOOK_EVERY_S: Final = 5
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)

# Seconds between two wake-ups. Each is for what workers do by themselves too, only later.
EVERY_S: Final = {
    celery_settings.TICK: 30,
    celery_settings.NOTICES: 30,
    celery_settings.HOUSEKEEPING: 5 * 60,
    celery_settings.CONFIRM_REFUNDS: 10 * 60,
    celery_settings.POLL: 15 * 60,
}

log = structlog.get_logger("refund_worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatParts:
    """What a beat needs.

    Attributes:
        holder: Its name in the lease.
        backlog: How many messages wait; raises where Redis does not answer.
        alive: Says that this process lives.
    """

    coordination: Coordination
    calendar: Calendar
    clock: Clock
    holder: str
    backlog: Callable[[], int]
    alive: Callable[[], None]


class NightSchedule(BaseSchedule):
    """Due when a night has come since the last time: the calendar knows the daylight-saving nights, Celery does not."""

    def __init__(self, calendar: Calendar, clock: Clock, **options: Any) -> None:
        """Keep them."""
        super().__init__(**options)
        self._calendar = calendar
        self._clock = clock

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether a night has come since then, and in how many seconds the next one does."""
        due = self._calendar.night_due().at > last_run_at.timestamp()
        return schedstate(is_due=due, next=max(1, self._calendar.next_night().at - self._clock.now()))

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """How long until the next night."""
        return timedelta(seconds=self.is_due(last_run_at).next)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NightSchedule)

    def __hash__(self) -> int:
        return hash(NightSchedule)


class LeasedScheduler(Scheduler):
    """Celery's scheduler in memory, behind a lease. It never waits long for Redis, and never ends for want of it."""

    def __init__(self, *arguments: Any, parts: BeatParts, **options: Any) -> None:
        """Keep the parts; nothing is sent."""
        self._parts = parts
        self._leading: bool | None = None  # not looked yet
        self._looked_at = float("-inf")
        self._lease_trouble, self._sending_trouble = Trouble("beat_lease"), Trouble("beat_sending")
        super().__init__(*arguments, **options)

    def setup_schedule(self) -> None:
        """The wake-ups, all of which fall due at the start."""
        night = NightSchedule(self._parts.calendar, self._parts.clock, app=self.app)
        schedules: dict[str, Any] = {celery_settings.NIGHT: night}
        schedules |= {task: timedelta(seconds=every_s) for task, every_s in EVERY_S.items()}
        for task, when in schedules.items():
            self.add(name=task, task=task, schedule=when, options=_options(task), last_run_at=_LONG_AGO)

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Send what is due, where this beat holds the lease; returns how long to sleep, seconds."""
        self._parts.alive()
        if not self._leads():
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, super().tick(*arguments, **options))

    @property
    def producer(self) -> None:  # type: ignore[override]  # Celery takes None too, in `apply_async`
        """None of its own, for which Celery would wait until Redis is there: each message takes one from the pool."""
        return

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a wake-up, unless many wait: then nobody works, and more of them would only fill Redis."""
        try:
            if self._parts.backlog() < celery_settings.BACKLOG_MAX:
                self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # noqa: BLE001  Redis may be gone in many ways; the next wake-up is soon
            # Celery wraps whatever went wrong on the way to Redis; a traceback of its own says nothing more.
            away = isinstance(error, SchedulingError)
            self._sending_trouble.tell(BrokerError(f"a wake-up was not sent: {error}") if away else error)
        else:
            self._sending_trouble.over()

    def close(self) -> None:
        """Give the lease to another beat."""
        if self._leading:
            self._parts.coordination.drop_lease(LEASE, holder=self._parts.holder)
        super().close()

    def _leads(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY_S - 0.1:
            return bool(self._leading)
        self._looked_at = now
        before, leads = self._leading, self._take()
        self._leading = leads
        if leads is not before:
            log.info("beat_leads" if leads else "beat_waits", holder=self._parts.holder)
        return leads

    def _take(self) -> bool:
        parts = self._parts
        try:
            taken = parts.coordination.take_lease(LEASE, holder=parts.holder, now=parts.clock.now(), lease_s=LEASE_S)
        except Exception as error:  # noqa: BLE001  without its database nobody leads; told, and tried again
            self._lease_trouble.tell(error)
            return False
        self._lease_trouble.over()
        return taken


class _Service(Service):
    """Celery's loop around that scheduler."""

    def __init__(self, app: Celery, parts: BeatParts) -> None:
        super().__init__(app, max_interval=LOOK_EVERY_S)
        self._parts = parts

    def get_scheduler(self, lazy: bool = False, extension_namespace: str = "") -> LeasedScheduler:  # noqa: FBT001, FBT002, ARG002  as Celery calls it
        return LeasedScheduler(app=self.app, max_interval=LOOK_EVERY_S, lazy=lazy, parts=self._parts)


def run_beat(app: Celery, parts: BeatParts) -> None:
    """Send wake-ups until a signal."""
    app.finalize()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    _Service(app, parts).start()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _options(task: str) -> dict[str, Any]:
    """A wake-up that was not heard until the next one is worth nothing."""
    return {"queue": celery_settings.QUEUE, "expires": EVERY_S.get(task, 3600)}
