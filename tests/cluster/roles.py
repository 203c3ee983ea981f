"""Workers and beats as processes of their own, which end with the test."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery import Celery

from tests.e2e.places import Place

PATIENCE_S = 40.0


@dataclass(slots=True)
class Role:
    """One process, and the file that holds what it said."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of a name that it logged."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)


@dataclass(slots=True, kw_only=True)
class Roles:
    """Starts them in one place."""

    place: Place
    started: list[Role] = field(default_factory=list)

    def start(self, role: str, **more: str) -> Role:
        """Start a role and wait until it says that it has begun."""
        log = self.place.directory / f"{role}-{len(self.started)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "refund_worker", role],
                cwd=self.place.directory,
                env=self.place.environ | more,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        made = Role(process, log)
        self.started.append(made)
        until(lambda: bool(made.events(f"{role}_started")) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return made

    def send(self, task: str, *arguments: object, **named: object) -> None:
        """Send a task as the merchant's own application would."""
        with Celery(broker=self.place.environ["REDIS_URL"], set_as_current=False) as app:
            app.send_task(task, args=arguments, kwargs=named, queue="refund_worker")

    def customers(self) -> list[str]:
        """Everybody with credit or refunds."""
        return [book.customer for book in self.place.sandbox.books() if book.credit_granted]

    def refunded(self) -> int:
        """How many customers have got all of their credit back, and nothing more."""
        return sum(book.refunded == book.credit_granted and book.balance == 0 for book in self.place.sandbox.books())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for role in self.started:
            role.process.kill()
            role.process.wait()


def until(true: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so. Raises AssertionError where it never is."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
