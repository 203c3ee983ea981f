"""`python -m tests.chaos [--kills N] [--seed N]`: lets everything go wrong, and judges what became of the money."""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from types import FrameType

from tests.chaos.restored import WAYS, restored
from tests.chaos.story import Chaos, Told, live_through
from tests.kill.cells import PHASES, STEPS, Cell


def main() -> int:
    """Run; 0 if nothing was lost, doubled or stuck, else 1."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description="Everything goes wrong at once.")
    options.add_argument("--kills", type=int, default=int(os.environ.get("KILLS", "1000")), help="at least so many")
    options.add_argument("--seed", type=int, default=os.environ.get("SEED"), help="of the dice; timing has its own")
    options.add_argument("--seconds", type=float, default=3600, help="the longest that the kills may take")
    options.add_argument("--keep", type=Path, default=None, help="a directory in which the logs stay")
    given = options.parse_args()
    seed = given.seed if given.seed is not None else Random().randrange(1_000_000)
    print(f"seed {seed}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    signal.signal(signal.SIGTERM, _leave)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:6.1f}] {line}", flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="refund-worker-chaos-") as made:
            directory = given.keep or Path(made)
            directory.mkdir(parents=True, exist_ok=True)
            chaos = Chaos(kills=given.kills, seed=seed, seconds_max=given.seconds)
            told = live_through(chaos, directory=directory, say=say)
            print(f"\n{table(told)}\n", flush=True)
            scenes = {way: restored(way, seed=seed, directory=directory, say=say) for way in WAYS}
    except KeyboardInterrupt:
        print("interrupted; nothing is left running")
        return 130
    print(*(f"an older copy put back, {way}: {verdict}" for way, verdict in scenes.items()), sep="\n")
    right = told.verdict.ok and all(verdict.ok for verdict in scenes.values())
    return 0 if right and told.tally.total >= given.kills else 1


def table(told: Told) -> str:
    """All that one wants to know."""
    verdict = told.verdict
    return "\n".join(
        [
            *_kills(told),
            "",
            f"{told.tally.total} kills of workers that held a live case, and {told.tally.outside} that are not counted",
            f"{told.killer.inside} kills fell between a money request's arrival and its answer",
            "faults: " + ", ".join(f"{name} {count}" for name, count in sorted(told.faults.items())),
            "webhooks: " + ", ".join(f"{name} {count}" for name, count in sorted(told.deliveries.items())),
            f"processes that ended by themselves, by exit code: {dict(told.ends)}",
            f"{verdict.customers} customers, {verdict.refunds} refunds, {told.seconds:.0f} s",
            f"at rest {told.rest_s:.0f} s after the faults' end",
            str(verdict),
        ]
    )


def _kills(told: Told) -> list[str]:
    """Where the kills fell, and the live cases that they left."""
    tally = told.tally
    steps = dict.fromkeys([*STEPS, *sorted({cell.step for cell in tally.kills})])
    lines = [f"{'kills':<12}" + "".join(f"{phase:>10}" for phase in PHASES) + f"{'total':>8}"]
    for step in steps:
        counts = [tally.kills[Cell(step, phase)] for phase in PHASES]
        lines.append(f"{step:<12}" + "".join(f"{count:>10}" for count in counts) + f"{sum(counts):>8}")
    lines += ["", *(f"{phase:<10} {meaning}" for phase, meaning in PHASES.items())]
    left = sorted(tally.left_live.items())
    open_steps = ", ".join(f"{step} {state} {count}" for (step, state), count in left)
    return [*lines, "", f"steps that the kills left open in the ledger: {tally.left_live.total()} ({open_steps})"]


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends everything in order."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
