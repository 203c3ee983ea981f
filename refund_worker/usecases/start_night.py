"""Begins the night whose time has come: exactly once for each local date, whoever asks and however often."""

from refund_worker.domain.nights import (
    LATE_START_S,
    SWEEPS_AFTER_A_MISS,
    PastSweep,
    Phase,
    SharedRun,
    night_name,
    why_sweep,
)
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.usecases.place_in_run import open_shared_run
from refund_worker.usecases.poll_events import is_gap
from refund_worker.usecases.world import World


def start_night(world: World, *, mode: RunMode, sweep: bool = False) -> SharedRun | None:
    """Return the night that is due and not over; it begins now unless it has begun.

    Args:
        mode: With `plan` the night makes plans only.
        sweep: A person asked for a sweep.

    Returns:
        None where that night is over, or was missed; a missed one is told of once.
    """
    due = world.calendar.night_due()
    name = night_name(due.date)
    known = world.queue.shared(name)
    if known is not None:
        return None if known.phase is Phase.ENDED else known
    now = world.clock.now()
    if now - due.at > LATE_START_S:
        _tell_missed(world, date=due.date)
        return None
    reason = why_sweep(
        now=now,
        past=past_sweeps(world, mode=mode),
        events_gone=is_gap(watermark=world.queue.watermark(), now=now),
        policy_digest=world.policy.digest(),
        asked=sweep,
    )
    return open_shared_run(world, name=name, mode=mode, sweep=reason is not None)


def past_sweeps(world: World, *, mode: RunMode) -> tuple[PastSweep, ...]:
    """The latest sweeps, newest first; one that another pass broke off says nothing."""
    found = (_past(world, run) for run in world.ledger.sweeps(mode=mode, limit=SWEEPS_AFTER_A_MISS))
    return tuple(sweep for sweep in found if sweep is not None)


def _past(world: World, run: Run) -> PastSweep | None:
    shared = world.queue.shared_of(run.id)
    if shared is None:
        # Of a pass of one process; its summary names the standings it saw unless it saw them all.
        complete = run.status is RunStatus.FINISHED and "standings" not in run.summary
        return (
            PastSweep(started_at=run.started_at, complete=True, policy_digest=run.policy_digest) if complete else None
        )
    return PastSweep(
        started_at=run.started_at,
        # One that goes on still will be.
        complete=shared.phase is not Phase.ENDED or run.summary.get("swept") is True,
        policy_digest=run.policy_digest,
        missed=shared.missed,
    )


def _tell_missed(world: World, *, date: str) -> None:
    if world.queue.watermark() is None:
        return  # no night was ever begun here: it was installed later today
    notice = Notice(
        key=f"missed night {date}",
        kind=NoticeKind.NIGHT_MISSED,
        title=f"The night of {date} did not begin",
        body=(
            f"No worker began it within {LATE_START_S // 3600} hours of its time. Nothing is lost: what it had to do, "
            "the next night does. Look whether workers and beat run."
        ),
    )
    world.queue.notify(notice, now=world.clock.now())
