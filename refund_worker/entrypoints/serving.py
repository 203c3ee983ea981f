"""`web`, `worker`, `beat` and `alive`: the processes that stay."""

import os
import sys

import structlog

from refund_worker.adapters.broker import Broker
from refund_worker.adapters.calendar import CrontabCalendar
from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.processes import worker_name
from refund_worker.bootstrap import open_ledger
from refund_worker.entrypoints import heartbeat
from refund_worker.entrypoints.beat import BeatParts, run_beat
from refund_worker.entrypoints.celery_settings import QUEUE, broker_url
from refund_worker.entrypoints.exits import Exit
from refund_worker.entrypoints.telemetry import begin_telemetry
from refund_worker.entrypoints.web.serving import serve
from refund_worker.entrypoints.worker import make_app, serve_worker
from refund_worker.observability import configure_logging, keep_secret
from refund_worker.settings import Settings, load_settings

log = structlog.get_logger("refund_worker")


def web() -> Exit:
    """Serve webhooks, health and metrics until a signal."""
    return serve(_start("web"))


def worker() -> Exit:
    """Work until a signal."""
    return serve_worker(_start("worker"))


def beat() -> Exit:
    """Send wake-ups until a signal. Needs no key: it never asks Stripe."""
    settings = _start("beat")
    broker = Broker(broker_url(settings))
    broker.check()
    ledger = open_ledger(settings)
    clock = SystemClock()
    life = heartbeat.Heartbeat(settings.heartbeat_directory, role="beat")
    calendar = CrontabCalendar(crontab=settings.night_crontab, tz=settings.company_tz, clock=clock)
    log.info("beat_started", pid=os.getpid(), next_night=calendar.next_night().date)
    run_beat(
        make_app(settings),
        BeatParts(
            coordination=ledger.queue,
            calendar=calendar,
            clock=clock,
            holder=worker_name(),
            backlog=lambda: broker.waiting(QUEUE),
            alive=life.beat,
        ),
    )
    life.stop()
    log.info("beat_ended", pid=os.getpid())
    return Exit.FINISHED


def alive() -> Exit:
    """Whether this container's role lives."""
    settings = load_settings(os.environ)
    return heartbeat.alive(directory=settings.heartbeat_directory, port=settings.port)


def _start(role: str) -> Settings:
    configure_logging(json=not sys.stderr.isatty(), stream=sys.stderr)
    settings = load_settings(os.environ)
    keep_secret(settings.secrets())
    begin_telemetry(settings, role=role)
    return settings
