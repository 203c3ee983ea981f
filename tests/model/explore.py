"""The explorer: every interleaving, breadth first; every state judged; then every state's way home.

A violation is reported with the shortest trace that leads to it. A state is stored as four numbers, the
positions of its world, ledgers, workers and faults in tables of the distinct ones, so that millions of states
fit into memory.
"""

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Generic, TypeVar

from tests.model import protocol
from tests.model.environment import events
from tests.model.invariants import broken_rule, forget, is_good_end, loss_at_rest
from tests.model.rules import Rule
from tests.model.state import Configuration, Faults, Ledger, State, Worker
from tests.model.world import World, exposure, replay

_T = TypeVar("_T")
_BITS = 32
_MASK = (1 << _BITS) - 1


class _Table(Generic[_T]):
    """Numbers the distinct values it is shown."""

    def __init__(self) -> None:
        self.values: list[_T] = []
        self._numbers: dict[_T, int] = {}

    def number(self, value: _T) -> int:
        found = self._numbers.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


@dataclass(slots=True, kw_only=True)
class Result:
    """What one exploration saw. Exposure in units, at any instant; loss in units, when all is finished.

    `violation` and `trace` are empty if nothing was violated.
    """

    states: int = 0
    seconds: float = 0.0
    worst_exposure: int = 0
    worst_loss: int = 0
    violation: str = ""
    trace: list[str] = field(default_factory=list)


class Explorer:
    """Explores one configuration."""

    def __init__(self, setting: Configuration) -> None:
        self.setting = setting
        self._worlds = _Table[World]()
        self._ledgers = _Table[tuple[Ledger, ...]]()
        self._workers = _Table[tuple[Worker, ...]]()
        self._faults = _Table[Faults]()
        self._tables: tuple[_Table[Any], ...] = (self._worlds, self._ledgers, self._workers, self._faults)
        self._ids: dict[int, int] = {}
        self._states: list[int] = []
        self._parents = array("I")
        self._ways = array("I")  # successors that recovery may count on, state by state
        self._ways_end = array("Q")

    def run(self) -> Result:
        """Explore until the first violation, or all of it."""
        forget()
        started, result = time.monotonic(), Result()
        culprit = self._search(result)
        if culprit is None:
            culprit = self._first_stranded()
            result.violation = "" if culprit is None else "no way leads from here to a good end"
        if culprit is not None:
            result.trace = self._trace(culprit)
        result.states, result.seconds = len(self._states), time.monotonic() - started
        return result

    def _search(self, result: Result) -> int | None:
        """Visit the states up to the first that violates an invariant; refund-first is followed to its worst."""
        self._add(self.setting.start(), 0, None)
        at, culprit = 0, None
        while at < len(self._states):
            state = self._state(at)
            result.worst_exposure = max(result.worst_exposure, exposure(state.world))
            loss, violation = loss_at_rest(state), broken_rule(self.setting, state)
            if violation and (culprit is None or loss > result.worst_loss):
                result.violation, result.worst_loss, culprit = violation, loss, at
                if self.setting.keeps(Rule.RESERVE_FIRST):
                    break
            self._expand(at, state)
            at += 1
        return culprit

    def _expand(self, at: int, state: State) -> None:
        for _, _, after, counts in successors(self.setting, state):
            number = self._add(after, at, state)
            if counts and number != at:
                self._ways.append(number)
        self._ways_end.append(len(self._ways))

    def _add(self, state: State, parent: int, before: State | None) -> int:
        """Number the state; what it shares with the state before it keeps its number, which saves the hashing."""
        known = self._states[parent] if before is not None else 0
        packed = 0
        for place, (table, value) in enumerate(zip(self._tables, state, strict=True)):
            shift = (3 - place) * _BITS
            is_same = before is not None and before[place] is value
            packed |= known & _MASK << shift if is_same else table.number(value) << shift
        found = self._ids.setdefault(packed, len(self._states))
        if found == len(self._states):
            self._states.append(packed)
            self._parents.append(parent)
        return found

    def _state(self, at: int) -> State:
        packed = self._states[at]
        return State(
            self._worlds.values[packed >> 3 * _BITS],
            self._ledgers.values[packed >> 2 * _BITS & _MASK],
            self._workers.values[packed >> _BITS & _MASK],
            self._faults.values[packed & _MASK],
        )

    def _first_stranded(self) -> int | None:
        """The first state from which no recovery reaches a good end, or None."""
        home = bytearray(is_good_end(self.setting, self._state(at)) for at in range(len(self._states)))
        grows = True
        while grows:
            grows = False
            for at in range(len(home) - 1, -1, -1):
                ways = self._ways[self._ways_end[at - 1] if at else 0 : self._ways_end[at]]
                if not home[at] and any(home[way] for way in ways):
                    home[at] = grows = True
        stranded = home.find(0)
        return None if stranded < 0 else stranded

    def _trace(self, at: int) -> list[str]:
        path = [at]
        while path[-1]:
            path.append(self._parents[path[-1]])
        path.reverse()
        lines = []
        for before, after in pairwise(path):
            target = self._state(after)
            lines.append(
                next(
                    _line(who, label, state)
                    for who, label, state, _ in successors(self.setting, self._state(before))
                    if state == target
                )
            )
        return lines


def successors(setting: Configuration, state: State) -> Iterator[tuple[str, str, State, bool]]:
    """Who does what, the state after it, and whether recovery may count on it."""
    for me in range(len(state.workers)):
        for label, after, counts in protocol.successors(setting, state, me):
            yield f"worker {me}", label, after, counts
    for label, after, counts in events(setting, state):
        yield "", label, after, counts


def _line(who: str, label: str, state: State) -> str:
    world = state.world
    paid = [
        f"{amount} from charge {charge}{' by hand' if case < 0 else ''}{', failed' if failed else ''}"
        for case, charge, amount, failed in world.refunds
    ]
    return f"{who} {label}".strip() + f"  [balance {replay(world.moves).balance}, refunds: {'; '.join(paid) or 'none'}]"


def explore(setting: Configuration) -> Result:
    """Explore one configuration until its first violation, or all of it."""
    return Explorer(setting).run()
