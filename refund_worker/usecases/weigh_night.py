"""Weighs a shared night when its discovery is complete: then workers take its entries, or it waits for a person.

What it weighs is known without further calls: what its sweep read, and what events told of customers' balances.
"""

from collections.abc import Callable

from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.runs import Run, RunMode
from refund_worker.domain.unusual import Weighing, lines_of
from refund_worker.usecases.weigh import beyond_funds, read_funds, weigh
from refund_worker.usecases.world import World

HOW_TO_LET_THROUGH = "`refund-worker let-through` lets it through; what is not let through, the next night weighs anew"


def weigh_night(world: World, *, run: Run, name: str, tell: Callable[[str], None]) -> None:
    """Weigh a night and let it work, or wait with one notice. Several workers may come here: one of them does it.

    Args:
        name: The night's.
        tell: Told in one line where the money at Stripe may not suffice.

    Raises:
        StripeError: If the money at Stripe could not be read; the night is weighed the next time.
    """
    weighing = weigh(world, world.queue.credits_of(run.id))
    available = read_funds(world)
    short = beyond_funds(weighing.weight, available)
    if short is not None:
        tell(short)
    notice = _notice(weighing, run=run, name=name) if weighing.unusual and run.mode is RunMode.RUN else None
    now = world.clock.now()
    world.queue.weigh_shared(run.id, weighing=weighing, available_minor=available, notice=notice, now=now)


def _notice(weighing: Weighing, *, run: Run, name: str) -> Notice:
    date = name.partition(" ")[2]
    return unusual_notice(
        run=run.id, title=f"The night run of {date} waits: it is unlike the past ones", lines=lines_of(weighing)
    )


def unusual_notice(*, run: str, title: str, lines: tuple[str, ...]) -> Notice:
    """The one notice of a run that waits as unusual."""
    body = "\n".join((f"run {run}", *lines, "No case of it begins. " + HOW_TO_LET_THROUGH))
    return Notice(key=f"unusual {run}", kind=NoticeKind.NIGHT_UNUSUAL, title=title, body=body)
