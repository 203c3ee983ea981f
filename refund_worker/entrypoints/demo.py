"""`demo`: the sandbox with a population, the night, the report and the audit, all on this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from refund_worker.entrypoints.exits import Exit, WrongUse
from refund_worker.sandbox import serve

DIRECTORY = Path("demo-output")
_MARKER = ".refund-worker-demo"
_KEY = "sk_test_sandbox"
_CUSTOMERS = 40
_LATENCY_MS = 20


def show() -> Exit:
    """Run the main job as a user would: each command a process of its own, through HTTP, only the address local."""
    _fresh_directory()
    with _sandbox() as base:
        environment = _environment(base)
        steps = (
            ("run",),
            ("report", "latest", "--format", "text,csv,json", "--output", str(DIRECTORY / "report")),
            ("run",),
            ("audit", "verify"),
        )
        titles = (
            "the night: find the credits, reserve, refund newest first, close",
            f"the audit report: {DIRECTORY}/report.txt, .csv and .json",
            "a second run right after the first moves nothing",
            "the audit chain",
        )
        for title, arguments in zip(titles, steps, strict=True):
            typer.secho(f"\n$ refund-worker {' '.join(arguments)}   # {title}", bold=True)
            sys.stdout.flush()
            code = _run(arguments, environment)
            if code != Exit.FINISHED:
                return Exit(code)
    typer.echo(f"\nthe ledger, the reports and the log are in {DIRECTORY}/")
    return Exit.FINISHED


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    """Run one command; on a terminal its progress bar is shown, else its log goes to a file."""
    command = [sys.executable, "-m", "refund_worker", *arguments]
    if sys.stderr.isatty():
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  our own command
    with (DIRECTORY / "log.jsonl").open("a") as log:
        return subprocess.run(command, env=environment, check=False, stderr=log).returncode  # noqa: S603  our own command


@contextmanager
def _sandbox() -> Iterator[str]:
    typer.echo("starting the local Stripe sandbox …")
    with serve(scenario="demo", customers=_CUSTOMERS, latency_ms=_LATENCY_MS) as server:
        typer.echo(f"the sandbox serves at {server.base_url}")
        yield server.base_url


def _environment(base: str) -> dict[str, str]:
    ours = {name for name in os.environ if name.startswith(("STRIPE_", "REFUND_")) or name == "DATABASE_URL"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return inherited | {
        "STRIPE_API_KEY": _KEY,
        "STRIPE_API_BASE": base,
        "STRIPE_RATE_GLOBAL": "100",
        "STRIPE_RATE_ENDPOINT": "25",
        "DATABASE_URL": f"sqlite:///{DIRECTORY / 'ledger.sqlite'}",
    }


def _fresh_directory() -> None:
    """Begin anew in demo-output/, but never delete a directory that the demo did not make."""
    if DIRECTORY.exists() and not (DIRECTORY / _MARKER).exists():
        raise WrongUse(f"{DIRECTORY}/ is not the demo's own; move it away")
    try:
        if DIRECTORY.exists():
            shutil.rmtree(DIRECTORY)
        DIRECTORY.mkdir()
        (DIRECTORY / _MARKER).touch()
    except OSError as error:
        raise WrongUse(f"cannot write {DIRECTORY}/: {error.strerror}") from None
