"""The crew of a worker: from a wish to a refund, what stays in the queue and why, and what a second worker may not."""

from refund_worker.domain.queueing import Cause
from refund_worker.usecases.want_customer import want_customer
from tests.usecases.working import cancelled, money, work
from tests.worlds import make_world


def test_a_wanted_customer_is_examined_and_refunded() -> None:
    """want, claim, examine, refund: the entry is gone, the case belongs to the events run of the day."""
    sandbox, (customer,) = cancelled(1)
    world = make_world(sandbox)
    want_customer(world, customer=customer, cause=Cause.COMMAND)

    told = work(world)

    assert told.words == [("refunded", None)]
    assert told.errors == []
    assert money(sandbox) == [(0, 5_000)]
    assert world.queue.known_to_queue([customer]) == frozenset()
    (case,) = world.ledger.cases_of_customer(customer)
    shared = world.queue.shared(f"events {world.calendar.today()}")
    assert shared is not None
    assert shared.run == case.run
    assert world.ledger.live_cases() == ()
