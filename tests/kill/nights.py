"""A night: the program is started, killed, and started again at once, until it finishes; then the morning is judged.

It finishes twice: whose items an invoice took during the first pass is refunded in the second.
"""

import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.kill.cells import RANDOM, Cell, Tally
from tests.kill.deadly import Aim, DeadlySandbox, Write, serve
from tests.kill.program import Program, environment
from tests.kill.stories import evening
from tests.kill.trail import Peephole, Remains, is_recorded, remains
from tests.kill.verdict import Verdict, judged

STARTS_MAX = 200  # of one night; a program that needs more is stuck
PASSES = 2
UNFINISHED_MAX = 3  # runs that end by themselves with a case still open, before the night is called stuck
# So soon after an answer it is not recorded yet: parsing and the commit take some milliseconds.
AT_ONCE_S = (0.0, 0.002)
RANDOM_S = (0.0, 0.6)
LOOK_EVERY_S = 0.001
# So much rarer than a reserve are these writes in a night.
RARE = {"give_back": 4, "correct": 6, "credit_items": 2, "delete_item": 2}
CLOSED = re.compile(
    r'"outcome": "(partly_)?refunded".*"case_finished"|"case_finished".*"outcome": "(partly_)?refunded"'
)


@dataclass(slots=True, kw_only=True)
class Lane:
    """A sandbox, its server, and the program before it; several lanes run side by side."""

    directory: Path
    customers: int
    dice: Random
    tally: Tally
    say: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    _program: Program | None = None

    def live(self) -> list[Verdict]:
        """Nights until there are enough kills; stops at the first that ends badly."""
        verdicts: list[Verdict] = []
        while not self.stop.is_set() and self.tally.total < self.tally.wanted:
            place = self.directory / f"night{len(verdicts)}"
            place.mkdir()
            before, begun = self.tally.total, time.monotonic()
            verdicts.append(self._night(place))
            self.say(
                f"{place.parent.name} {place.name}: {verdicts[-1].starts} starts, {time.monotonic() - begun:.1f} s, "
                f"{self.tally.total} kills in all (+{self.tally.total - before}): {verdicts[-1]}"
            )
            if not verdicts[-1].ok:
                break
        return verdicts

    def end(self) -> None:
        """Start nothing more and leave no process behind."""
        self.stop.set()
        if self._program is not None:
            self._program.kill()

    def _night(self, place: Path) -> Verdict:
        account = evening(self.customers)
        sandbox = DeadlySandbox()
        sandbox.live_through(account)
        with serve(sandbox) as server:
            around = environment(base=server.base_url, directory=place)
            unfinished, starts, passes = 0, 0, 0
            while unfinished < UNFINISHED_MAX and starts < STARTS_MAX and not self.stop.is_set():
                starts += 1
                code = self._once(sandbox, place, around)
                passes += code == 0
                if passes == PASSES:
                    break
                if code not in {0, -signal.SIGKILL}:
                    unfinished += 1
                    self.say(f"{place}: exit code {code}: {''.join((self._program or _never()).log[-3:])}")
            sandbox.take_aim(None)
            return judged(sandbox, account, place=place, environment=around, starts=starts)

    def _once(self, sandbox: DeadlySandbox, place: Path, around: dict[str, str]) -> int:
        """Start the program once, aim at it, and count the kill."""
        cell = self.tally.next_aim(self.dice)
        closes = _Countdown(self.dice.randint(1, 4) if cell == Cell("close", "recorded") else 0)
        self._program = program = Program(
            "run", "--json", environment=around, directory=place, on_line=lambda line: closes.line(line, kill)
        )

        def kill() -> None:
            program.kill()

        aim = self._aim(cell, place, program)
        sandbox.take_aim(aim)
        watch = None
        if cell is not None and cell in {RANDOM, Cell("close", "before")}:
            watch = threading.Thread(target=self._watch, args=[cell, sandbox, place, program], daemon=True)
            watch.start()
        code = program.wait()
        if watch is not None:
            watch.join()
        if code == -signal.SIGKILL and cell is not None:
            self._count(cell, aim, place)
        return code

    def _aim(self, cell: Cell | None, place: Path, program: Program) -> Aim | None:
        if cell is None or cell.step in {"any", "close"}:
            return None

        def kill(write: Write) -> None:
            if cell.phase == "recorded":
                _look_until(place, program, lambda peephole: peephole.recorded(write.case, write.step))
            program.kill()

        after_s = self.dice.uniform(*AT_ONCE_S)
        share = RARE.get(cell.step, 1)
        nth = self.dice.randint(1, max(1, min(12, self.customers // 4) // share))
        return Aim(cell=cell, nth=nth, after_s=after_s, kill=kill)

    def _watch(self, cell: Cell, sandbox: DeadlySandbox, place: Path, program: Program) -> None:
        """Kill at a random moment after the first write, or when a case has only to be closed."""
        while not sandbox.begun.wait(0.05):
            if program.ended:
                return
        if cell == RANDOM:
            time.sleep(self.dice.uniform(*RANDOM_S))
        else:
            _look_until(place, program, Peephole.settled)
        program.kill()

    def _count(self, cell: Cell, aim: Aim | None, place: Path) -> None:
        left = remains(place / "ledger.sqlite", beside=place)
        self.tally.add(_where(cell, aim, left, place), left_live=left.live)


@dataclass(slots=True)
class _Countdown:
    """Kills at the n-th case that the log calls finished; 0 = never."""

    left: int

    def line(self, line: str, kill: Callable[[], None]) -> None:
        """Read a line of the log."""
        if self.left and CLOSED.search(line):
            self.left -= 1
            if not self.left:
                kill()


def _look_until(place: Path, program: Program, seen: Callable[[Peephole], int]) -> None:
    """Look at the running program's ledger until something is seen in it, or the program has ended."""
    peephole = Peephole(place / "ledger.sqlite")
    try:
        while not program.ended and not seen(peephole):
            time.sleep(LOOK_EVERY_S)
    finally:
        peephole.close()


def _where(cell: Cell, aim: Aim | None, left: Remains, place: Path) -> Cell:
    """Where the kill really fell, as the ledger shows it."""
    if cell == RANDOM:
        return Cell(left.newest, cell.phase)
    if cell.step == "close":
        return cell if cell.phase == "recorded" or left.settled else Cell(left.newest, RANDOM.phase)
    if aim is None or aim.struck is None or cell.phase in {"before", "executed"}:
        return cell
    known = is_recorded(place / "ledger.sqlite", beside=place, case=aim.struck.case, step=aim.struck.step)
    return Cell(cell.step, "recorded" if known else "answered")


def _never() -> Program:
    raise RuntimeError("no program was started")
