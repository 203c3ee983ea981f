"""`halt` and `unhalt`: a person stops all money steps, and lets them go on."""

import getpass
import os
import socket

import typer

from refund_worker.adapters.clock import SystemClock
from refund_worker.bootstrap import open_ledger
from refund_worker.domain.halts import Halt
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.entrypoints.exits import Exit, WrongUse, say, visible
from refund_worker.entrypoints.times import utc
from refund_worker.settings import load_settings

REASON_LENGTH_MAX = 300
NAME_LENGTH_MAX = 100


def halt(*, reason: str, by: str | None) -> Exit:
    """Halt all money steps of all workers on this ledger."""
    why = " ".join(reason.split())
    if not 0 < len(why) <= REASON_LENGTH_MAX:
        raise WrongUse(f"--reason must say why, in {REASON_LENGTH_MAX} characters at most")
    who = named(by)
    queue = open_ledger(load_settings(os.environ), create=False).queue
    now = SystemClock().now()
    if not queue.halt(reason=why, by=who, now=now):
        stands = queue.halted()
        if stands is not None:
            say(halted_line(stands))
        return Exit.FOUND
    queue.notify(
        Notice(
            key=f"halted {now}",
            kind=NoticeKind.HALTED,
            title="refund-worker is halted",
            body=f"Since {utc(now)}, by {who}: {why}\nNo money moves until `refund-worker unhalt`.",
        ),
        now=now,
    )
    typer.echo(visible(f"halted by {who}: {why}; every worker sees it within a second, `refund-worker unhalt` ends it"))
    return Exit.FINISHED


def unhalt(*, by: str | None) -> Exit:
    """End the halt."""
    who = named(by)
    queue = open_ledger(load_settings(os.environ), create=False).queue
    stood = queue.halted()
    if not queue.unhalt(by=who, now=SystemClock().now()):
        typer.echo("no halt stands")
        return Exit.FINISHED
    since = "" if stood is None else f", which stood since {utc(stood.at)}"
    typer.echo(f"the halt{since} is ended; money moves again")
    return Exit.FINISHED


def halted_line(halt: Halt) -> str:
    """What to tell of a halt that stands."""
    return f"halted since {utc(halt.at)} by {halt.by}: {halt.reason}; `refund-worker unhalt` lets money move again"


def named(by: str | None) -> str:
    """Who it was, for the trail: the name given, on one line, or who types this.

    Raises:
        WrongUse: If a name is given that is blank or too long.
    """
    if by is None:
        return user_at_host()
    name = " ".join(by.split())
    if not 0 < len(name) <= NAME_LENGTH_MAX:
        raise WrongUse(f"--by must name a person, in {NAME_LENGTH_MAX} characters at most")
    return name


def user_at_host() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = f"uid {os.getuid()}"
    return f"{user} on {socket.gethostname()}"  # with an @ it would be an e-mail address, which notices do not show
