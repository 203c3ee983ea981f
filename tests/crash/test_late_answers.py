"""A refund failed, and the worker that learns of it is stopped anywhere: one re-credit, and the customer is wanted.

What happens afterwards is what a cluster has: interrupted cases are resumed, the watch list is worked off, and - where
the worker died before it had told so - the event comes again.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import pytest

from refund_worker.domain.queueing import Cause
from refund_worker.usecases.confirm_refund import confirm_due_refunds, confirm_refund
from refund_worker.usecases.world import World
from tests.crash import judge
from tests.crash.stops import Call, Killed, Meet, StoppingQueue, Stops, lost_answer
from tests.usecases.stage import Stage
from tests.worlds import night, recovered, resume

Fate = Literal["killed", "lost", "paused", "again"]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the first worker is stopped, and how: `again` lets another hear of the refund there, at the same time."""

    place: int
    phase: str
    fate: Fate


def _account(scene: str, status: str, *, deleted: bool) -> tuple[Stage, str]:
    stage = Stage.of(scene)
    stage.sandbox.control.next_refund(status=status)
    night(stage.world("first"))
    refund = stage.book.refunds[0].refund
    stage.hours_pass(30)
    if deleted:
        stage.sandbox.delete(f"/v1/customers/{stage.book.customer}")
    stage.sandbox.control.turn_refund(refund, "failed")
    return stage, refund


def _program(stage: Stage, name: str, meet: Meet) -> World:
    world = stage.world(name, meet=meet)
    return replace(world, queue=StoppingQueue(world.queue, Stops(_numbered(meet))))


def _numbered(meet: Meet) -> Meet:
    """Calls of the queue are numbered behind those of the other ports."""
    return lambda call, phase: meet(Call(1_000 + call.number, call.name), phase)


def _stops(scene: str, status: str, *, deleted: bool) -> Iterator[Stop]:
    stage, refund = _account(scene, status, deleted=deleted)
    met: list[tuple[Call, str]] = []
    confirm_refund(_program(stage, "confirms", lambda call, phase: met.append((call, phase))), refund=refund)
    for call, phase in met:
        fates: tuple[Fate, ...] = ("killed", "paused", "again")
        if phase == "lost":
            fates = ("lost",)
        elif phase == "rolled_back":
            fates = ("killed",)
        yield from (Stop(call.number, phase, fate) for fate in fates)


def _problems(scene: str, status: str, stop: Stop, *, deleted: bool) -> list[str]:
    stage, refund = _account(scene, status, deleted=deleted)
    stopped: list[str] = []

    def meet(call: Call, phase: str) -> None:
        if stopped or (call.number, phase) != (stop.place, stop.phase):
            return
        stopped.append(call.name)
        if stop.fate == "lost":
            raise lost_answer()
        if stop.fate == "killed":
            stage.gone.add("confirms")
            raise Killed
        if stop.fate == "paused":
            stage.sandbox.clock.advance(301)
            resume(stage.world("resumes"))
            recovered(stage.world("recovers"))
        confirm_refund(stage.world("hears"), refund=refund)

    with suppress(Killed):
        confirm_refund(_program(stage, "confirms", meet), refund=refund)
    if not stopped:
        return ["the world was not stopped: it is not deterministic"]
    confirm_refund(stage.world("hears again"), refund=refund)
    for number in range(3):
        resume(stage.world(f"later{number}"))
        stage.sandbox.clock.advance(301)
        confirm_due_refunds(stage.world(f"looks{number}"), limit=10)
    return _judged(stage, deleted=deleted)


def _judged(stage: Stage, *, deleted: bool) -> list[str]:
    found = judge.double_refunds(stage.book)
    returned = [
        move.amount for move in stage.book.balance_transactions if "refund_worker_debit" in move.metadata
    ]  # fmt: skip
    failed = next(refund.amount for refund in stage.book.refunds if refund.status == "failed")
    if returned != ([] if deleted else [-failed]):
        found.append(f"{returned} came back, not {-failed} once")
    if not deleted:
        found += judge.losses(stage.sandbox)
    now = stage.sandbox.clock.now
    wanted = stage.ledger.queue.claim_wanted(worker="asks", now=now, lease_s=0, limit=10)
    if [one.wanted.cause for one in wanted] != [Cause.REFUND_FAILED]:
        found.append(f"wanted: {wanted}")
    if len(stage.ledger.queue.claim_notices(now=now, lease_s=0, limit=10)) != 1:
        found.append("people were not told once")
    if list(stage.ledger.queue.watched_refunds()):
        found.append("it is still watched")
    if stage.ledger.live_cases():
        found.append(f"stuck: {stage.ledger.live_cases()}")
    verified = stage.ledger.verify()
    return found if verified.ok else [*found, f"the trail: {verified.problem}"]


SAMPLE = 8  # `make test` lives through every eighth world, `make check` through all

each_account = pytest.mark.parametrize(
    ("status", "deleted"), [("pending", False), ("succeeded", False), ("succeeded", True)]
)


def _judge(status: str, *, deleted: bool, every: int) -> None:
    scene = "three_charges" if status == "pending" else "one_charge"
    world = partial(_problems, scene, status, deleted=deleted)
    stops = list(_stops(scene, status, deleted=deleted))
    failures = [f"{stop}: {'; '.join(found)}" for stop in stops[::every] if (found := world(stop))]
    assert len(stops) > 40
    assert not failures, f"{len(failures)} of {len(stops)}:\n" + "\n".join(failures[:10])


@each_account
def test_stopped_in_a_sample_of_places_it_is_recredited_once(status: str, deleted: bool) -> None:
    """A deleted customer is owed."""
    _judge(status, deleted=deleted, every=SAMPLE)


@pytest.mark.deep
@pytest.mark.timeout(900)
@each_account
def test_stopped_anywhere_it_is_recredited_once(status: str, deleted: bool) -> None:
    """Every place, phase and fate of one confirmation."""
    _judge(status, deleted=deleted, every=1)
