"""Programs for processes that race, started all at once; each prints what it won, one a line."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_BEGIN = """
import sys, time
from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.nights import Admission, Phase
from refund_worker.domain.notices import Notice, NoticeKind
from tests.adapters.ledger.examples import LEASE_S, NOW, POLICY, a_run
from tests.adapters.queue.examples import event, notice, wish
from refund_worker.domain.events import EventSource
me, ledger = sys.argv[2], SqlLedger.open(sys.argv[1])
queue = ledger.queue
print("ready", flush=True)
sys.stdin.readline()
"""
_ROOT = Path(__file__).parents[3]


def race(url: str, program: str, *, racers: int = 3) -> list[list[str]]:
    """Run a program in several processes, all let go at once, and return what each of them printed."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _BEGIN + program, url, f"racer_{number}"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(racers)
    ]
    try:
        for racer in running:
            assert racer.stdout is not None
            if racer.stdout.readline() != "ready\n":
                raise AssertionError(racer.communicate()[1])
        for racer in running:
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        said = [racer.communicate(timeout=60) for racer in running]
    finally:
        for racer in running:
            racer.kill()
            racer.wait()
    assert [racer.returncode for racer in running] == [0] * racers, said
    return [lines.split() for lines, _ in said]


def flat(won: Sequence[Sequence[str]]) -> list[str]:
    """All that all of them won."""
    return [prize for of_one in won for prize in of_one]
