"""A signal ends a run in order: no new case reserves, reserved cases are finished, what is left is named."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from refund_worker.entrypoints.exits import Exit, say
from refund_worker.ports import Ledger
from refund_worker.usecases.run_gate import RunGate

FINISH_WITHIN_S = 60  # Heroku and Kubernetes kill after 30 to 60 seconds anyway


@contextmanager
def stop_on_signals(gate: RunGate, ledger: Ledger) -> Iterator[None]:
    """Let SIGINT and SIGTERM close the gate; after 60 seconds the process ends with what is left named."""
    timer: list[threading.Timer] = []

    def stop(_signal: int, _frame: FrameType | None) -> None:
        gate.interrupt()
        if not timer:
            timer.append(threading.Timer(FINISH_WITHIN_S, _end, args=[ledger]))
            timer[0].daemon = True
            timer[0].start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
        for one in timer:
            one.cancel()


def _end(ledger: Ledger) -> None:
    left = ", ".join(ledger.live_cases()) or "none"
    say(f"interrupted; unfinished cases: {left}; `refund-worker resume` finishes them")
    os._exit(Exit.INTERRUPTED)
