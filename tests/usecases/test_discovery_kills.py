"""Discovery killed before and after each call over a port, and gone on with by another worker: the same queue, no loss.

Rows are compared but for how often a customer was wanted: a page that was wanted twice is examined once.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.cluster_tables import events, queue, watermarks
from refund_worker.domain.runs import RunMode
from refund_worker.ports import WorkQueue
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.discover_night import LEASE_S
from refund_worker.usecases.tend_night import tend_night
from refund_worker.usecases.world import World
from tests.crash.scenes import cancel, goodwill, subscribed
from tests.crash.stops import Call, Killed, StoppingGateway, StoppingLedger, Stops
from tests.usecases.test_nights import make_night, until_night
from tests.usecases.working import Signal, money, work
from tests.worlds import Ids, make_world

Rows = dict[str, Any]


class StoppingQueue:
    """A queue whose calls can be stopped."""

    def __init__(self, inner: WorkQueue, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._inner, name)

        def call_it(*args: Any, **kwargs: Any) -> Any:
            call = self._stops.begin(f"queue.{name}")
            answer = made(*args, **kwargs)
            self._stops.meet(call, "after")
            return answer

        return call_it


def change(sandbox: Sandbox, made: list[tuple[str, str]], customer: str) -> None:
    """What the night is to find."""
    for _, subscription in made:
        cancel(sandbox, subscription)
    # An hour later: where a sweep begins to follow the events, it does not see the cancellations among them.
    sandbox.clock.advance(3_600)
    goodwill(sandbox, customer, 500)
    sandbox.post("/v1/invoiceitems", {"customer": made[0][0], "amount": -100, "currency": "usd"})


class Before:
    """One account with its ledger's file, right before a night that sweeps or one that follows the events."""

    def __init__(self, place: Path, *, sweep: bool) -> None:
        sandbox = Sandbox(seed=7, renewals=False)
        sandbox.build.customers(110)
        made = [subscribed(sandbox, price=price) for price in (10_000, 10_000, 200_000)]
        customer = sandbox.post("/v1/customers", {})["id"]
        self.file = place / "before.sqlite"
        ledger = SqlLedger.open(f"sqlite:///{self.file}")
        world = make_world(sandbox, ledger=ledger)
        sandbox.clock.advance(86_400)
        if not sweep:
            make_night(world)
        change(sandbox, made, customer)
        sandbox.clock.advance(1_000)
        until_night(world)
        ledger.close()
        self.snapshot = sandbox.snapshot()


class Scene:
    """A copy of it, to discover in."""

    def __init__(self, before: Before) -> None:
        self.sandbox = Sandbox.restore(before.snapshot)
        self.ledger = SqlLedger.open("sqlite://")
        # In memory: a file would be synced to the disk some thousand times.
        with (
            closing(sqlite3.connect(before.file)) as kept,
            closing(self.ledger._database._engine.raw_connection()) as raw,
        ):
            assert isinstance(raw.driver_connection, sqlite3.Connection)
            kept.backup(raw.driver_connection)

    def world(self, name: str, meet: Callable[[Call, str], None] | None = None) -> World:
        """A worker; it can be met at every call."""
        world = make_world(self.sandbox, ledger=self.ledger, worker=name, ids=Ids(deployment=name))
        if meet is None:
            return world
        stops = Stops(meet)
        return replace(
            world,
            stripe=StoppingGateway(world.stripe, stops),
            ledger=StoppingLedger(world.ledger, stops),
            queue=StoppingQueue(world.queue, stops),
        )

    def discover(self, world: World) -> None:
        """What a worker does when it is woken."""
        tend_night(world, mode=RunMode.RUN, stopping=Signal())

    def rows(self) -> Rows:
        """The queue, the inbox and the watermark, without times of ours and counts of wishes."""
        with self.ledger._database.reading() as connection:
            queued = connection.execute(select(queue.c.customer, queue.c.cause, queue.c.pending_items)).all()
            received = connection.execute(select(events.c.id, events.c.absorbed_at.is_not(None))).all()
            marks = connection.execute(select(watermarks.c.name, watermarks.c.at)).all()
        return {"queue": sorted(map(tuple, queued)), "events": sorted(map(tuple, received)), "marks": list(marks)}


@pytest.mark.parametrize("sweep", [True, False], ids=["sweep", "events"])
def test_a_discovery_that_was_killed_anywhere_is_gone_on_with(sweep: bool, tmp_path: Path) -> None:
    """By another worker, when the lease has ended."""
    before = Before(tmp_path, sweep=sweep)
    count, rows, paid = _unkilled(Scene(before))
    assert len(rows["queue"]) == 4
    for number in range(count):
        for phase in ("before", "after"):
            scene = Scene(before)
            with pytest.raises(Killed):
                scene.discover(scene.world("killed", partial(_die, number=number, phase=phase)))
            scene.sandbox.clock.advance(LEASE_S)
            scene.discover(scene.world("next"))
            assert scene.rows() == rows, f"killed {phase} call {number}"
            if number % 5 == 0:
                work(scene.world("works"))
                assert money(scene.sandbox) == paid
            scene.ledger.close()


def _die(call: Call, at: str, *, number: int, phase: str) -> None:
    if (call.number, at) == (number, phase):
        raise Killed


def _unkilled(scene: Scene) -> tuple[int, Rows, list[tuple[int, int]]]:
    """How many calls the discovery makes, what it leaves, and the money after the night."""
    numbers: list[int] = []
    scene.discover(scene.world("counted", lambda call, _: numbers.append(call.number)))
    rows = scene.rows()
    work(scene.world("works"))
    scene.ledger.close()
    return max(numbers) + 1, rows, money(scene.sandbox)
