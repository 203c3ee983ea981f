"""Processes that a zygote forks: spawned, killed by their id, reaped, never left behind."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 60


@dataclass(slots=True)
class Child:
    """One process of `refund-worker`."""

    pid: int
    ended: threading.Event = field(default_factory=threading.Event)
    code: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kill(self) -> bool:
        """`kill -9`, once; False where it had ended, or was killed already."""
        return self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False where it has ended."""
        with self._lock:
            if self.ended.is_set():
                return False
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return False
            return True

    def wait(self, timeout_s: float = _PATIENCE_S) -> int:
        """Wait for its end; returns its exit code. Raises TimeoutError."""
        if not self.ended.wait(timeout_s):
            raise TimeoutError(f"process {self.pid} does not end")
        assert self.code is not None
        return self.code


class Zygote:
    """The forking process, as its orderer sees it; a context manager."""

    def __init__(self) -> None:
        self._answers: queue.Queue[int] = queue.Queue()
        self._children: dict[int, Child] = {}
        self._early: dict[int, int] = {}
        self._lock = threading.Lock()
        self._known = threading.Lock()
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        """Start it; it is ready within some seconds."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"],
            cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="zygote", daemon=True)
        self._reader.start()
        if not self._ready.wait(_PATIENCE_S):
            self._process.kill()
            raise TimeoutError("the zygote does not get ready")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it and every child."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def spawn(
        self, *arguments: str, environment: Mapping[str, str], log: Path, output: Path | None = None, shift_s: int = 0
    ) -> Child:
        """Fork `refund-worker` with these arguments.

        Args:
            output: Where its standard output goes; None = to the log.
            shift_s: How far its clock is ahead, seconds.
        """
        order = {
            "order": 1,
            "arguments": list(arguments),
            "environment": dict(environment),
            "log": str(log),
            "output": str(output or log),
            "shift_s": shift_s,
        }
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            pid = self._answers.get(timeout=_PATIENCE_S)
        child = Child(pid)
        with self._known:
            code = self._early.pop(pid, None)
            if code is None:
                self._children[pid] = child
                return child
        _end(child, code)
        return child

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        output: Path | None = None,
        shift_s: int = 0,
    ) -> int:
        """Fork a command and wait for its exit code."""
        return self.spawn(*arguments, environment=environment, log=log, output=output, shift_s=shift_s).wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._hear(json.loads(line))

    def _hear(self, told: dict[str, int]) -> None:
        if "ready" in told:
            self._ready.set()
        elif "order" in told:
            self._answers.put(told["pid"])
        else:
            with self._known:
                child = self._children.pop(told["ended"], None)
                if child is None:
                    self._early[told["ended"]] = told["code"]
            if child is not None:
                _end(child, told["code"])


def _end(child: Child, code: int) -> None:
    child.code = code
    child.ended.set()


class Slot:
    """A place where one process of a role is kept running, as a platform does: whatever ends is started again.

    Attributes:
        kills, ends: How many were killed here, and how many ended by themselves, with their exit codes.
    """

    def __init__(self, name: str, start: Callable[[], Child], *, rest_s: float = 0.3) -> None:
        self.name = name
        self._start = start
        self._rest_s = rest_s
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self.ends: list[int] = []
        self.child: Child | None = None
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    def open(self) -> None:
        """Keep a process running from now on."""
        self._wanted.set()
        if not self._thread.is_alive():
            self._thread.start()

    def pause(self, *, how: signal.Signals = signal.SIGKILL) -> None:
        """End the process and start none until `open`."""
        self._wanted.clear()
        child = self.child
        if child is not None:
            child.signal(how)
            try:
                child.wait(30)
            except TimeoutError:
                child.kill()
                child.wait()

    def kill(self) -> bool:
        """`kill -9` of the process here; False where none runs."""
        child = self.child
        return child is not None and child.kill()

    @property
    def running(self) -> Child | None:
        """The process here, if one runs."""
        child = self.child
        return None if child is None or child.ended.is_set() else child

    def close(self) -> None:
        """End it for good."""
        self._closed.set()
        self._wanted.set()
        if self.child is not None:
            self.child.kill()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def _keep(self) -> None:
        while True:
            self._wanted.wait()
            if self._closed.is_set():
                return
            self.child = child = self._start()
            if self._closed.is_set() or not self._wanted.is_set():
                child.kill()
            child.ended.wait()
            if child.code not in {-signal.SIGKILL, 0}:
                self.ends.append(child.code or 0)
                self._closed.wait(self._rest_s)
