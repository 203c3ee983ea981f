"""When a night reads every customer, and why."""

import pytest

from refund_worker.domain.nights import SWEEP_EVERY_S, PastSweep, SweepReason, why_sweep

NOW = 1_800_000_000
DAY_S = 24 * 3600


def past(*, days: float, missed: int = 0, complete: bool = True, policy: str = "p1") -> PastSweep:
    """A sweep that began so many days ago."""
    return PastSweep(started_at=NOW - int(days * DAY_S), complete=complete, policy_digest=policy, missed=missed)


CASES = {
    "no sweep yet": ((), False, SweepReason.FIRST),
    "yesterday's was good": ((past(days=1),), False, None),
    "six days ago": ((past(days=6),), False, None),
    "a week ago, that night began an hour late": ((past(days=7 - 1 / 24),), False, SweepReason.WEEKLY),
    "a month ago": ((past(days=30),), False, SweepReason.WEEKLY),
    "the latest was broken off": ((past(days=1, complete=False), past(days=8)), False, SweepReason.UNFINISHED),
    "an older one was broken off": ((past(days=1), past(days=2, complete=False)), False, None),
    "events are gone": ((past(days=1),), True, SweepReason.EVENTS_GONE),
    "another policy": ((past(days=1, policy="p0"),), False, SweepReason.POLICY),
    "another policy than an older one": ((past(days=1), past(days=2, policy="p0")), False, None),
    "last night missed some": ((past(days=1, missed=2),), False, SweepReason.MISSED),
    "two nights since a miss": ((past(days=1), past(days=2), past(days=3, missed=1)), False, SweepReason.MISSED),
    "three nights since a miss": (
        (past(days=1), past(days=2), past(days=3), past(days=4, missed=1)),
        False,
        None,
    ),
}


@pytest.mark.parametrize(("sweeps", "gone", "reason"), CASES.values(), ids=CASES)
def test_why_a_night_sweeps(sweeps: tuple[PastSweep, ...], gone: bool, reason: SweepReason | None) -> None:
    """Each reason by itself."""
    assert why_sweep(now=NOW, past=sweeps, events_gone=gone, policy_digest="p1") is reason


def test_a_night_sweeps_when_it_is_asked_to() -> None:
    """Whatever else is true."""
    found = why_sweep(now=NOW, past=(past(days=1),), events_gone=False, policy_digest="p1", asked=True)
    assert found is SweepReason.ASKED


def test_seven_nights_are_a_week_whatever_the_clocks_do() -> None:
    """A daylight-saving change takes an hour from the seven days; the sixth night never counts as the seventh."""
    week = [why_sweep(now=NOW, past=(past(days=1),), events_gone=False, policy_digest="p1")]
    for hour in (-1, 0, 1):
        at = NOW + SWEEP_EVERY_S + hour * 3600
        sweeps = (PastSweep(started_at=NOW, complete=True, policy_digest="p1"),)
        week.append(why_sweep(now=at, past=sweeps, events_gone=False, policy_digest="p1"))
        sixth = why_sweep(now=at - DAY_S, past=sweeps, events_gone=False, policy_digest="p1")
        assert sixth is None
    assert week == [None, *[SweepReason.WEEKLY] * 3]
