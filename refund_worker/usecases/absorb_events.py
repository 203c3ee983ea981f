"""Turns the events of the inbox into customers of the queue; an event only says whom to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from refund_worker.domain.errors import Rejected, Unauthorized, UnreadableAnswer
from refund_worker.domain.events import BALANCE_MOVED, REFUND_FAILED, SUBSCRIPTION_ENDED, Event
from refund_worker.domain.facts import PendingItem
from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.confirm_refund import Confirmed, confirm_refund
from refund_worker.usecases.world import World

_BATCH = 200
_CAUSES = {BALANCE_MOVED: Cause.EVENT, REFUND_FAILED: Cause.EVENT, SUBSCRIPTION_ENDED: Cause.ENDED}
# Of several events of one customer the one that asks for the closest look.
_CLOSEST_FIRST = (Cause.EVENT, Cause.ENDED, Cause.HINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """So many events led to so many wishes, one a customer and batch, and told what became of these refunds."""

    events: int
    wanted: int
    confirmed: tuple[Confirmed, ...]


def absorb_events(
    world: World,
    *,
    mode: RunMode,
    pending: Mapping[str, tuple[PendingItem, ...]] | None = None,
    run: str | None = None,
) -> Absorbed:
    """Absorb all events of the inbox, oldest first; killed anywhere, the rest is absorbed the next time.

    Args:
        mode: With `plan` a refund that failed is recorded, and nothing is re-credited.
        pending: The pending items of every customer who has any, where they were just read.
        run: The night whose discovery absorbs them: their customers are the night's, and weighed with it.

    Raises:
        StripeError: If whose charge it is could not be read now, or what became of a refund; the events before it are
            absorbed, the others stay.
    """
    events, wanted, confirmed = 0, 0, list[Confirmed]()
    kept = set[str]()
    while batch := [one for one in world.queue.unabsorbed(limit=_BATCH + len(kept)) if one.id not in kept]:
        reader = _Reader(world=world, mode=mode, pending=pending, run=run)
        try:
            for event in batch:
                reader.read(event)
        finally:
            wishes = reader.wishes()
            world.queue.absorb(reader.read_events, wishes, now=world.clock.now())
        kept.update(event.id for event in batch if event.id not in reader.read_events)
        events, wanted = events + len(reader.read_events), wanted + len(wishes)
        confirmed += reader.confirmed
    return Absorbed(events=events, wanted=wanted, confirmed=tuple(confirmed))


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Reads the events of one batch; `owners` spares a second look at the same charge.

    Attributes:
        told_at: When the newest event was made that told a customer's credit.
    """

    world: World
    mode: RunMode
    pending: Mapping[str, tuple[PendingItem, ...]] | None
    run: str | None
    wanted: dict[str, Wanted] = field(default_factory=dict)
    told_at: dict[str, int] = field(default_factory=dict)
    read_events: list[str] = field(default_factory=list)
    owners: dict[str, str | None] = field(default_factory=dict)
    confirmed: list[Confirmed] = field(default_factory=list)

    def read(self, event: Event) -> None:
        """Note the customer of an event; one about a refund of ours asks what became of it instead.

        What may tell of a refund of ours whose answer is on its way, or was lost, stays in the inbox until that is
        recorded: a refund that Stripe accepted and that failed at once is told of once, by this event alone.
        """
        if not self._is_ours(event):
            if event.refund is not None and event.charge is not None and self._may_be_ours(event.refund, event.charge):
                return
            customer = event.customer or self._owner(event.charge)
            if customer is not None:
                self._want(customer, event)
        self.read_events.append(event.id)

    def wishes(self) -> tuple[Wanted, ...]:
        """Whom the events want, with the credit that they told; without it where a case has been begun since."""
        return tuple(
            replace(wish, credit_minor=None) if self._is_stale(wish.customer) else wish for wish in self.wanted.values()
        )

    def _is_stale(self, customer: str) -> bool:
        told_at = self.told_at.get(customer)
        newest = None if told_at is None else next(self.world.ledger.cases_of_customer(customer), None)
        return told_at is not None and newest is not None and newest.opened_at >= told_at

    def _is_ours(self, event: Event) -> bool:
        if event.refund is None or self.world.queue.refund_of(event.refund) is None:
            return False
        if event.type != "refund.created":  # what that tells is the answer to our own call
            try:
                self.confirmed.append(confirm_refund(self.world, refund=event.refund, mode=self.mode))
            except Unauthorized:
                raise
            except (Rejected, UnreadableAnswer):
                pass  # the watch list asks again; here it must not keep the other events waiting
        return True

    def _may_be_ours(self, refund: str, charge: str) -> bool:
        queue = self.world.queue
        # Asked in this order: an answer recorded between the two questions is seen by the second.
        return queue.refund_unanswered(charge) or queue.refund_of(refund) is not None

    def _want(self, customer: str, event: Event) -> None:
        due_at = min(event.created, self.world.clock.now()) + self.world.settling_s
        # A refund that failed and that this ledger does not know may be ours all the same: an older copy forgot it.
        cause = _CAUSES.get(event.type, Cause.HINT)
        known, credit = self.wanted.get(customer), event.credit_minor
        if credit is not None:
            self.told_at[customer] = event.created
        if known is not None:
            due_at = min(due_at, known.due_at)
            cause = min(cause, known.cause, key=_CLOSEST_FIRST.index)
            credit = known.credit_minor if credit is None else credit
        items = None if self.pending is None else self.pending.get(customer, ())
        self.wanted[customer] = Wanted(
            customer=customer, cause=cause, due_at=due_at, run=self.run, pending_items=items, credit_minor=credit
        )

    def _owner(self, charge: str | None) -> str | None:
        if charge is None:
            return None
        if charge not in self.owners:
            self.owners[charge] = _customer_of(self.world, charge)
        return self.owners[charge]


def _customer_of(world: World, charge: str) -> str | None:
    """Whose charge it is; a charge that cannot be read at all must not keep the other events waiting."""
    try:
        return world.stripe.customer_of_charge(charge)
    except Unauthorized:
        raise
    except (Rejected, UnreadableAnswer):
        return None
