"""Moves nights on: begins the one that is due, discovers and weighs, ends what is over. Woken often, by any worker."""

from collections.abc import Callable

from refund_worker.domain.nights import Phase
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.discover_night import discover_night
from refund_worker.usecases.end_runs import end_runs, end_waiting
from refund_worker.usecases.start_night import start_night
from refund_worker.usecases.world import World


def _tell_nobody(_line: str) -> None:
    """Nobody listens."""


def tend_night(
    world: World,
    *,
    mode: RunMode,
    stopping: Callable[[], bool],
    sweep: bool = False,
    tell: Callable[[str], None] = _tell_nobody,
) -> tuple[str, ...]:
    """Do what is to be done for nights now; returns the names of the runs that ended.

    Args:
        mode: Of a night that begins now.
        stopping: Whether a signal asked this process to end; the discovery stops at its next page.
        sweep: A person asked for a sweep, should a night begin now.
        tell: Told in one line what a person should know at the begin of a night.

    Raises:
        StripeError: If the discovery has no answer; it goes on the next time.
    """
    night = start_night(world, mode=mode, sweep=sweep)
    waited = () if night is None else end_waiting(world, next_night=night)
    for shared in world.queue.open_runs():
        if shared.phase is Phase.DISCOVERING and shared.stopped_by is None:
            discover_night(world, shared, stopping=stopping, tell=tell)
    return (*waited, *end_runs(world))
