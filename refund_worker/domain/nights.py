"""Nights: passes with a name that exist exactly once, shared by all workers."""

from dataclasses import dataclass
from enum import StrEnum

# A full sweep also finds what no event told of.
SWEEP_EVERY_S = 7 * 24 * 3600
# After a sweep that found credit which events had missed, so many nights sweep too.
SWEEPS_AFTER_A_MISS = 3
# A night that could not begin at its time begins later, within this time; else it is missed, and told of.
LATE_START_S = 6 * 3600


class Phase(StrEnum):
    """Where a shared run stands; a run that was halted or stopped by a limit ends as `stopped`."""

    DISCOVERING = "discovering"
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
        stop: `limit`, `permission`, `failures`, `stripe` - the kind of `stopped_by`.
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
    STOPPED = "stopped"


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
