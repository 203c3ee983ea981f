"""Exit codes, and the one line a person reads when a command cannot go on (README, Contracts)."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum

import typer
from rich.console import Console

from refund_worker.adapters.broker import BrokerError
from refund_worker.adapters.notifier_error import NotifierError
from refund_worker.adapters.policy_file import PolicyError
from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import LedgerError, StripeError
from refund_worker.domain.runs import RunStatus
from refund_worker.settings import SettingsError
from refund_worker.usecases.run_night import RunResult


class Exit(IntEnum):
    """How a command ends."""

    FINISHED = 0
    FOUND = 1
    WRONG_USE = 2
    STOPPED = 3
    INTERRUPTED = 130


class WrongUse(Exception):
    """A command was used wrongly; the message is one line that says what to do."""


def exit_of_run(result: RunResult) -> Exit:
    """The exit code of a run: what stopped it comes before what it found."""
    if result.permission is not None:
        return Exit.WRONG_USE
    if result.status is RunStatus.INTERRUPTED:
        return Exit.INTERRUPTED
    if result.status is RunStatus.STOPPED and not result.failed:
        return Exit.STOPPED
    if result.failed:
        return Exit.FOUND if result.cases else Exit.WRONG_USE
    bad = {Outcome.FAILED, Outcome.UNKNOWN, Outcome.OWED}
    return Exit.FOUND if any(case.outcome in bad for case in result.cases) else Exit.FINISHED


@contextmanager
def one_line() -> Iterator[None]:
    """Turn the errors a user can cause into one line on standard error and exit code 2."""
    try:
        yield
    except (SettingsError, PolicyError, BrokerError, NotifierError, LedgerError, StripeError, WrongUse) as error:
        say(str(error))
        raise typer.Exit(Exit.WRONG_USE) from None


@contextmanager
def one_line_and_exit() -> Iterator[None]:
    """The same where no command is run: the process ends."""
    try:
        with one_line():
            yield
    except typer.Exit as exit_:
        raise SystemExit(exit_.exit_code) from None


def say(line: str) -> None:
    """Say one line on standard error."""
    typer.echo(f"refund-worker: {visible(' '.join(line.split()))}", err=True)


class Out(Console):
    """Standard output with tables; a reader that has gone (`| head`) raises, instead of ending the process with 1."""

    def on_broken_pipe(self) -> None:
        """Let `showing` decide."""
        raise BrokenPipeError


@contextmanager
def showing() -> Iterator[None]:
    """Show a result; whether anybody still reads it does not change the exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def visible(text: str) -> str:
    """Show what a terminal would obey instead of print: escapes, other control characters, changes of direction."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
