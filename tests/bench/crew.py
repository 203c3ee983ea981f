"""The processes of the cluster as users start them, watched from outside: when cases ended, CPU time, memory."""

import subprocess
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from tests.bench.surroundings import cpu_s
from tests.bench.watched import PROGRAM

_LOOK_EVERY_S: Final = 0.25
_END_WITHIN_S: Final = 90
_START_S: Final = 60


@dataclass(slots=True, kw_only=True)
class Member:
    """One process.

    Attributes:
        refunded_s: When each refunded case ended, by `time.monotonic`, in order.
        others: Lines of cases that ended otherwise.
        rss: Bytes of memory and how many cases had ended then, look by look.
        cpu_s: At the last look.
    """

    role: str
    process: "subprocess.Popen[str]"
    refunded_s: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    rss: list[tuple[int, int]] = field(default_factory=list)
    cpu_s: float = 0.0
    log: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def read(self) -> None:
        """Read what it says until its end."""
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                if '"event": "case_finished"' in line:
                    if '"outcome": "refunded"' in line:
                        self.refunded_s.append(time.monotonic())
                    else:
                        self.others.append(line)
                self.log.append(line)

    def look(self) -> None:
        """Note its memory and CPU time. Raises RuntimeError where it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.role} ended with {self.process.returncode}: {''.join(self.log)}")
        seen = psutil.Process(self.process.pid)
        self.rss.append((len(self.refunded_s), seen.memory_info().rss))
        self.cpu_s = cpu_s(seen)

    @property
    def rss_max(self) -> int:
        """Bytes."""
        return max(rss for _, rss in self.rss)


@dataclass(slots=True, kw_only=True)
class Crew:
    """All processes that were started."""

    members: list[Member] = field(default_factory=list)

    @property
    def workers(self) -> list[Member]:
        """Those that refund."""
        return [member for member in self.members if member.role == "worker"]

    @property
    def refunded(self) -> int:
        """Cases that ended refunded."""
        return sum(len(member.refunded_s) for member in self.members)

    @property
    def refunded_s(self) -> list[float]:
        """When each case ended, in order."""
        return sorted(at for member in self.members for at in member.refunded_s)

    @property
    def others(self) -> list[str]:
        """Lines of cases that did not end refunded."""
        return [line for member in self.members for line in member.others]

    def start(self, role: str, environment: Mapping[str, str]) -> Member:
        """Start a process; it logs JSON, for its standard error is no terminal."""
        process = subprocess.Popen(
            [PROGRAM, role], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        member = Member(role=role, process=process)
        self.members.append(member)
        threading.Thread(target=member.read, daemon=True).start()
        return member

    def wait(self, until: Callable[[], bool], *, timeout_s: float) -> None:
        """Look at all processes until something is so. Raises RuntimeError."""
        end = time.monotonic() + timeout_s
        while not until():
            for member in self.members:
                member.look()
            if time.monotonic() > end:
                raise RuntimeError(f"not done in {timeout_s:.0f} s, {self.refunded} refunded: {self._last_lines()}")
            time.sleep(_LOOK_EVERY_S)

    def stop(self) -> None:
        """Let all end in good order, and wait."""
        for member in self.members:
            member.process.terminate()
        for member in self.members:
            try:
                member.process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                member.process.kill()
                member.process.wait()

    def _last_lines(self) -> str:
        return "".join(line for member in self.members for line in list(member.log)[-3:])


@contextmanager
def crew() -> Iterator[Crew]:
    """A crew that ends with the context."""
    made = Crew()
    try:
        yield made
    finally:
        made.stop()


def wait_for_web(port: int) -> None:
    """Wait until `web` says that it is ready. Raises RuntimeError."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web process is not ready")
