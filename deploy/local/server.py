"""A server as an own process: started, stopped, killed, frozen; never left behind, however the program ends."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import psutil

_START_S = 60.0
_STOP_S = 20.0
_POLL_S = 0.02
_LAST_LINES = 5

# A shell that outlives this program by a moment: its standard input ends when the program does, even by `kill -9`.
# It ends the server, and removes the directory. (PR_SET_PDEATHSIG would end it with the *thread* that started it.)
_WATCH = """
read _
kill -CONT "$1" 2>/dev/null; kill -QUIT "$1" 2>/dev/null
n=0; while kill -0 "$1" 2>/dev/null; do n=$((n+1)); [ $n -gt 50 ] && kill -KILL "$1"; sleep 0.1; done
rm -rf "$2"
"""


class ServerFailed(Exception):
    """The server did not start, or did not stop; the message has the last lines of its log."""


class LocalServer:
    """What Redis and PostgreSQL have in common. A context manager: started at its begin, gone after its end.

    Attributes:
        host: Loopback, as an address: nothing is looked up.
        port: Chosen free at the first start; kept over restarts.
        directory: Holds data and log; removed at the end.
    """

    name: ClassVar[str]
    host: ClassVar[str] = "127.0.0.1"
    # Asks the server to end as soon as it safely can.
    _ending: ClassVar[signal.Signals]

    def __init__(self, *, port: int | None = None) -> None:
        """Prepare; nothing is started.

        Args:
            port: Where to listen; None = a free port.
        """
        self.port = port or free_port()
        self.directory = Path(tempfile.mkdtemp(prefix=f"refund-worker-{self.name}-", dir=self._place()))
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the server's first process. Raises ServerFailed where it does not run."""
        if self._process is None:
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> Self:
        """Start, and wait until it answers. Raises ServerFailed."""
        try:
            self._prepare()
            self._spawn()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def stop(self) -> None:
        """Stop in good order; the data stays until `close`."""
        self._end(self._ending)

    def kill(self) -> None:
        """`kill -9` of every process of it."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        # A child that lives on would keep its hold on the data.
        psutil.wait_procs(processes[1:], timeout=_STOP_S)
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop (where it runs) and start again: same port, same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP to every process of it: connections stay open, nothing answers."""
        for process in self._processes():  # the first one first: it starts no others then
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        for process in reversed(self._processes()):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def close(self) -> None:
        """End it and remove its data."""
        with ExitStack() as last:
            last.callback(shutil.rmtree, self.directory, ignore_errors=True)
            self.stop()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and remove its data."""
        self.close()

    def _place(self) -> Path | None:
        """Where the directory is made; None = where temporary files are."""
        return None

    def _prepare(self) -> None:
        """Make what the server needs to start; called at each start."""
        raise NotImplementedError

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether it answers an authenticated client."""
        raise NotImplementedError

    def _surroundings(self) -> dict[str, Any]:
        """As what, where and with which environment its programs run: arguments of `Popen`."""
        return {"cwd": self.directory}

    def _spawn(self) -> None:
        # In a session of its own: Ctrl-C at the terminal is for the program, which stops it in good order.
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  a program we found ourselves, with arguments of our own
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._surroundings(),
            )
        self._watch = _watching(self._process.pid, self.directory)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} did not start: {self._last_lines()}")
            time.sleep(_POLL_S)

    def _last_lines(self) -> str:
        try:
            log = (self.directory / "server.log").read_text(errors="replace")
        except OSError:
            return "it has no log"
        return " | ".join(log.splitlines()[-_LAST_LINES:])

    def _processes(self) -> list[psutil.Process]:
        """The server's processes, the first one first. PostgreSQL's lead groups of their own: a killpg misses them."""
        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        try:
            if process is not None:
                self._wait_for_end(process, how)
        finally:
            watch, self._watch = self._watch, None
            if watch is not None:
                watch.kill()
                watch.communicate()

    def _wait_for_end(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"{self.name} did not stop within {_STOP_S:g} s: {self._last_lines()}") from None


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as asked:
        asked.bind((LocalServer.host, 0))
        port: int = asked.getsockname()[1]
        return port


def _watching(pid: int, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  the script above, with a number and a directory of our own
        ["/bin/sh", "-c", _WATCH, "watch", str(pid), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
