"""A person lets the runs through that wait as unusual; the trail says who, when, why, and by which figures."""

from dataclasses import dataclass

from refund_worker.domain.nights import UNUSUAL, Phase, SharedRun
from refund_worker.ports import WorkQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class LetThrough:
    """A run that was let through, and what of it is unusual."""

    name: str
    run: str
    unusual: str


def waiting_runs(queue: WorkQueue) -> tuple[SharedRun, ...]:
    """The runs that wait as unusual, oldest first."""
    return tuple(shared for shared in queue.open_runs() if shared.stop == UNUSUAL)


def let_through(queue: WorkQueue, *, by: str, reason: str, settling_s: int, now: int) -> tuple[LetThrough, ...]:
    """Let every run through that waits; returns them, none where none waits. Done twice, it is done once.

    What an events run left to the next night meanwhile is due again: all that rests for longer than an event needs to
    settle. When the workers' night begins is not asked, for whoever lets it through may have another schedule set.
    Looked at again too early, whatever else rests goes on resting.
    """
    done = []
    for shared in waiting_runs(queue):
        unusual = shared.stopped_by or ""
        after = None if shared.phase is Phase.WAITING else now + settling_s
        if not queue.let_run_through(shared.run, by=by, reason=reason, unusual=unusual, now=now, wake_after=after):
            continue
        done.append(LetThrough(name=shared.name, run=shared.run, unusual=unusual))
    return tuple(done)
