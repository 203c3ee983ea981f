"""`let-through`: a person lets the runs go on that wait because they are unlike the past ones."""

import os

import typer

from refund_worker.adapters.clock import SystemClock
from refund_worker.bootstrap import open_ledger
from refund_worker.domain.nights import SharedRun
from refund_worker.entrypoints.exits import Exit, WrongUse, visible
from refund_worker.entrypoints.halting import REASON_LENGTH_MAX, named
from refund_worker.settings import load_settings
from refund_worker.usecases import let_through as letting

_NO_REASON = "none given"


def let_through(*, reason: str | None, by: str | None) -> Exit:
    """Let every run through that waits. Raises WrongUse where none does."""
    why = " ".join((reason or _NO_REASON).split())
    if not 0 < len(why) <= REASON_LENGTH_MAX:
        raise WrongUse(f"--reason must say why, in {REASON_LENGTH_MAX} characters at most")
    settings, who = load_settings(os.environ), named(by)
    queue = open_ledger(settings, create=False).queue
    done = letting.let_through(queue, by=who, reason=why, settling_s=settings.settling_s, now=SystemClock().now())
    if not done:
        raise WrongUse("nothing waits to be let through")
    for run in done:
        typer.echo(visible(f"{run.name} is let through by {who}: {why}; the workers go on with it within a second"))
        typer.echo(visible(f"  {run.unusual}"))
    return Exit.FINISHED


def waiting_line(shared: SharedRun) -> str:
    """What to tell of a run that waits."""
    return f"{shared.name}: {shared.stopped_by}; `refund-worker let-through` lets it through"
