"""One wrapper over the ports: every call to Stripe, the ledger or the clock is a place where the program can stop.

A *place* is the number of the call and a *phase* of it:

    asked       a write waits: the last check has not been made
    before      the call was not made; of a write: checked, and about to go out
    after       the call was made and answered
    lost        the write was made at Stripe, its answer never arrived
    rolled_back the ledger's transaction was not committed

What happens there is up to the stop: `Killed` ends the program on the spot, a pause lets other programs act meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from refund_worker.domain.errors import OutcomeUnknown
from refund_worker.domain.facts import DeletionAnswer, MovementAnswer, RefundAnswer
from refund_worker.ports import Clock, Ledger, LedgerWriter, StripeGateway, WorkQueue

WRITES = frozenset({"create_movement", "create_refund", "delete_item"})


class Killed(BaseException):
    """The process is gone: nothing of it runs on, not even an `except Exception`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call over a port: its number in the program's life, and what it is (`stripe.create_refund reserve`)."""

    number: int
    name: str


Meet = Callable[[Call, str], None]


@dataclass(slots=True)
class Stops:
    """Numbers the calls of one program and lets `meet` act before and after each.

    `meet` may raise Killed, run another program, raise OutcomeUnknown for a lost answer, or do nothing.
    """

    meet: Meet
    calls: list[Call] = field(default_factory=list)

    def begin(self, name: str, *, phase: str = "before") -> Call:
        """A call is about to be made."""
        call = Call(len(self.calls), name)
        self.calls.append(call)
        self.meet(call, phase)
        return call


class StoppingGateway:
    """A gateway whose calls can be stopped."""

    def __init__(self, inner: StripeGateway, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._inner, name)

        def read(*args: Any, **kwargs: Any) -> Any:
            call = self._stops.begin(f"stripe.{name}")
            answer = made(*args, **kwargs)
            if isinstance(answer, Iterator):
                answer = iter(list(answer))
            self._stops.meet(call, "after")
            return answer

        return read

    def create_movement(self, **arguments: Any) -> MovementAnswer:
        """Reserve, give back or re-credit."""
        return cast("MovementAnswer", self._write("create_movement", arguments))

    def create_refund(self, **arguments: Any) -> RefundAnswer:
        """Refund."""
        return cast("RefundAnswer", self._write("create_refund", arguments))

    def delete_item(self, **arguments: Any) -> DeletionAnswer:
        """Delete a pending item."""
        return cast("DeletionAnswer", self._write("delete_item", arguments))

    def _write(self, name: str, arguments: Mapping[str, Any]) -> object:
        step = arguments.get("metadata", {}).get("refund_worker_step")
        call = self._stops.begin(f"stripe.{name} {step}" if step else f"stripe.{name}", phase="asked")

        def checked() -> None:
            arguments["check"]()
            self._stops.meet(call, "before")

        answer = getattr(self._inner, name)(**{**arguments, "check": checked})
        self._stops.meet(call, "lost")
        self._stops.meet(call, "after")
        return answer


class StoppingLedger:
    """A ledger whose calls can be stopped; a transaction can also be rolled back at its end."""

    def __init__(self, inner: Ledger, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._inner, name)

        def call_it(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._inner, "in_transaction", False):
                return made(*args, **kwargs)  # a part of the transaction, whose end has its own place
            call = self._stops.begin(f"ledger.{name}")
            answer = made(*args, **kwargs)
            self._stops.meet(call, "after")
            return answer

        return call_it

    @contextmanager
    def writing(self) -> Iterator[LedgerWriter]:
        """One transaction: a place before it, one where it rolls back, one after its commit."""
        call = self._stops.begin("ledger.writing")
        with self._inner.writing() as writer:
            yield writer
            self._stops.meet(call, "rolled_back")
        self._stops.meet(call, "after")


class StoppingQueue:
    """The shared queue, whose calls can be stopped."""

    def __init__(self, inner: WorkQueue, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._inner, name)

        def call_it(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._inner, "in_transaction", False):
                return made(*args, **kwargs)  # a part of the transaction, whose end has its own place
            call = self._stops.begin(f"queue.{name}")
            answer = made(*args, **kwargs)
            self._stops.meet(call, "after")
            return answer

        return call_it


class StoppingClock:
    """A clock whose sleeps are places to stop."""

    def __init__(self, inner: Clock, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops

    def now(self) -> int:
        """Now."""
        return self._inner.now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        call = self._stops.begin("clock.sleep")
        self._inner.sleep(seconds)
        self._stops.meet(call, "after")


def lost_answer() -> OutcomeUnknown:
    """What a write raises whose answer never arrived."""
    return OutcomeUnknown(message="the answer was lost")
