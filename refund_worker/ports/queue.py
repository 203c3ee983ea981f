"""What all workers share beside the ledger's cases: the inbox of events, the queue of customers, runs, leases."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from refund_worker.domain.cases import Claim
from refund_worker.domain.events import Event, EventSource
from refund_worker.domain.funds import Shortage
from refund_worker.domain.halts import Halt
from refund_worker.domain.nights import Admission, Limits, Phase, SharedRun
from refund_worker.domain.notices import Notice
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import QueueClaim, QueueDepth, Wanted
from refund_worker.domain.refund_watch import WatchedRefund
from refund_worker.domain.runs import Run
from refund_worker.domain.unusual import Weighing, Weight


class Inbox(Protocol):
    """Events received, each once."""

    def receive(self, events: Sequence[Event], *, source: EventSource, now: int) -> int:
        """Insert events; one that is known is left alone. Returns how many were new."""

    def unabsorbed(self, *, limit: int) -> tuple[Event, ...]:
        """Events whose work is not in the queue yet, oldest first."""

    def absorb(self, events: Sequence[str], wanted: Sequence[Wanted], *, now: int) -> None:
        """Put customers into the queue and mark the events absorbed, in one transaction."""

    def forget_events(self, *, before: int) -> None:
        """Delete absorbed events received before then: Stripe sends none that old again."""

    def watermark(self) -> int | None:
        """Up to when the events API was read whole, epoch seconds; None where it never was."""

    def read_up_to(self, at: int) -> None:
        """Move the watermark forward; never back."""


class CustomerQueue(Protocol):
    """Customers to examine, one entry each."""

    def want(self, wanted: Sequence[Wanted], *, now: int) -> None:
        """Put customers into the queue. One that stands there keeps the earlier time and its run; wanted once more."""

    def claim_wanted(self, *, worker: str, now: int, lease_s: int, limit: int) -> tuple[QueueClaim, ...]:
        """Claim entries that are due and that nobody works on, the longest due first (FOR UPDATE SKIP LOCKED)."""

    def renew(self, claims: Sequence[QueueClaim], *, now: int, lease_s: int) -> None:
        """Prolong the leases of claims that are still the newest."""

    def examined(self, claim: QueueClaim, *, now: int) -> None:
        """Take the customer out of the queue; one that was wanted again meanwhile stays. Nothing for a lost claim."""

    def postpone(self, claim: QueueClaim, *, until: int, leaves_run: bool = False) -> None:
        """Give the entry back, due at another time. Nothing for a lost claim.

        With `leaves_run` it belongs to no run any more: what rests until the next night is that night's.
        """

    def end_queue_leases(self, *, gone: Callable[[str], bool]) -> int:
        """Free the entries of workers that are gone; returns how many."""

    def let_go_entries(self, *, worker: str, in_hand: Sequence[str]) -> int:
        """Free the entries that a worker claimed and knows nothing of, but for customers in hand; returns how many."""

    def assign_due(self, *, run: str, before: int) -> int:
        """Make entries that belong to no run, or to one that ended, and are due by then part of a run; how many.

        Those somebody works on too: the run waits for them.
        """

    def left_of(self, run: str, *, before: int | None = None) -> int:
        """How many entries of a run are in the queue, those somebody works on too; `before`: due before then."""

    def worked_on(self, run: str, *, now: int) -> int:
        """How many entries of a run somebody works on now."""

    def known_to_queue(self, customers: Sequence[str]) -> frozenset[str]:
        """Which of these customers stand in the queue."""

    def depth(self, *, now: int) -> QueueDepth:
        """How much waits."""

    def claim_live(self, *, worker: str, now: int, lease_s: int, limit: int) -> tuple[Claim, ...]:
        """Claim live cases whose lease has ended and whose rest is over, oldest first (FOR UPDATE SKIP LOCKED)."""

    def end_case_leases(self, *, gone: Callable[[str], bool]) -> int:
        """End the leases of live cases whose claimants are gone; fences are not touched. Returns how many."""

    def let_go_cases(self, *, worker: str, in_hand: Sequence[str], customers_in_hand: Sequence[str]) -> int:
        """End the leases of live cases that a worker claimed and knows nothing of; returns how many.

        Harmless for one that it has in hand after all: its next write finds the claim lost, or still its own.
        """


class SharedRuns(Protocol):
    """Runs that several workers work on, with their limits booked in one place."""

    def open_shared(self, run: Run, *, name: str, phase: Phase, policy: Policy) -> tuple[SharedRun, bool]:
        """Record that a shared run began, unless one of that name exists; returns it, and whether it is new."""

    def shared(self, name: str) -> SharedRun | None:
        """The shared run of a name."""

    def shared_of(self, run: str) -> SharedRun | None:
        """The shared run of a run's id."""

    def open_runs(self) -> tuple[SharedRun, ...]:
        """The shared runs that have not ended, oldest first."""

    def progress(
        self, run: str, *, phase: Phase | None = None, cursor: str | None = None, read: int = 0, missed: int = 0
    ) -> None:
        """Move a run's phase or cursor; `read` and `missed` are added. An ended run is left alone."""

    def end_shared(self, run: str, *, status: str, summary: Mapping[str, object], now: int) -> bool:
        """End a shared run and its run in one transaction; False where somebody did before."""

    def admit(self, run: str, *, currency: str, planned_minor: int, limits: Limits) -> Admission:
        """Book a case's planned sum, positive minor units, against limits and funds of the run; atomic for all workers.

        A run that does not work (any more, or yet) admits nothing.
        """

    def booked(self, run: str, *, currency: str) -> Weight:
        """What a run has admitted: its cases, and the planned sum of a currency."""

    def count_failures(self, run: str, *, failed: bool) -> int:
        """Add a failed or unknown case to the row of failures, or end the row; returns its length."""

    def stop_shared(self, run: str, *, message: str, kind: str) -> None:
        """Stop a run for all workers; the first message stays."""


class Weighings(Protocol):
    """Nights that are weighed before they work, and the money that refunds draw on."""

    def credits_of(self, run: str) -> Iterator[Mapping[str, Mapping[str, int]]]:
        """The entries of a run whose credit is known, in pages: per customer and currency, positive minor units."""

    def weigh_shared(
        self,
        run: str,
        *,
        weighing: Weighing,
        available_minor: Mapping[str, int] | None,
        notice: Notice | None,
        now: int,
    ) -> bool:
        """Record what a discovered night weighs, and let it work; with a notice it waits. False where somebody did.

        The weighing enters the trail; its unusual figures are what stops the run.
        """

    def let_run_through(
        self, run: str, *, by: str, reason: str, unusual: str, now: int, wake_after: int | None = None
    ) -> bool:
        """Let a run that waits as unusual go on, with an audit entry; False where it does not wait.

        Unclaimed entries of no run that rest beyond `wake_after` are due now, in the same transaction.
        """

    def take_over_entries(self, *, of_run: str, to_run: str) -> int:
        """Make the entries of one run those of another; returns how many."""

    def keep_funds(self, run: str, *, available_minor: Mapping[str, int] | None, now: int) -> None:
        """Keep what is available per currency, minor units, and forget what was booked of the last reading.

        None = it could not be read: what stands stays, and is read again in its time.
        """

    def funds_read_at(self, run: str) -> int | None:
        """When that was last done for a run; None = never."""

    def shortages(self, run: str) -> tuple[Shortage, ...]:
        """The currencies in which a case of the run did not fit into what is available."""


class Coordination(Protocol):
    """Leases by name, halts, counts, notices, the watch list."""

    def take_lease(self, name: str, *, holder: str, now: int, lease_s: int) -> bool:
        """Take or renew a lease; False where another holder has it."""

    def drop_lease(self, name: str, *, holder: str) -> None:
        """Give a lease back."""

    def halt(self, *, reason: str, by: str, now: int) -> bool:
        """Halt all money steps; False where a halt stands already (it is kept)."""

    def unhalt(self, *, by: str, now: int) -> bool:
        """End the halt; False where none stands."""

    def halted(self) -> Halt | None:
        """The halt that stands."""

    def add_counts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to counters for `/metrics`, by name and labels (canonical JSON of strings)."""

    def counts(self) -> Mapping[tuple[str, str], int]:
        """All counters."""

    def notify(self, notice: Notice, *, now: int) -> bool:
        """Put a notice into the outbox; False where its key is known."""

    def claim_notices(self, *, now: int, lease_s: int, limit: int) -> tuple[Notice, ...]:
        """Claim notices that are to be sent now."""

    def notice_sent(self, key: str, *, now: int) -> None:
        """A notice was sent."""

    def notice_failed(self, key: str, *, until: int) -> None:
        """A notice could not be sent; it is tried again then, for a day."""

    def watched_refunds(self) -> Iterator[WatchedRefund]:
        """The watch list, oldest first."""

    def due_refunds(self, *, now: int, limit: int) -> tuple[WatchedRefund, ...]:
        """Watched refunds to look at now."""

    def look_again(self, refund: str, *, at: int) -> None:
        """Look at a watched refund again then."""

    def watch_again(self, refund: WatchedRefund, *, at: int) -> None:
        """Put a refund onto the watch list whose last word is not recorded yet, or look at it again then."""

    def unwatch(self, refund: str) -> None:
        """Take a refund off the watch list: its last word is recorded."""

    def refund_of(self, refund: str) -> tuple[str, str, int] | None:
        """The case, step and attempt of a refund of ours."""

    def refund_unanswered(self, charge: str) -> bool:
        """Whether a live case sent a refund over this charge whose answer is not recorded: its id is not known yet."""


class WorkQueue(Inbox, CustomerQueue, SharedRuns, Weighings, Coordination, Protocol):
    """All of it: one adapter beside the ledger, in the same database."""
