"""Programs for processes that race, let go all at once; each prints what it won, one a line."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.events import EventSource
from refund_worker.domain.nights import Limits, Phase
from tests import processes
from tests.adapters.ledger.examples import LEASE_S, NOW, POLICY, a_run
from tests.adapters.queue.examples import event, notice, wish

_KNOWN = {
    "EventSource": EventSource,
    "LEASE_S": LEASE_S,
    "NOW": NOW,
    "POLICY": POLICY,
    "Limits": Limits,
    "Phase": Phase,
    "a_run": a_run,
    "event": event,
    "notice": notice,
    "os": os,
    "random": random,
    "signal": signal,
    "time": time,
    "wish": wish,
}


def race(url: str, program: str, *, racers: int = 3) -> list[list[str]]:
    """Run a program in several processes, each with a `queue` and its name `me`; what each of them printed."""
    said = processes.race(_racer, [(url, f"racer_{number}", program) for number in range(racers)])
    return [lines.split() for lines in said]


def flat(won: Sequence[Sequence[str]]) -> list[str]:
    """All that all of them won."""
    return [prize for of_one in won for prize in of_one]


def _racer(ready: Callable[[], None], url: str, me: str, program: str) -> None:
    ledger = SqlLedger.open(url)
    names = _KNOWN | {"me": me, "queue": ledger.queue}
    ready()
    exec(program, names)  # noqa: S102  a test's own words
    ledger.close()
