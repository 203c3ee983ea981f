"""Puts a shift together, which checks the whole configuration before anything is begun."""

import threading

from refund_worker.adapters.broker import Broker
from refund_worker.bootstrap import read_policy
from refund_worker.domain.queueing import Cause
from refund_worker.domain.runs import RunMode
from refund_worker.entrypoints.celery_settings import broker_url
from refund_worker.entrypoints.chores import Chore
from refund_worker.entrypoints.exits import say
from refund_worker.entrypoints.heartbeat import Heartbeat
from refund_worker.entrypoints.logs import WorkLog
from refund_worker.entrypoints.money import check_live_policy, open_world, plans_only
from refund_worker.entrypoints.working import Hands, Shift
from refund_worker.settings import Settings
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.work_queue import Crew
from refund_worker.usecases.world import World


def hire(settings: Settings) -> Shift:
    """Check the configuration and put a shift together; nothing is begun.

    Raises:
        SettingsError, PolicyError, WrongUse, BrokerError, LedgerError, StripeError: Where it is wrong, in one line.
    """
    broker = Broker(broker_url(settings))
    policy = read_policy(settings)
    check_live_policy(settings, policy)
    broker.check()
    broker.close()
    wired = open_world(settings, policy)
    if plans_only(settings):
        say("REFUND_LIVE is not 1: with this live key nothing is moved, plans only")
    ended = threading.Event()
    life = Heartbeat(settings.heartbeat_directory, role="worker")

    def release() -> None:
        life.stop()
        wired.close()

    return Shift(
        Hands(
            crew=_crew(settings, wired.world, ended),
            chores=_chores(wired.world),
            ended=ended,
            want=lambda customer: want_customer(wired.world, customer=customer, cause=Cause.TASK),
            alive=life.beat,
            release=release,
        )
    )


def _crew(settings: Settings, world: World, ended: threading.Event) -> Crew:
    return Crew(
        world=world,
        watcher=WorkLog(),
        mode=RunMode.PLAN if plans_only(settings) else RunMode.RUN,
        threads=settings.worker_threads,
        stopping=ended.is_set,
    )


def _chores(world: World) -> tuple[Chore, ...]:
    return ()
