"""Finds whom a night must examine: those of whom events told, those that are held, and in a sweep all with credit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from refund_worker.domain.balances import pending_credits
from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import Rejected, Unauthorized
from refund_worker.domain.facts import Customer, PendingItem
from refund_worker.domain.new_credit import credits_known
from refund_worker.domain.nights import Phase, SharedRun
from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.domain.runs import Run, RunMode
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.discover_credits import has_credit
from refund_worker.usecases.find_missed import find_missed
from refund_worker.usecases.poll_events import begin_watermark, is_gap, poll_events
from refund_worker.usecases.start_night import past_sweeps
from refund_worker.usecases.weigh_night import weigh_night
from refund_worker.usecases.world import World

LEASE = "night"
# A page of customers takes seconds; a worker that was killed is followed after this.
LEASE_S = 120
_PAGE = 100
_BATCH = 500

Pending = dict[str, tuple[PendingItem, ...]]


class _Over(Exception):
    """A signal came, or another worker has the lease: whoever goes on finds all that was found."""


def discover_night(
    world: World, night: SharedRun, *, stopping: Callable[[], bool], tell: Callable[[str], None]
) -> bool:
    """Put the night's customers into the queue and weigh them; workers begin when it is weighed. Killed, it goes on.

    Args:
        tell: Told in one line what a person should know at the begin of a night.

    Returns:
        Whether the discovery is complete; False where another worker makes it, or a signal came.

    Raises:
        StripeError: If Stripe gives no answer: it goes on the next time. A refused key stops the night.
    """
    now = world.clock.now()
    shared = world.queue.shared_of(night.run)
    run = world.ledger.run(night.run)
    if shared is None or run is None or shared.phase is not Phase.DISCOVERING:
        return shared is not None
    if not world.queue.take_lease(LEASE, holder=world.worker, now=now, lease_s=LEASE_S):
        return False
    try:
        _Discovery(world=world, run=run, stopping=stopping).make(cursor=shared.cursor)
        weigh_night(world, run=run, name=shared.name, tell=tell)
    except _Over:
        return False
    except Unauthorized as error:
        world.queue.stop_shared(run.id, message=str(error), kind="permission")
        raise
    finally:
        world.queue.drop_lease(LEASE, holder=world.worker)
    return True


@dataclass(slots=True, kw_only=True)
class _Discovery:
    """One worker's part of a night's discovery."""

    world: World
    run: Run
    stopping: Callable[[], bool]
    pending: Pending = field(default_factory=dict)

    def make(self, *, cursor: str | None) -> None:
        """All of it; a sweep goes on behind the cursor."""
        queue = self.world.queue
        if self.run.sweep and is_gap(watermark=queue.watermark(), now=self.world.clock.now()):
            begin_watermark(self.world)
        self._go_on()
        self.pending = _pending_items(self.world)
        self._go_on()
        poll_events(self.world)
        absorb_events(self.world, mode=self.run.mode, pending=self.pending, run=self.run.id)
        if self.run.sweep:
            self._sweep(cursor)
        else:
            self._want(customer for customer, items in self.pending.items() if pending_credits(items))
        self._want(one.plan.customer for one in self.world.ledger.standings() if one.outcome is Outcome.HELD)
        # What waits only for its invoices to settle, or is being worked on, is this night's too.
        queue.assign_due(run=self.run.id, before=self.world.clock.now() + self.world.settling_s)
        self._go_on()

    def _sweep(self, cursor: str | None) -> None:
        """Read every customer, page by page: want the page's customers with credit, then move the cursor behind it."""
        world = self.world
        unseen = {one.plan.customer for one in world.ledger.standings()}
        sweeps = past_sweeps(world, mode=self.run.mode)
        first = not any(sweep.started_at < self.run.started_at for sweep in sweeps)
        for page in _pages(world, cursor):
            with_credit = [one for one in page if has_credit(one, self.pending.get(one.id, ()))]
            unseen.difference_update(one.id for one in with_credit)
            watch = not first and self.run.mode is RunMode.RUN
            missed = find_missed(world, with_credit, mode=self.run.mode) if watch else 0
            self._want((one.id for one in with_credit), cause=Cause.SWEEP, credits_minor=_credits(with_credit))
            world.queue.progress(self.run.id, cursor=page[-1].id, read=len(page), missed=missed)
            if missed:
                world.queue.add_counts({("refund_worker_missed_credits_total", "{}"): missed})
            self._go_on()
        # Held or skipped once, and without credit now: one look at each ends what stands. After a kill this names some
        # that the first half of the sweep saw; they are looked at twice.
        self._want(unseen, cause=Cause.HINT)

    def _want(
        self,
        customers: "Iterator[str] | set[str]",
        *,
        cause: Cause = Cause.NIGHT,
        credits_minor: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
    ) -> None:
        names = iter(customers)
        while batch := list(islice(names, _BATCH)):
            now = self.world.clock.now()
            wishes = [self._wish(name, cause=cause, credit_minor=credits_minor.get(name), now=now) for name in batch]
            self.world.queue.want(wishes, now=now)
            self._go_on()

    def _wish(self, customer: str, *, cause: Cause, credit_minor: Mapping[str, int] | None, now: int) -> Wanted:
        return Wanted(
            customer=customer,
            cause=cause,
            due_at=now,
            run=self.run.id,
            pending_items=self.pending.get(customer, ()),
            credit_minor=credit_minor,
        )

    def _go_on(self) -> None:
        """Renew the lease. Raises _Over."""
        now = self.world.clock.now()
        if self.stopping() or not self.world.queue.take_lease(
            LEASE, holder=self.world.worker, now=now, lease_s=LEASE_S
        ):
            raise _Over


def _pending_items(world: World) -> Pending:
    found: dict[str, list[PendingItem]] = {}
    for item in world.stripe.pending_items():
        found.setdefault(item.customer, []).append(item)
    return {customer: tuple(items) for customer, items in found.items()}


def _credits(customers: Sequence[Customer]) -> dict[str, dict[str, int]]:
    """What the customers' own objects say; their pending items stand beside it in the queue."""
    return {one.id: credits_known(one, ()) for one in customers}


def _pages(world: World, cursor: str | None) -> Iterator[Sequence[Customer]]:
    """The customers behind the cursor; all of them where it is none any more, because it was deleted."""
    customers = world.stripe.customers(after=cursor)
    try:
        page = list(islice(customers, _PAGE))
    except Rejected as error:
        if cursor is None or error.param != "starting_after":
            raise
        customers = world.stripe.customers()
        page = list(islice(customers, _PAGE))
    while page:
        yield page
        page = list(islice(customers, _PAGE))
