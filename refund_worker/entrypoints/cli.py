"""The command line: what each command is called, which options it has, and nothing else."""

import contextlib
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from refund_worker.entrypoints import audit, cli_cluster, customers, money, reporting
from refund_worker.entrypoints.exits import Exit, WrongUse, one_line, say
from refund_worker.observability import redact

app = typer.Typer(
    name="refund-worker",
    help="Gives Stripe customers their credit back: refunds what downgrades and cancellations left on their balance.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
policy_app = typer.Typer(help="What may leave as cash, and how much at a time.")
audit_app = typer.Typer(help="The audit trail.")
db_app = typer.Typer(help="The ledger's database.")
_GROUPS: tuple[list[str], ...] = ([], ["policy"], ["audit"], ["db"], ["refunds"])
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")
app.add_typer(db_app, name="db")
app.add_typer(cli_cluster.refunds_app, name="refunds")
app.add_typer(cli_cluster.app)

Customers = Annotated[
    list[str] | None, typer.Option("--customer", metavar="ID", help="Only this customer; may be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command()
def run(
    customer: Customers = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Refund at most N customers.")] = None,
    *,
    unusual: Annotated[
        bool, typer.Option("--unusual", help="Let the run through although it is unlike the past nights.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the customers named to the workers; needs --customer.")
    ] = False,
    json: Json = False,
) -> None:
    """Resume, discover, plan, reserve, refund, close."""
    with one_line():
        if queue and limit is not None:
            raise WrongUse("--limit is for a run of its own, not for --queue")
        if unusual and (queue or customer):
            raise WrongUse("--unusual is for a run over all customers: named ones are not held against past nights")
        if queue:
            code = money.queue(customers=customer or [], as_json=json)
        else:
            code = money.run(customers=customer or [], limit=limit, unusual=unusual, as_json=json)
    raise typer.Exit(code)


@app.command()
def plan(
    customer: Customers = None,
    *,
    all_time: Annotated[
        bool, typer.Option("--all-time", help="Also credit older than credit_since: the stock by age and origin.")
    ] = False,
    json: Json = False,
) -> None:
    """Everything but the writes: nothing is created at Stripe, nothing is reserved."""
    with one_line():
        code = money.plan(customers=customer or [], all_time=all_time, as_json=json)
    raise typer.Exit(code)


@app.command()
def resume(*, json: Json = False) -> None:
    """Finish interrupted cases."""
    with one_line():
        code = money.resume(as_json=json)
    raise typer.Exit(code)


@app.command()
def recover(
    *,
    full: Annotated[bool, typer.Option("--full", help="Read all customers, not only 30 days of events.")] = False,
    json: Json = False,
) -> None:
    """Find reservations that no ledger finishes, and give them back."""
    with one_line():
        code = customers.recover(full=full, as_json=json)
    raise typer.Exit(code)


@app.command()
def explain(customer: Annotated[str, typer.Argument(metavar="CUSTOMER")], *, json: Json = False) -> None:
    """Why this customer was or was not refunded: lots, charges, rules, numbers."""
    with one_line():
        code = customers.explain(customer=customer, as_json=json)
    raise typer.Exit(code)


@app.command()
def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or `latest`.")],
    format_: Annotated[
        str, typer.Option("--format", metavar="text,csv,json", help="One, or several with --output.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A file; with several formats, its name without ending.")
    ] = None,
) -> None:
    """The audit report of a run."""
    with one_line():
        reporting.report(run=run, formats=format_, output=output)


@policy_app.command("show")
def policy_show() -> None:
    """The policy in force, and its digest."""
    with one_line():
        reporting.show_policy()


@audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str | None, typer.Option(metavar="SEQUENCE:HASH", help="A head noted earlier: finds a cut tail.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Verify the chain and the sums; names the first bad row."""
    with one_line():
        code = audit.verify_ledger(noted_head=head, as_json=json)
    raise typer.Exit(code)


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Create or migrate the ledger."""
    with one_line():
        audit.upgrade_ledger()


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free port.")] = 8420,
    scenario: Annotated[str, typer.Option(metavar="NAME", help="The population to begin with.")] = "demo",
    customers: Annotated[int, typer.Option(min=0, max=5_000_000, metavar="N", help="Further customers.")] = 0,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed makes the same population.")] = 1,
    latency_ms: Annotated[int, typer.Option(min=0, max=60_000, metavar="N", help="Added to each answer.")] = 0,
) -> None:
    """Serve the local Stripe."""
    with one_line():
        _beside_sandbox("sandboxed").serve_sandbox(
            port=port, scenario=scenario, customers=customers, seed=seed, latency_ms=latency_ms
        )


@app.command("demo")
def demo_command() -> None:
    """The whole night against the sandbox, in demo-output/; needs no account."""
    with one_line():
        code = _beside_sandbox("demo").show()
    raise typer.Exit(code)


def _beside_sandbox(name: str) -> ModuleType:
    """Import what needs the sandbox, which an image leaves out. Raises WrongUse where it is not there."""
    try:
        return importlib.import_module(f"refund_worker.entrypoints.{name}")
    except ModuleNotFoundError as missing:
        if missing.name != "refund_worker.sandbox":
            raise
        raise WrongUse("this installation has no sandbox (images leave it out): use a checkout") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or locale without the euro sign must not end a run.
            stream.reconfigure(errors="replace")
    code = run_command(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except OSError as error:
        code = _unwritable(error)
    sys.exit(code)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; wrong use is one line on standard error."""
    command = typer.main.get_command(app)
    given = list(arguments)
    if given in _GROUPS:
        given.append("--help")
    try:
        return int(command.main(given, prog_name="refund-worker", standalone_mode=False) or 0)
    except typer.exceptions.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        say(f"{message.rstrip('.')}. Try `refund-worker --help`.")
        return Exit.WRONG_USE
    except (typer.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except OSError as error:
        return _unwritable(error)
    except Exception as bug:  # noqa: BLE001  the last place that can keep a secret out of a traceback
        sys.stderr.write(redact("".join(traceback.format_exception(bug))))
        say("this is a bug; nothing is lost: `refund-worker resume` finishes what was begun")
        return Exit.FOUND


def _unwritable(error: OSError) -> int:
    """What was done is in the ledger; only the telling failed, or whoever read it has gone (`| head`)."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return Exit.FINISHED
    say(f"cannot write the output: {error.strerror}; `refund-worker report latest` shows the run again")
    return Exit.FOUND
