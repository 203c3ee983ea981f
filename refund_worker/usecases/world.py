"""The ports a use case acts through, and the two things the domain may not have: random ids and a worker's name."""

from collections.abc import Callable
from dataclasses import dataclass

from refund_worker.domain.facts import Account
from refund_worker.domain.halts import Halt
from refund_worker.domain.policy import Policy
from refund_worker.ports import Calendar, Clock, Ledger, StripeGateway, WorkQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the use cases may touch.

    Attributes:
        queue: What all workers share, in the ledger's database.
        new_id: Returns a random id with the prefix given (`case`, `run`); never the same twice, on any machine.
        worker: Names this process in claims.
        is_gone: Tells whether the process of a worker's name is known to exist no more, so that its claims end now.
        halted: The halt that stands, read at most half a second ago; it is asked before each write.
        settling_s: How long after an event its customer is looked at: the proration invoice must finalise first.
    """

    stripe: StripeGateway
    ledger: Ledger
    queue: WorkQueue
    clock: Clock
    calendar: Calendar
    new_id: Callable[[str], str]
    worker: str
    is_gone: Callable[[str], bool]
    account: Account
    policy: Policy
    halted: Callable[[], Halt | None]
    settling_s: int
