"""`make soak`: as many random schedules as you have time for; `python -m tests.crash SEED` tells the story of one."""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

from tests.crash.schedules import Schedule

CHUNK = 200


def main() -> int:
    """Live through schedules on all cores; 1 where one of them shows a loss, with its seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, help="tell the story of this one")
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    if given.seed is not None:
        return _tell(given.seed)
    failed, lived = 0, 0
    starts = range(given.first, given.first + given.schedules, CHUNK)
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for found in pool.map(_chunk, _ranges(starts, given.first + given.schedules)):
            lived += found[0]
            for seed, problems in found[1]:
                failed += 1
                print(f"seed {seed}: {problems}", flush=True)
            print(f"{lived} schedules lived through, {failed} with a loss", file=sys.stderr, flush=True)
    print(f"{lived} schedules, {failed} with a loss")
    return 1 if failed else 0


def _ranges(starts: range, end: int) -> Iterator[range]:
    return (range(start, min(start + CHUNK, end)) for start in starts)


def _chunk(seeds: range) -> tuple[int, list[tuple[int, list[str]]]]:
    found = [(seed, problems) for seed in seeds if (problems := Schedule(seed).live())]
    return len(seeds), found


def _tell(seed: int) -> int:
    schedule = Schedule(seed)
    found = schedule.live()
    with suppress(BrokenPipeError):
        print("\n".join([*schedule.story, *(found or ["all right"])]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
