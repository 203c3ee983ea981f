"""One process of the command line program: started, watched, killed, never left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

HUNG_S = 120
OUTPUT = "output.json"


class Program:
    """`refund-worker` as a process group of its own."""

    def __init__(
        self, *arguments: str, environment: dict[str, str], directory: Path, on_line: Callable[[str], None]
    ) -> None:
        """Start it. `on_line` gets each line of its log as it is written."""
        with (directory / OUTPUT).open("wb") as output:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name("refund-worker"), *arguments],
                stdout=output,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=directory,
                start_new_session=True,
                text=True,
            )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, args=[on_line], daemon=True)
        self._reader.start()

    def kill(self) -> bool:
        """Kill -9 and wait until it is gone; False where it had ended by itself."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return False
        return self._process.wait(timeout=HUNG_S) == -signal.SIGKILL

    @property
    def ended(self) -> bool:
        """It runs no more."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """Wait for its end and return its exit code; -9 where it was killed. Raises TimeoutExpired."""
        code = self._process.wait(timeout=HUNG_S)
        self._reader.join(timeout=HUNG_S)
        return code

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.log.append(line)
                on_line(line)


def environment(*, base: str, directory: Path) -> dict[str, str]:
    """The program's environment: the sandbox's address, a ledger on disk, no limit on the rate but its own threads.

    Python may keep compiled files: two hundred starts would compile everything anew.
    """
    ours = ("STRIPE_", "REFUND_", "DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | {
        "STRIPE_API_KEY": "sk_test_sandbox",
        "STRIPE_API_BASE": base,
        "STRIPE_RATE_GLOBAL": "10000",
        "STRIPE_RATE_ENDPOINT": "10000",
        "DATABASE_URL": f"sqlite:///{directory / 'ledger.sqlite'}",
    }
