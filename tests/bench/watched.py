"""A process of the program, watched from outside: when its cases ended, its CPU time, its peak memory."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import psutil

_LOOK_EVERY_S = 0.05
POLICY: Final = Path(__file__).with_name("policy.toml")
PROGRAM: Final = Path(sys.executable).with_name("refund-worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a process did.

    Attributes:
        finished_s: When each case ended, seconds after the start, in order.
        wall_s: From the start to the end.
        cpu_s: User and system time.
        rss_max: Bytes of memory at its peak.
        answer: The JSON object it printed.
    """

    finished_s: tuple[float, ...]
    wall_s: float
    cpu_s: float
    rss_max: int
    answer: dict[str, Any]


def run(*, base: str, global_per_second: float, endpoint_per_second: float) -> Watched:
    """Run `refund-worker run --json` on a new ledger on disk.

    Raises:
        RuntimeError: If it does not end with 0; with the last lines of its log.
    """
    with tempfile.TemporaryDirectory(prefix="refund-worker-bench-") as directory:
        environment = _environment(base=base, directory=directory) | {
            "STRIPE_RATE_GLOBAL": str(global_per_second),
            "STRIPE_RATE_ENDPOINT": str(endpoint_per_second),
        }
        with (Path(directory) / "output.json").open("w+b") as output:
            return _watch(environment, directory, output)


def _watch(environment: dict[str, str], directory: str, output: IO[bytes]) -> Watched:
    begun = time.monotonic()
    process = subprocess.Popen(
        [PROGRAM, "run", "--json"], env=environment, cwd=directory, stdout=output, stderr=subprocess.PIPE, text=True
    )
    finished: list[float] = []
    log: deque[str] = deque(maxlen=5)
    reader = threading.Thread(target=_read, args=[process, begun, finished, log], daemon=True)
    reader.start()
    try:
        cpu_s, rss_max = _costs(process)
    finally:
        process.kill()
        process.wait()
    wall_s = time.monotonic() - begun
    reader.join()
    if process.returncode != 0:
        raise RuntimeError(f"exit code {process.returncode}: {''.join(log)}")
    output.seek(0)
    return Watched(
        finished_s=tuple(finished), wall_s=wall_s, cpu_s=cpu_s, rss_max=rss_max, answer=json.loads(output.read())
    )


def _read(process: subprocess.Popen[str], begun: float, finished: list[float], log: deque[str]) -> None:
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            if '"case_finished"' in line:
                finished.append(time.monotonic() - begun)
            log.append(line)


def _costs(process: subprocess.Popen[str]) -> tuple[float, int]:
    """CPU seconds and peak bytes, looked at until it ends; the last look is at most a twentieth of a second old."""
    seen = psutil.Process(process.pid)
    cpu_s, rss_max = 0.0, 0
    while process.poll() is None:
        try:
            times = seen.cpu_times()
            cpu_s, rss_max = times.user + times.system, max(rss_max, seen.memory_info().rss)
        except psutil.Error:
            break  # it ended between the two looks
        time.sleep(_LOOK_EVERY_S)
    process.wait()
    return cpu_s, rss_max


def _environment(*, base: str, directory: str) -> dict[str, str]:
    ours = ("STRIPE_", "REFUND_", "DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | {
        "STRIPE_API_KEY": "sk_test_sandbox",
        "STRIPE_API_BASE": base,
        "DATABASE_URL": f"sqlite:///{directory}/ledger.sqlite",
        "REFUND_POLICY": str(POLICY),
    }
