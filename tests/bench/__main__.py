"""`python -m tests.bench [--only PART]... [--credits N] ...`: measures, and says what missed its target."""

import argparse
import os
import sys
import time
from collections.abc import Callable

from tests.bench import cluster_parts, memory
from tests.bench.memory import peak
from tests.bench.night import TIMES_MAX, night
from tests.bench.recipe import recipe
from tests.bench.rows import say
from tests.bench.startup import startup

CREDITS_MAX = 100_000
FEW = 2_000


def main() -> int:
    """Measure; 0 if every target was met, else 1."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast, how large, how many calls.")
    options.add_argument("--credits", type=int, default=2_000, help=f"of a night, at most {CREDITS_MAX} (2000)")
    options.add_argument("--customers", type=int, default=200_000, help="of the large sweep, and of discovery (200000)")
    options.add_argument("--sample", type=int, default=100, help="credits of the article's recipe (100)")
    options.add_argument("--only", choices=sorted(_PARTS), action="append", help="may be repeated; default: all")
    cluster_parts.add_options(options)
    given = options.parse_args()
    if not 10 <= given.credits <= CREDITS_MAX:
        options.error(f"--credits is from 10 to {CREDITS_MAX}")
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    missed = [name for name, part in _PARTS.items() if name in (given.only or _PARTS) and not part(given)]
    print(f"load {os.getloadavg()[0]:.1f}; " + (f"missed: {', '.join(missed)}" if missed else "every target met"))
    return 1 if missed else 0


def _startup(_given: argparse.Namespace) -> bool:
    found = startup()
    say("start-up", f"{found.wall_s:.2f} s, {found.cpu_s:.2f} s CPU")
    return True


def _night(given: argparse.Namespace) -> bool:
    found = night(credits_open=given.credits)
    say(
        "night",
        f"{found.refunded} of {found.credits} credits refunded in {found.wall_s:.1f} s, {found.throttled} x 429",
    )
    say(
        "throughput",
        f"{found.per_second:.2f} cases a second, achievable {found.achievable:.2f} (10th to 90th percentile)",
    )
    say("times", f"{found.times:.3f} of what the limits allow (target {TIMES_MAX})")
    say("calls", f"{found.calls_per_case:.2f} a case, of them {found.reads_per_refund:.2f} reads")
    say(
        "CPU",
        f"{1_000 * found.cpu_s / found.calls_in_all:.1f} ms a call, {found.cpu_s:.0f} s in all, start-up included",
    )
    say("busiest", f"{found.busiest[0]}, {found.busiest[1]:.2f} a case")
    say("first case", f"after {found.first_s:.1f} s")
    for call, count in sorted(found.calls.items()):
        print(f"    {count:>7} {call}")
    return found.ok


def _memory(given: argparse.Namespace) -> bool:
    few, many = peak(customers=FEW), peak(customers=given.customers)
    times = many.rss_max / few.rss_max
    say("memory", f"{few.mib:.0f} MiB at {few.customers} customers, {many.mib:.0f} MiB at {many.customers}")
    say("times", f"{times:.3f} (target {memory.TIMES_MAX})")
    say(
        "sweep",
        f"{many.wall_s:.0f} s without limits, {1e6 * many.cpu_s / many.customers:.0f} microseconds CPU a customer",
    )
    return times <= memory.TIMES_MAX


def _recipe(given: argparse.Namespace) -> bool:
    found = recipe(sample=given.sample)
    say("recipe", f"{found.seconds_each:.2f} s a credit in sequence, {found.calls / found.credits:.1f} calls")
    say("recipe", f"{found.seconds_each * given.credits:.0f} s for {given.credits}: extrapolated from {found.credits}")
    return True


_PARTS: dict[str, Callable[[argparse.Namespace], bool]] = {
    "startup": _startup,
    "night": _night,
    "memory": _memory,
    "recipe": _recipe,
    **cluster_parts.PARTS,
}


if __name__ == "__main__":
    sys.exit(main())
