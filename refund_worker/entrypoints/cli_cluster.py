"""The commands of the cluster: what each is called, which options it has, and nothing else.

What a command needs is imported when it runs: Celery and the web server alone take longer to load than `plan` to begin.
"""

# ruff: noqa: PLC0415  as the docstring says

from typing import Annotated

import typer

from refund_worker.entrypoints import halting, letting_through, pending
from refund_worker.entrypoints.exits import one_line

app = typer.Typer()
refunds_app = typer.Typer(help="What becomes of refunds.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so; default: this user at this host.")]


@app.command()
def web() -> None:
    """Serve webhooks, health and metrics on PORT."""
    with one_line():
        from refund_worker.entrypoints import serving

        code = serving.web()
    raise typer.Exit(code)


@app.command()
def worker() -> None:
    """Work the queue off until a signal."""
    with one_line():
        from refund_worker.entrypoints import serving

        code = serving.worker()
    raise typer.Exit(code)


@app.command()
def beat() -> None:
    """Send the wake-ups of the schedule; two are harmless."""
    with one_line():
        from refund_worker.entrypoints import serving

        code = serving.beat()
    raise typer.Exit(code)


@app.command()
def alive() -> None:
    """Whether the worker, beat or web of this container lives: for health checks."""
    with one_line():
        from refund_worker.entrypoints import serving

        code = serving.alive()
    raise typer.Exit(code)


@app.command()
def doctor(*, json: Json = False) -> None:
    """Check the set-up: key, permissions, clock, ledger, Redis, webhooks, schedule, policy; changes nothing."""
    with one_line():
        from refund_worker.entrypoints import doctor as checking

        code = checking.doctor(as_json=json)
    raise typer.Exit(code)


@app.command()
def halt(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")],
    by: By = None,
) -> None:
    """Stop all money steps of all workers on this ledger."""
    with one_line():
        code = halting.halt(reason=reason, by=by)
    raise typer.Exit(code)


@app.command()
def unhalt(by: By = None) -> None:
    """Let money move again."""
    with one_line():
        code = halting.unhalt(by=by)
    raise typer.Exit(code)


@app.command("let-through")
def let_through(
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")
    ] = None,
    by: By = None,
) -> None:
    """Let a night go on that waits because it is unlike the past ones."""
    with one_line():
        code = letting_through.let_through(reason=reason, by=by)
    raise typer.Exit(code)


@refunds_app.command("pending")
def refunds_pending(*, json: Json = False) -> None:
    """Refunds that are pending or require action, oldest first."""
    with one_line():
        code = pending.pending(as_json=json)
    raise typer.Exit(code)
