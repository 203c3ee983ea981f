"""`python -m tests.model [--full] [--traces]`: explore, print the tables of docs/decisions/0002 and 0007."""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tests.model import refunds, variants
from tests.model.explore import Result
from tests.model.items import game as items
from tests.model.items import variants as item_variants
from tests.model.rules import Rule

UNITS_PER_CREDIT = 2  # every configuration starts with two units of refundable credit, or an item of two


class Setting(Protocol):
    """What a row says of a configuration."""

    @property
    def name(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def loses(self) -> bool: ...


_Setting = TypeVar("_Setting", bound=Setting)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What all explorations of a run saw together."""

    states: int = 0
    seconds: float = 0.0
    surprises: int = 0
    traces: list[tuple[Setting, Result]] = field(default_factory=list)

    def count(self, setting: Setting, result: Result, *, wants_trace: bool) -> None:
        """Add one exploration; a surprise is always told with its trace."""
        self.states += result.states
        self.seconds += result.seconds
        is_surprise = bool(result.violation) != setting.loses
        self.surprises += is_surprise
        if is_surprise or (result.trace and wants_trace):
            self.traces.append((setting, result))


def main() -> int:
    """Print one row per configuration and the traces asked for; 1 if a result is not the expected one."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also the configurations that take minutes")
    parser.add_argument("--traces", action="store_true", help="the shortest trace of every violation")
    arguments = parser.parse_args()
    tally, full, traces = Tally(), arguments.full, arguments.traces
    print("Reserve, refund, close (docs/decisions/0002):\n")
    settings = variants.FULL_RUN if full else variants.SHORT_RUN
    _explore_all(
        settings, refunds.explore, tally, "worst exposure", lambda one: traces or Rule.RESERVE_FIRST in one.off
    )
    print("\nPending invoice items (docs/decisions/0007):\n")
    conversions = item_variants.FULL_RUN if full else item_variants.SHORT_RUN
    _explore_all(conversions, items.explore, tally, "counted twice", lambda _: traces)
    print(f"\n{tally.states:,} states in {tally.seconds:.0f} seconds; {tally.surprises} results other than expected.")
    for setting, result in tally.traces:
        print(f"\n{setting.name}: {result.violation}")
        print("\n".join(f"  {number:2}. {line}" for number, line in enumerate(result.trace, start=1)))
    return 1 if tally.surprises else 0


def _explore_all(
    settings: Iterable[_Setting],
    explore: Callable[[_Setting], Result],
    tally: Tally,
    exposure: str,
    wants_trace: Callable[[_Setting], bool],
) -> None:
    print(f"| configuration | what happens | states | {exposure} | result |")
    print("|---|---|---:|---:|---|")
    for setting in settings:
        result = explore(setting)
        print(row(setting, result), flush=True)
        tally.count(setting, result, wants_trace=wants_trace(setting))


def row(setting: Setting, result: Result) -> str:
    """One row of the table; exposure as a part of a refundable credit, or of an item, of 100."""
    exposed = result.worst_exposure * 100 // UNITS_PER_CREDIT
    verdict = result.violation or "no violation"
    if result.worst_loss:
        verdict = f"finished, with {result.worst_loss * 100 // UNITS_PER_CREDIT} lost"
    return f"| {setting.name} | {setting.why} | {result.states:,} | {exposed} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main())
