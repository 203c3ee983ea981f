"""Examines one customer of the queue, and says what becomes of its entry: out of the queue, or due again, and when."""

from refund_worker.domain.errors import LedgerError
from refund_worker.domain.facts import Customer
from refund_worker.domain.queueing import TRIES_MAX, QueueClaim, retry_at
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult
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
        world.queue.postpone(claim, until=_next_night(world))
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
    until = _again_at(world, claim, found)
    if until is None:
        world.queue.examined(claim, now=world.clock.now())
    else:
        world.queue.postpone(claim, until=until)
    return found


def _examined(world: World, place: Place, claim: QueueClaim) -> CaseResult | Nothing:
    """Turn a bug into a failed case with its traceback: it ends neither run nor crew, and is never swallowed."""
    try:
        return examine_wanted(world, place.gate, run=place.run, mode=place.mode, claim=claim)
    except LedgerError:
        raise
    except Exception as bug:  # noqa: BLE001  whatever a bug raises is this case's failure, told with its traceback
        return fail_customer(world, bug, Customer(id=claim.wanted.customer))


def _again_at(world: World, claim: QueueClaim, result: CaseResult) -> int | None:
    """When the customer is looked at again; None where its entry is done: a live case goes its own way."""
    if is_postponed(result) and claim.attempts < TRIES_MAX:
        return retry_at(attempts=claim.attempts, now=world.clock.now())
    unplanned = result.digest == ""
    if result.reason is Reason.RUN_LIMIT or unplanned:
        return _next_night(world)
    return None


def _next_night(world: World) -> int:
    return world.calendar.next_night().at
