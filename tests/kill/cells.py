"""Where a kill can fall: a step of a case and a phase of it; and how often each was hit."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Final

STEPS: Final = ("credit_items", "delete_item", "correct", "reserve", "refund", "give_back", "close")
PHASES: Final = {
    "before": "before the request arrives (close: all is recorded, not closed)",
    "executed": "executed, the answer not delivered",
    "answered": "answered, the answer not recorded",
    "recorded": "just recorded",
    "between": "at a random moment, by the newest entry of the trail",
}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One place of the table."""

    step: str
    phase: str


# Closing sends nothing: it has no request to be executed or answered.
NOWHERE: Final = (Cell("close", "executed"), Cell("close", "answered"))
AIMED: Final = tuple(
    cell for step in STEPS for phase in PHASES if phase != "between" and (cell := Cell(step, phase)) not in NOWHERE
)
# Random moments are as many as four aimed cells together: they find what nobody aimed at.
RANDOM: Final = Cell("any", "between")
RANDOM_WEIGHT: Final = 4


@dataclass(slots=True)
class Tally:
    """The kills of all lanes, and the live cases they left, by their newest step and what the ledger knew of it."""

    wanted: int
    kills: Counter[Cell] = field(default_factory=Counter)
    left_live: Counter[tuple[str, str]] = field(default_factory=Counter)
    outside: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        """Kills that fell between the first reserve and the last close."""
        return self.kills.total()

    def next_aim(self, dice: Random) -> Cell | None:
        """The cell that has the fewest kills so far; None where there are enough in all."""
        with self._lock:
            if self.total >= self.wanted:
                return None
            random = sum(count for cell, count in self.kills.items() if cell.phase == "between")
            counts = {cell: float(self.kills[cell]) for cell in AIMED} | {RANDOM: random / RANDOM_WEIGHT}
            fewest = min(counts.values())
            return dice.choice([cell for cell, count in counts.items() if count < fewest + 1])

    def add(self, cell: Cell, *, left_live: Counter[tuple[str, str]]) -> None:
        """Count a kill; one that left no case live fell outside and does not count."""
        with self._lock:
            if not left_live:
                self.outside += 1
                return
            self.kills[cell] += 1
            self.left_live += left_live

    def __str__(self) -> str:
        """The table of kills, and that of the cases they left; what cannot be hit shows a dash."""
        with self._lock:
            lines = [f"{'kills':<12}" + "".join(f"{phase:>10}" for phase in PHASES) + f"{'total':>8}"]
            for step in STEPS:
                counts = {phase: self.kills[Cell(step, phase)] for phase in PHASES}
                shown = ("-" if Cell(step, phase) in NOWHERE else count for phase, count in counts.items())
                lines.append(f"{step:<12}" + "".join(f"{one:>10}" for one in shown) + f"{sum(counts.values()):>8}")
            sums = [sum(self.kills[Cell(step, phase)] for step in STEPS) for phase in PHASES]
            lines.append(f"{'total':<12}" + "".join(f"{count:>10}" for count in sums) + f"{sum(sums):>8}")
            lines += ["", *(f"{phase:<10} {meaning}" for phase, meaning in PHASES.items())]
            lines += ["", f"live cases left by the kills: {self.left_live.total()}"]
            lines += [f"  {step:<10} {state:<9}{count:>7}" for (step, state), count in sorted(self.left_live.items())]
        return "\n".join(lines)
