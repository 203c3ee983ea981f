"""Puts a shift together, which checks the whole configuration before anything is begun."""

import threading
from contextlib import suppress

import structlog

from refund_worker.adapters.broker import Broker
from refund_worker.adapters.notifier import Notifier
from refund_worker.bootstrap import read_policy
from refund_worker.domain.errors import LedgerError, StripeError
from refund_worker.domain.queueing import Cause
from refund_worker.domain.runs import RunMode
from refund_worker.entrypoints.celery_settings import broker_url
from refund_worker.entrypoints.chore_list import ChoreList
from refund_worker.entrypoints.exits import say
from refund_worker.entrypoints.heartbeat import Heartbeat
from refund_worker.entrypoints.logs import WorkLog
from refund_worker.entrypoints.money import check_live_policy, open_world, plans_only
from refund_worker.entrypoints.noticing import Delivery
from refund_worker.entrypoints.working import Hands, Shift
from refund_worker.settings import Settings
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.weigh import FUNDS_UNKNOWN, read_funds
from refund_worker.usecases.work_queue import Crew
from refund_worker.usecases.world import World

log = structlog.get_logger("refund_worker")


def hire(settings: Settings) -> Shift:
    """Check the configuration and put a shift together; nothing is begun.

    Raises:
        SettingsError, PolicyError, WrongUse, BrokerError, LedgerError, StripeError: Where it is wrong, in one line.
    """
    broker = Broker(broker_url(settings))
    notifier = Notifier(settings.notify_urls)
    policy = read_policy(settings)
    check_live_policy(settings, policy)
    broker.check()
    broker.close()
    wired = open_world(settings, policy)
    if plans_only(settings):
        say("REFUND_LIVE is not 1: with this live key nothing is moved, plans only")
    ended = threading.Event()
    life = Heartbeat(settings.heartbeat_directory, role="worker")
    mode = RunMode.PLAN if plans_only(settings) else RunMode.RUN
    world = wired.world
    chores = ChoreList(world, delivery=Delivery(world, notifier), counts=wired.counts, mode=mode, stopping=ended.is_set)
    crew = Crew(
        world=world,
        watcher=WorkLog(wired.counts),
        mode=mode,
        threads=settings.worker_threads,
        stopping=ended.is_set,
    )

    _look_at_funds(world)

    def release() -> None:
        with suppress(LedgerError):  # what was counted since the last time is lost with its ledger
            chores.flush_counts()
        life.stop()
        wired.close()

    return Shift(
        Hands(
            crew=crew,
            chores=chores.chores(),
            ended=ended,
            want=lambda customer: want_customer(world, customer=customer, cause=Cause.TASK),
            alive=life.beat,
            release=release,
        )
    )


def _look_at_funds(world: World) -> None:
    """Say once, at the begin of a shift, where the key may not read the money that refunds draw on."""
    with suppress(StripeError):  # no answer: each night asks by itself
        if read_funds(world) is None:
            log.warning("funds_unknown", says=FUNDS_UNKNOWN)
