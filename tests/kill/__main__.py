"""`python -m tests.kill [--kills N] [--seed N]`: kills the program, and judges what became of the money."""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from types import FrameType

from tests.kill.cells import Tally
from tests.kill.nights import Lane
from tests.kill.verdict import Verdict

CUSTOMERS = 60
LANES_MAX = 2  # one process per core, and the sandboxes beside them


def main() -> int:
    """Run; 0 if nothing was lost, doubled or stuck, else 1."""
    options = argparse.ArgumentParser(prog="python -m tests.kill", description="Real kill -9, judged from the books.")
    options.add_argument("--kills", type=int, default=200, help="at least so many (200)")
    options.add_argument("--seed", type=int, default=None, help="of the dice; the machine's timing has its own")
    options.add_argument("--customers", type=int, default=CUSTOMERS, help=f"of a night ({CUSTOMERS})")
    given = options.parse_args()
    seed = given.seed if given.seed is not None else Random().randrange(1_000_000)
    print(f"seed {seed}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    signal.signal(signal.SIGTERM, _leave)
    begun = time.monotonic()
    try:
        tally, verdicts = kill(kills=given.kills, seed=seed, customers=given.customers)
    except KeyboardInterrupt:
        print("interrupted; nothing is left running")
        return 130
    print(f"\n{tally}\n")
    print(
        f"{tally.total} kills in {len(verdicts)} nights, {sum(one.starts for one in verdicts)} starts, "
        f"{sum(one.customers for one in verdicts)} customers, {sum(one.refunds for one in verdicts)} refunds, "
        f"{time.monotonic() - begun:.0f} s, load {os.getloadavg()[0]:.1f}"
    )
    doubles = sum(len(one.doubles) for one in verdicts)
    lost = sum(one.lost_minor for one in verdicts)
    stuck = sum(len(one.stuck) for one in verdicts)
    print(f"{tally.outside} more kills left no case open and are not counted")
    print(f"double refunds {doubles}, lost cents {lost}, stuck cases {stuck}")
    return 0 if all(one.ok for one in verdicts) and tally.total >= given.kills else 1


def kill(*, kills: int, seed: int, customers: int, lanes: int = LANES_MAX) -> tuple[Tally, list[Verdict]]:
    """Kill so many times, in nights on lanes side by side; no process is left behind, whatever happens."""
    tally = Tally(wanted=kills)
    with tempfile.TemporaryDirectory(prefix="refund-worker-kill-") as directory:
        at_work = [_lane(Path(directory), number, seed, customers, tally) for number in range(lanes)]
        with ThreadPoolExecutor(max_workers=lanes) as pool:
            try:
                return tally, [verdict for found in pool.map(Lane.live, at_work) for verdict in found]
            finally:
                for lane in at_work:
                    lane.end()


def _lane(directory: Path, number: int, seed: int, customers: int, tally: Tally) -> Lane:
    place = directory / f"lane{number}"
    place.mkdir()
    return Lane(
        directory=place,
        customers=customers,
        dice=Random(f"{seed}:{number}"),
        tally=tally,
        say=lambda line: print(line, flush=True),
    )


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the lanes in order."""
    assert threading.current_thread() is threading.main_thread()
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
