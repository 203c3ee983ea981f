"""`make mutants`: every fault of the table must be killed by the tests it names; 1 where one survives."""

import argparse
import os
import queue
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.fault import Fault
from tests.mutants.table import FAULTS
from tests.mutants.trial import ROOT, Copy, Verdict


def main() -> int:
    """Try the faults that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this fault; may be repeated")
    parser.add_argument("--list", action="store_true", help="show the table and try nothing")
    given = parser.parse_args()
    faults = [fault for fault in FAULTS if not given.only or fault.name in given.only]
    unknown = set(given.only) - {fault.name for fault in faults}
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    if given.list:
        for fault in faults:
            print(f"{fault.name:<52} {fault.file:<36} {fault.breaks}")
        return 0
    lost = [fault for fault in faults if fault.occurrences(ROOT) != 1]
    for fault in lost:
        print(f"{fault.name}: its text stands {fault.occurrences(ROOT)} times in {fault.path}, not once")
    return 1 if lost else _try_all(faults)


def _try_all(faults: Sequence[Fault]) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copies = _copies(Path(place))
        with ThreadPoolExecutor(max_workers=copies.qsize()) as pool:
            red = _not_green(pool, copies, faults)
            if red:
                print(f"red without any fault, so it proves nothing:\n{red}")
                return 1
            verdicts = list(
                pool.map(lambda fault: _told(fault, _on_a_copy(copies, lambda copy: copy.judge(fault))), faults)
            )
    survived = [fault.name for fault, verdict in zip(faults, verdicts, strict=True) if verdict.problem]
    print(f"{len(faults)} faults, {len(faults) - len(survived)} killed, {time.monotonic() - began:.0f} seconds")
    if survived:
        print(f"not killed: {', '.join(survived)}")
    return 1 if survived else 0


def _copies(place: Path) -> "queue.Queue[Copy]":
    copies: queue.Queue[Copy] = queue.Queue()
    for number in range(os.cpu_count() or 1):
        copies.put(Copy(place / str(number)))
    return copies


def _not_green(pool: ThreadPoolExecutor, copies: "queue.Queue[Copy]", faults: Iterable[Fault]) -> str | None:
    """What is red of the named tests without a fault, or None."""
    tests = sorted({killer for fault in faults for killer in fault.killers})
    shares = [tests[number :: copies.qsize()] for number in range(copies.qsize())]
    done = pool.map(lambda share: _on_a_copy(copies, lambda copy: copy.baseline(share)), filter(None, shares))
    return next((verdict.problem for verdict in done if verdict.problem), None)


def _on_a_copy(copies: "queue.Queue[Copy]", job: Callable[[Copy], Verdict]) -> Verdict:
    copy = copies.get()
    try:
        return job(copy)
    finally:
        copies.put(copy)


def _told(fault: Fault, verdict: Verdict) -> Verdict:
    by = verdict.problem.splitlines()[0].upper() if verdict.problem else verdict.killed_by
    print(f"{fault.name:<52} {verdict.seconds:5.1f} s  {by}", flush=True)
    if verdict.problem and "\n" in verdict.problem:
        print(verdict.problem, file=sys.stderr, flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
