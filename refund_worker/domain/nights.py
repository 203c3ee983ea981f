"""Nights: passes with a name that exist exactly once, shared by all workers; and when one reads every customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from refund_worker.domain.reasons import Reason

# The kind of a stop that a person may end: the figures are unlike the past's.
UNUSUAL = "unusual"
# The kind of stop of a night of whose discovery nothing more was heard: whom it found before that is refunded by day.
DISCOVERY_SILENT = "discovery"
# A full sweep also finds what no event told of.
SWEEP_EVERY_S = 7 * 24 * 3600
# A night may begin some hours late and the one a week later in time: seven nights are a week all the same.
_NEARLY_S = 12 * 3600
# After a sweep that found credit which events had missed, so many nights sweep too.
SWEEPS_AFTER_A_MISS = 3
# A night that could not begin at its time begins later, within this time; else it is missed, and told of.
LATE_START_S = 6 * 3600


class Phase(StrEnum):
    """Where a shared run stands; a run that was halted or stopped by a limit ends as `stopped`.

    A night is weighed once, when its discovery is complete: then it works, or waits because it is unusual.
    """

    DISCOVERING = "discovering"
    WAITING = "waiting"
    WORKING = "working"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRun:
    """A run that several workers work on.

    Attributes:
        run: The run's id.
        name: `night 2026-11-22` or `events 2026-11-22`, by the local date; unique in the ledger.
        cursor: Of a sweep, the customer after whom it goes on.
        customers_read: So far.
        missed: Credits found by its sweep that no event had told of.
        stopped_by: One line that says what stopped it; None while it goes on.
        stop: `limit`, `permission`, `failures`, `stripe`, `discovery`, `unusual` - the kind of `stopped_by`. What is
            stopped as `unusual` a person may let through.
    """

    run: str
    name: str
    phase: Phase
    cursor: str | None = None
    customers_read: int = 0
    missed: int = 0
    stopped_by: str | None = None
    stop: str | None = None


class Admission(StrEnum):
    """Whether one more case may reserve within the run's limits."""

    ADMITTED = "admitted"
    CASES_REACHED = "cases_reached"
    SUM_EXCEEDED = "sum_exceeded"
    UNUSUAL = "unusual"
    FUNDS_SHORT = "funds_short"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a case is booked against: a number of cases of the run, and sums in minor units of the case's currency.

    Attributes:
        usual_cases: Beyond it the run waits as unusual, unless a person let it through; None = it was weighed before.
        usual_sum: The same of the planned sum.
    """

    cases_max: int
    sum_max: int
    usual_cases: int | None = None
    usual_sum: int | None = None


# Why a case that is not admitted is only planned.
NOT_ADMITTED = {
    Admission.CASES_REACHED: Reason.RUN_LIMIT,
    Admission.SUM_EXCEEDED: Reason.RUN_LIMIT,
    Admission.UNUSUAL: Reason.NIGHT_UNUSUAL,
    Admission.FUNDS_SHORT: Reason.FUNDS_INSUFFICIENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NightDue:
    """A night whose time has come: its local date (2026-11-22) and the time it was set for, epoch seconds."""

    date: str
    at: int


def night_name(date: str) -> str:
    """The name of the night of a local date (ISO)."""
    return f"night {date}"


def events_name(date: str) -> str:
    """The name of the run that works what events of a local date (ISO) brought."""
    return f"events {date}"


class SweepReason(StrEnum):
    """Why a night reads every customer."""

    ASKED = "asked"
    FIRST = "first"
    UNFINISHED = "unfinished"
    EVENTS_GONE = "events_gone"
    POLICY = "policy"
    MISSED = "missed"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSweep:
    """An earlier sweep.

    Attributes:
        complete: It read all customers, and each with credit came into the queue or was examined.
        missed: Credits it found that no event had told of.
    """

    started_at: int
    complete: bool
    policy_digest: str
    missed: int = 0


def why_sweep(
    *, now: int, past: Sequence[PastSweep], events_gone: bool, policy_digest: str, asked: bool = False
) -> SweepReason | None:
    """Return why a night that begins now must sweep; None where the events tell enough.

    Args:
        past: The latest sweeps of the same mode, newest first; those of plans only say nothing to a night that pays.
        events_gone: Events since the watermark may be gone from Stripe, or there is no watermark.
        policy_digest: Of the policy in force; another one may let credit leave that stood before.
    """
    if asked:
        return SweepReason.ASKED
    if not past:
        return SweepReason.FIRST
    latest = past[0]
    if not latest.complete:
        return SweepReason.UNFINISHED
    if events_gone:
        return SweepReason.EVENTS_GONE
    if latest.policy_digest != policy_digest:
        return SweepReason.POLICY
    if any(sweep.missed for sweep in past[:SWEEPS_AFTER_A_MISS]):
        # Each night since the miss has swept, so the latest three sweeps are the latest three nights.
        return SweepReason.MISSED
    return SweepReason.WEEKLY if now - latest.started_at >= SWEEP_EVERY_S - _NEARLY_S else None
