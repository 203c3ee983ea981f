"""`python -m tests.model [--full] [--traces]`: explore, print the table of docs/decisions/0002, judge it."""

import argparse
import sys

from tests.model.explore import Result
from tests.model.refunds import explore
from tests.model.rules import Rule
from tests.model.state import Configuration
from tests.model.variants import FULL_RUN, SHORT_RUN

UNITS_PER_CREDIT = 2  # every configuration starts with two units of refundable credit


def main() -> int:
    """Print one row per configuration and the traces asked for; 1 if a result is not the expected one."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also the configurations that take minutes")
    parser.add_argument("--traces", action="store_true", help="the shortest trace of every violation")
    arguments = parser.parse_args()
    print("| configuration | what happens | states | worst exposure | result |")
    print("|---|---|---:|---:|---|")
    states, seconds, surprises, traces = 0, 0.0, 0, []
    for setting in FULL_RUN if arguments.full else SHORT_RUN:
        result = explore(setting)
        print(row(setting, result), flush=True)
        states, seconds = states + result.states, seconds + result.seconds
        is_surprise = bool(result.violation) != setting.loses
        surprises += is_surprise
        if is_surprise or (result.trace and (arguments.traces or Rule.RESERVE_FIRST in setting.off)):
            traces.append((setting, result))
    print(f"\n{states:,} states in {seconds:.0f} seconds; {surprises} results other than expected.")
    for setting, result in traces:
        print(f"\n{setting.name}: {result.violation}")
        print("\n".join(f"  {number:2}. {line}" for number, line in enumerate(result.trace, start=1)))
    return 1 if surprises else 0


def row(setting: Configuration, result: Result) -> str:
    """One row of the table; exposure as a part of a refundable credit of 100."""
    exposed = result.worst_exposure * 100 // UNITS_PER_CREDIT
    verdict = result.violation or "no violation"
    if result.worst_loss:
        verdict = f"finished, with {result.worst_loss * 100 // UNITS_PER_CREDIT} lost"
    return f"| {setting.name} | {setting.why} | {result.states:,} | {exposed} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main())
