"""Weighing and letting through killed before and after each call over a port: each is done once, whoever goes on."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.cluster_tables import notices, run_funds, shared_runs
from refund_worker.adapters.ledger.tables import audit_entries
from refund_worker.domain.nights import Phase
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import Cause
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.discover_night import LEASE_S
from refund_worker.usecases.let_through import let_through
from refund_worker.usecases.tend_night import tend_night
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.world import World
from tests.crash.stops import Call, Killed, StoppingQueue, Stops
from tests.usecases.stage import at, die
from tests.usecases.test_discovery_kills import Before, Scene
from tests.usecases.test_nights import until_night
from tests.usecases.working import Signal, cancelled, money, work
from tests.worlds import make_world

FEW = Policy(unusual_floor_customers=1)


class UnusualScene(Scene):
    """The same account, with a policy for which the night is unusual."""

    def world(self, name: str, meet: Callable[[Call, str], None] | None = None) -> World:
        """A worker; it can be met at every call."""
        return replace(super().world(name, meet), policy=FEW)

    def facts(self) -> tuple[list[str], list[str], int, int]:
        """Phases, the trail's words about nights, notices, currencies of funds."""
        with self.ledger._database.reading() as connection:
            phases = list(connection.execute(select(shared_runs.c.phase)).scalars())
            kinds = connection.execute(
                select(audit_entries.c.kind)
                .where(audit_entries.c.kind.in_(["run_weighed", "run_let_through"]))
                .order_by(audit_entries.c.sequence)
            )
            told = connection.execute(select(notices.c.key).where(notices.c.kind == "night_unusual")).all()
            funds = connection.execute(select(run_funds.c.currency)).all()
            return phases, list(kinds.scalars()), len(told), len(funds)


def test_a_night_is_weighed_once_wherever_its_worker_dies(tmp_path: Path) -> None:
    """It waits with one notice and one entry in the trail; nobody was paid."""
    before = Before(tmp_path, sweep=True)
    numbers: list[int] = []
    whole = UnusualScene(before)
    whole.discover(whole.world("counted", lambda call, _: numbers.append(call.number)))
    expected = (["waiting"], ["run_weighed"], 1, 1)
    assert whole.facts() == expected
    for number in range(max(numbers) + 1):
        for phase in ("before", "after"):
            scene = UnusualScene(before)
            with pytest.raises(Killed):
                scene.discover(scene.world("killed", partial(_die, number=number, phase=phase)))
            assert work(scene.world("works")).words == []
            scene.sandbox.clock.advance(LEASE_S)
            scene.discover(scene.world("next"))
            assert scene.facts() == expected, f"killed {phase} call {number}"
            assert scene.ledger.verify().ok
            scene.ledger.close()


@pytest.mark.parametrize("of", ["night", "events"])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("name", ["queue.open_runs", "queue.let_run_through"])
def test_a_run_is_let_through_once_wherever_the_command_dies(name: str, phase: str, of: str) -> None:
    """The person asks again: it is one entry in the trail, and everybody is paid the same day."""
    sandbox, customers = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    if of == "night":
        until_night(world)
        tend_night(world, mode=RunMode.RUN, stopping=Signal())
    else:
        for customer in customers:
            want_customer(world, customer=customer, cause=Cause.COMMAND)
    paid = work(world).words.count(("refunded", None))
    assert paid == (0 if of == "night" else 1)
    stops = Stops(at(name, phase, die))
    with pytest.raises(Killed):
        _let(replace(world, queue=StoppingQueue(world.queue, stops)))
    _let(world)
    world.clock.sleep(1)
    assert work(world).words == [("refunded", None)] * (3 - paid)
    assert money(sandbox) == [(0, 5_000)] * 3
    assert isinstance(world.ledger, SqlLedger)
    with world.ledger._database.reading() as connection:
        kinds = list(connection.execute(select(audit_entries.c.kind)).scalars())
    assert kinds.count("run_let_through") == 1
    assert world.ledger.verify().ok


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("name", ["queue.open_shared", "queue.take_over_entries", "queue.end_shared"])
def test_a_night_takes_the_waiting_one_over_wherever_its_worker_dies(name: str, phase: str) -> None:
    """Nobody is examined meanwhile, nobody is lost, and each night tells of itself once."""
    sandbox, _ = cancelled(3)
    world = make_world(sandbox, policy=FEW)
    tend = partial(tend_night, mode=RunMode.RUN, stopping=Signal())
    until_night(world)
    tend(world)
    until_night(world)
    stops = Stops(at(name, phase, die))
    with pytest.raises(Killed):
        tend(replace(world, queue=StoppingQueue(world.queue, stops)))
    assert work(world).words == []
    world.clock.sleep(LEASE_S)
    tend(world)
    (waiting,) = world.queue.open_runs()
    assert waiting.name == f"night {world.calendar.today()}"
    assert (waiting.phase, world.queue.left_of(waiting.run)) == (Phase.WAITING, 3)
    _let(world)
    world.clock.sleep(1)
    assert work(world).words == [("refunded", None)] * 3


def _let(world: World) -> None:
    let_through(world.queue, by="ann", reason="ok", settling_s=world.settling_s, now=world.clock.now())


def _die(call: Call, at: str, *, number: int, phase: str) -> None:
    if (call.number, at) == (number, phase):
        raise Killed
