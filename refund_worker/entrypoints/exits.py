"""Exit codes, and the one line a person reads when a command cannot go on (README, Contracts)."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

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
    if result.status is RunStatus.STOPPED:
        return Exit.STOPPED
    bad = {Outcome.FAILED, Outcome.UNKNOWN, Outcome.OWED}
    return Exit.FOUND if any(case.outcome in bad for case in result.cases) else Exit.FINISHED


@contextmanager
def one_line() -> Iterator[None]:
    """Turn the errors a user can cause into one line on standard error and exit code 2."""
    try:
        yield
    except (SettingsError, PolicyError, LedgerError, StripeError, WrongUse) as error:
        say(str(error))
        raise typer.Exit(Exit.WRONG_USE) from None


def say(line: str) -> None:
    """Say one line on standard error."""
    typer.echo(f"refund-worker: {' '.join(line.split())}", err=True)
