"""Beats send wake-ups; of two one does, and neither ever waits for a Redis that is gone."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from redis import Redis
from structlog.testing import capture_logs

from deploy.local import RedisServer
from refund_worker.adapters.broker import Broker
from refund_worker.adapters.calendar import CrontabCalendar
from refund_worker.adapters.ledger import SqlLedger
from refund_worker.entrypoints import celery_settings
from refund_worker.entrypoints.beat import EVERY_S, LEASE_S, BeatParts, LeasedScheduler, NightSchedule
from refund_worker.entrypoints.worker import make_app
from refund_worker.settings import load_settings
from tests.cluster.roles import Roles, until

TASKS = {*EVERY_S, celery_settings.NIGHT}


@dataclass
class Hands:
    """A clock that is set by hand."""

    at: int = 1_795_330_642

    def now(self) -> int:
        """Where it was set."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Nobody sleeps here."""
        raise NotImplementedError


@dataclass
class Stage:
    """Two beats on one ledger."""

    url: str
    clock: Hands = field(default_factory=Hands)
    ledger: SqlLedger = field(default_factory=lambda: SqlLedger.open("sqlite://"))

    def beat(self, name: str) -> LeasedScheduler:
        """A beat of that name."""
        app: Celery = make_app(load_settings({"REDIS_URL": self.url}))
        broker = Broker(self.url)
        parts = BeatParts(
            coordination=self.ledger.queue,
            calendar=CrontabCalendar(crontab="30 2 * * *", tz=ZoneInfo("Europe/Berlin"), clock=self.clock),
            clock=self.clock,
            holder=name,
            backlog=lambda: broker.waiting(celery_settings.QUEUE),
            alive=lambda: None,
        )
        return LeasedScheduler(app=app, max_interval=5, parts=parts)

    def waiting(self) -> int:
        """How many messages wait."""
        with Redis.from_url(self.url) as redis:
            return int(redis.llen(celery_settings.QUEUE))


@pytest.fixture
def stage(redis_url: str) -> Iterator[Stage]:
    """On the Redis of this test run."""
    made = Stage(redis_url)
    yield made
    made.ledger.close()


def turns(scheduler: LeasedScheduler) -> None:
    """Let a beat take as many turns as there are wake-ups, and one more."""
    scheduler._looked_at = float("-inf")
    for _ in range(len(TASKS) + 1):
        scheduler.tick()


def test_of_two_beats_one_sends(stage: Stage) -> None:
    """Each wake-up once; the other takes over when the first gives its lease back, or has not renewed it in time."""
    first, second = stage.beat("first"), stage.beat("second")
    with capture_logs() as said:
        turns(first)
        turns(second)
    assert [(line["event"], line["holder"]) for line in said] == [("beat_leads", "first"), ("beat_waits", "second")]
    assert stage.waiting() == len(TASKS)
    first.close()
    turns(second)
    assert stage.waiting() == 2 * len(TASKS)
    third = stage.beat("third")
    turns(third)
    assert stage.waiting() == 2 * len(TASKS)
    stage.clock.at += LEASE_S + 1
    turns(third)
    assert stage.waiting() == 3 * len(TASKS)


def test_a_beat_sends_nothing_to_workers_that_are_away(stage: Stage) -> None:
    """Redis stays small: with a hundred messages waiting no more are sent."""
    with Redis.from_url(stage.url) as redis:
        redis.lpush(celery_settings.QUEUE, *["x"] * celery_settings.BACKLOG_MAX)
    turns(stage.beat("only"))
    assert stage.waiting() == celery_settings.BACKLOG_MAX


def test_a_beat_does_not_wait_for_a_redis_that_is_gone(redis_server: RedisServer) -> None:
    """Six wake-ups that cannot be sent take a moment, and are sent when Redis is back."""
    stage = Stage(redis_server.url)
    beat = stage.beat("only")
    redis_server.kill()
    begun = time.monotonic()
    turns(beat)
    assert time.monotonic() - begun < 5
    redis_server.start()
    turns(stage.beat("only"))
    assert stage.waiting() == len(TASKS)
    stage.ledger.close()


def test_the_night_is_due_once(stage: Stage) -> None:
    """By the calendar: also on the day whose 02:30 does not exist."""
    calendar = CrontabCalendar(crontab="30 2 * * *", tz=ZoneInfo("Europe/Berlin"), clock=stage.clock)
    schedule = NightSchedule(calendar, stage.clock)
    before = datetime(2026, 3, 29, 1, 29, tzinfo=UTC)
    stage.clock.at = int(before.timestamp())
    assert schedule.is_due(before) == (False, 60)
    stage.clock.at += 60
    assert schedule.is_due(before).is_due
    after = datetime.fromtimestamp(stage.clock.at, UTC)
    assert not schedule.is_due(after).is_due
    assert schedule.remaining_estimate(after).total_seconds() == 23 * 3600


def test_a_beat_wakes_workers_and_leaves_no_file(roles: Roles) -> None:
    """As a process: it sends, ends in order at a signal, and writes nothing."""
    beat = roles.start("beat")
    until(lambda: bool(beat.events("beat_leads")))
    with Redis.from_url(roles.place.environ["REDIS_URL"]) as redis:
        until(lambda: int(redis.llen(celery_settings.QUEUE)) == len(TASKS))
        assert beat.end() == 0
        left = {key.decode() for key in redis.scan_iter()}
    assert left <= {"refund_worker", "_kombu.binding.refund_worker", "_kombu.binding_permanent.refund_worker"}
    assert [path.name for path in roles.place.directory.iterdir()] == [beat.log.name]
