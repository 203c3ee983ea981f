"""The explorer: every interleaving, breadth first; every state judged; then every state's way home.

A violation is reported with the shortest trace that leads to it. A state has four parts: a world, ledgers, workers,
faults. It is stored as four numbers, the positions of its parts in tables of the distinct ones, so that millions of
states fit into memory. What may happen and what is right is told by a `Game`; there are two (`tests/model/refunds.py`
and `tests/model/items`).
"""

import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")
_BITS = 32
_MASK = (1 << _BITS) - 1

State_ = TypeVar("State_", bound=tuple[Any, Any, Any, Any])
Setting_ = TypeVar("Setting_")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Game(Generic[Setting_, State_]):
    """What may happen, and what is right.

    Attributes:
        start: The state before anybody has looked.
        state: Makes a state of its four parts.
        successors: Who does what, the state after it, and whether recovery may count on it.
        broken_rule: The first invariant that a state breaks, or an empty string.
        is_good_end: All is finished, and as it must be.
        exposure: What the company would lose if everything stopped in this state, in units.
        loss_at_rest: What is lost in this state for good, in units.
        is_followed: Explore on after a violation, to the worst loss.
        describe: The state in a few words, for a trace.
        forget: Drop what was remembered of the worlds explored before.
    """

    start: Callable[[Setting_], State_]
    state: Callable[[Any, Any, Any, Any], State_]
    successors: Callable[[Setting_, State_], Iterator[tuple[str, str, State_, bool]]]
    broken_rule: Callable[[Setting_, State_], str]
    is_good_end: Callable[[Setting_, State_], bool]
    exposure: Callable[[State_], int]
    loss_at_rest: Callable[[State_], int]
    is_followed: Callable[[Setting_], bool]
    describe: Callable[[State_], str]
    forget: Callable[[], None]


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


class Explorer(Generic[Setting_, State_]):
    """Explores one configuration."""

    def __init__(self, game: Game[Setting_, State_], setting: Setting_) -> None:
        self.game = game
        self.setting = setting
        self._tables: tuple[_Table[Any], ...] = (_Table(), _Table(), _Table(), _Table())
        self._ids: dict[int, int] = {}
        self._states: list[int] = []
        self._parents = array("I")
        self._ways = array("I")  # successors that recovery may count on, state by state
        self._ways_end = array("Q")

    def run(self) -> Result:
        """Explore until the first violation, or all of it."""
        self.game.forget()
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
        """Visit the states up to the first that violates an invariant; some settings are followed to their worst."""
        game, setting = self.game, self.setting
        self._add(game.start(setting), 0, None)
        at, culprit = 0, None
        while at < len(self._states):
            state = self._state(at)
            result.worst_exposure = max(result.worst_exposure, game.exposure(state))
            loss, violation = game.loss_at_rest(state), game.broken_rule(setting, state)
            if violation and (culprit is None or loss > result.worst_loss):
                result.violation, result.worst_loss, culprit = violation, loss, at
                if not game.is_followed(setting):
                    break
            self._expand(at, state)
            at += 1
        return culprit

    def _expand(self, at: int, state: State_) -> None:
        for _, _, after, counts in self.game.successors(self.setting, state):
            number = self._add(after, at, state)
            if counts and number != at:
                self._ways.append(number)
        self._ways_end.append(len(self._ways))

    def _add(self, state: State_, parent: int, before: State_ | None) -> int:
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

    def _state(self, at: int) -> State_:
        packed = self._states[at]
        first, second, third, fourth = self._tables
        return self.game.state(
            first.values[packed >> 3 * _BITS],
            second.values[packed >> 2 * _BITS & _MASK],
            third.values[packed >> _BITS & _MASK],
            fourth.values[packed & _MASK],
        )

    def _first_stranded(self) -> int | None:
        """The first state from which no recovery reaches a good end, or None."""
        home = bytearray(self.game.is_good_end(self.setting, self._state(at)) for at in range(len(self._states)))
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
            who, label = next(
                (who, label)
                for who, label, state, _ in self.game.successors(self.setting, self._state(before))
                if state == target
            )
            lines.append(f"{who} {label}".strip() + f"  [{self.game.describe(target)}]")
        return lines
