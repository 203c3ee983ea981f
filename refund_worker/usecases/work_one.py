"""Examines one customer of the queue, and says what becomes of its entry: out of the queue, or due again, and when."""

from dataclasses import replace

from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.facts import Customer
from refund_worker.domain.queueing import TRIES_MAX, QueueClaim, retry_at
from refund_worker.domain.results import CaseResult, unplanned_json
from refund_worker.usecases.examine_currencies import Examined
from refund_worker.usecases.examine_wanted import examine_wanted
from refund_worker.usecases.place_in_run import Place, Places
from refund_worker.usecases.shared_gate import is_postponed
from refund_worker.usecases.without_plan import fail_customer
from refund_worker.usecases.world import World


def work_wanted(world: World, places: Places, claim: QueueClaim) -> tuple[CaseResult, ...]:
    """Examine a customer whose entry was claimed, and settle the entry; returns the cases, one per currency.

    Raises:
        LedgerError: If the ledger cannot be used; the entry is claimed anew when its lease has ended.
    """
    place = places.of(claim.wanted)
    if place is None:
        _leave_to_the_night(world, claim)
        return ()
    examined = _examined(world, place, claim)
    for result in examined.results:
        place.gate.finished(result)
    _settle(world, place, claim, examined)
    return tuple(replace(result, run=place.run) for result in examined.results)


def _settle(world: World, place: Place, claim: QueueClaim, examined: Examined) -> None:
    """Take the customer out of the queue, or give the entry back for another time, as the currency that needs it most.

    What another currency is examined again for is harmless there: its credit is gone, or stands as it stood.
    """
    results = examined.results
    now = world.clock.now()
    if not examined.complete:
        # A signal or a halt: the entry stays as it was. A stop: see the next claim of it.
        world.queue.postpone(claim, until=claim.wanted.due_at)
        return
    # A plan that is only kept would be kept, and counted, once more.
    again = any(map(is_postponed, results)) and not any(one.outcome is Outcome.PLANNED for one in results)
    if again and claim.attempts < TRIES_MAX:
        world.queue.postpone(claim, until=retry_at(attempts=claim.attempts, now=now))
        return
    for failed in (one for one in results if one.digest == "" and one.outcome is Outcome.FAILED):
        # It has no row of its own: the trail says that this run looked, and why it could decide nothing.
        with world.ledger.writing() as writer:
            writer.could_not_plan(run=place.run, kept=unplanned_json(failed), now=now)
    if any(_rests(one) for one in results):
        # Nothing that this run could do better: the next night looks again, and pays where this one only planned.
        _leave_to_the_night(world, claim)
    else:
        world.queue.examined(claim, now=now)  # a case that is live still goes its own way


def _rests(result: CaseResult) -> bool:
    return result.digest == "" or result.outcome is Outcome.PLANNED or is_postponed(result)


def _examined(world: World, place: Place, claim: QueueClaim) -> Examined:
    """Turn a bug into a failed case with its traceback: it ends neither run nor crew, and is never swallowed."""
    try:
        return examine_wanted(world, place.gate, run=place.run, mode=place.mode, claim=claim)
    except LedgerError:
        raise
    except Exception as bug:  # noqa: BLE001  whatever a bug raises is this case's failure, told with its traceback
        return Examined(results=fail_customer(world, bug, Customer(id=claim.wanted.customer)))


def _leave_to_the_night(world: World, claim: QueueClaim) -> None:
    """Let an entry rest until the next night; a moment longer, so that the night has begun and takes it over."""
    until = world.calendar.next_night().at + world.settling_s
    world.queue.postpone(claim, until=until, leaves_run=True)
