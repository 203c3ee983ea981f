"""Examines one customer of the queue, and says what becomes of its entry: out of the queue, or due again, and when."""

from dataclasses import replace

from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.facts import Customer
from refund_worker.domain.queueing import TRIES_MAX, QueueClaim, retry_at
from refund_worker.domain.results import CaseResult, unplanned_json
from refund_worker.usecases.examine_customer import fail_customer
from refund_worker.usecases.examine_wanted import Nothing, examine_wanted
from refund_worker.usecases.place_in_run import Place, Places
from refund_worker.usecases.shared_gate import is_postponed
from refund_worker.usecases.world import World


def work_wanted(world: World, places: Places, claim: QueueClaim) -> CaseResult | None:
    """Examine a customer whose entry was claimed, and settle the entry; returns the case, None where there is none.

    Raises:
        LedgerError: If the ledger cannot be used; the entry is claimed anew when its lease has ended.
    """
    place = places.of(claim.wanted)
    if place is None:
        _leave_to_the_night(world, claim)
        return None
    found = _examined(world, place, claim)
    if found is Nothing.NOT_BEGUN:
        # A signal or a halt: the entry stays as it was. A stop: see the next claim of it.
        world.queue.postpone(claim, until=claim.wanted.due_at)
        return None
    if isinstance(found, Nothing):
        world.queue.examined(claim, now=world.clock.now())
        return None
    place.gate.finished(found)
    _settle(world, place, claim, found)
    return replace(found, run=place.run)


def _settle(world: World, place: Place, claim: QueueClaim, result: CaseResult) -> None:
    """Take the customer out of the queue, or give the entry back for another time."""
    now = world.clock.now()
    unplanned = result.digest == ""
    if is_postponed(result) and claim.attempts < TRIES_MAX:
        world.queue.postpone(claim, until=retry_at(attempts=claim.attempts, now=now))
        return
    if unplanned and result.outcome is Outcome.FAILED:
        # It has no row of its own: the trail says that this run looked, and why it could decide nothing.
        with world.ledger.writing() as writer:
            writer.could_not_plan(run=place.run, kept=unplanned_json(result), now=now)
    if unplanned or result.outcome is Outcome.PLANNED or is_postponed(result):
        # Nothing that this run could do better: the next night looks again, and pays where this one only planned.
        _leave_to_the_night(world, claim)
    else:
        world.queue.examined(claim, now=now)  # a case that is live still goes its own way


def _examined(world: World, place: Place, claim: QueueClaim) -> CaseResult | Nothing:
    """Turn a bug into a failed case with its traceback: it ends neither run nor crew, and is never swallowed."""
    try:
        return examine_wanted(world, place.gate, run=place.run, mode=place.mode, claim=claim)
    except LedgerError:
        raise
    except Exception as bug:  # noqa: BLE001  whatever a bug raises is this case's failure, told with its traceback
        return fail_customer(world, bug, Customer(id=claim.wanted.customer))


def _leave_to_the_night(world: World, claim: QueueClaim) -> None:
    """Let an entry rest until the next night; a moment longer, so that the night has begun and takes it over."""
    until = world.calendar.next_night().at + world.settling_s
    world.queue.postpone(claim, until=until, leaves_run=True)
