"""Puts one customer into the queue by name: a person's command, or the merchant's own application."""

from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.usecases.world import World


def want_customer(world: World, *, customer: str, cause: Cause) -> None:
    """Put a customer into the queue; one that stands there already is examined once.

    Args:
        customer: cus_...; whether there is such a customer is found out when it is examined.
        cause: `COMMAND` is due now; any other after the settling delay: a proration invoice may still finalise.
    """
    now = world.clock.now()
    due_at = now if cause is Cause.COMMAND else now + world.settling_s
    world.queue.want([Wanted(customer=customer, cause=cause, due_at=due_at)], now=now)
