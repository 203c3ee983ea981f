"""Nights from their begin to their end: whom they find, when they sweep, what they tell, and that each is made once."""

from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.nights import Phase
from refund_worker.domain.policy import Policy
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.start_night import start_night
from refund_worker.usecases.tend_night import tend_night
from refund_worker.usecases.world import World
from tests.crash.scenes import DAY_S, cancel, goodwill, subscribed
from tests.usecases.working import Signal, Told, cancelled, money, work
from tests.worlds import make_world

NIGHT = "30 2 * * *"


def until_night(world: World) -> None:
    """Let time pass until the next night's time."""
    world.clock.sleep(world.calendar.next_night().at - world.clock.now() + 1)


def make_night(world: World, *, mode: RunMode = RunMode.RUN) -> Told:
    """One whole night: begun, discovered, worked off, ended."""
    until_night(world)
    tend_night(world, mode=mode, stopping=Signal())
    told = work(world, mode=mode)
    tend_night(world, mode=mode, stopping=Signal())
    return told


def newest(world: World) -> dict[str, object]:
    """The summary of the newest run."""
    run = world.ledger.newest_run()
    assert run is not None
    return {"status": run.status, "sweep": run.sweep, **run.summary}


def test_the_first_night_sweeps_and_refunds_everybody() -> None:
    """Then it is over, and told of with its sums."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox)
    told = make_night(world)
    assert told.words == [("refunded", None)] * 3
    assert money(sandbox) == [(0, 5_000)] * 3
    night = newest(world)
    assert (night["status"], night["sweep"], night["customers_read"]) == (RunStatus.FINISHED, True, 3)
    assert night["counts"]["refunded"] == 3  # type: ignore[index]  # a summary's values are JSON
    (notice,) = world.queue.claim_notices(now=world.clock.now(), lease_s=60, limit=10)
    assert (notice.kind, notice.title.startswith("The night run of ")) == ("night_finished", True)
    assert "3 refunded" in notice.body
    assert "refunded 150.00 USD" in notice.body


def test_the_second_night_follows_the_events() -> None:
    """No customer is listed; the one that changed is refunded."""
    sandbox, _ = cancelled(2)
    world = make_world(sandbox)
    make_night(world)
    _, subscription = subscribed(sandbox)
    sandbox.clock.advance(15 * 3600)
    cancel(sandbox, subscription)
    before = len(sandbox.request_log)
    told = make_night(world)
    assert told.words == [("refunded", None)]
    assert "/v1/customers" not in {entry.path for entry in sandbox.request_log[before:]}
    assert newest(world)["sweep"] is False
