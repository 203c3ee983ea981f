"""`python -m tests.bench.webhooks [--rate N] [--seconds N]`: how fast webhooks are answered on this machine.

A PostgreSQL that flushes each commit, the web process as its users start it, and the one who sends, all on the same
cores.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from sqlalchemy import func, select

from deploy.local import PostgresServer
from deploy.local.server import free_port
from refund_worker.adapters.ledger import upgrade
from refund_worker.adapters.ledger.cluster_tables import events
from refund_worker.adapters.ledger.opening import open_database
from tests.bench.watched import PROGRAM
from tests.web.deliveries import SECRET

P99_MAX_MS = 25
_START_S = 30


def main() -> int:
    """Measure; 0 if the target was met, else 1."""
    options = argparse.ArgumentParser(
        prog="python -m tests.bench.webhooks", description="How fast webhooks are answered."
    )
    options.add_argument("--rate", type=int, default=300, help="deliveries a second (300)")
    options.add_argument("--seconds", type=int, default=30, help="how long (30)")
    given = options.parse_args()
    return 0 if webhooks(rate=given.rate, seconds=given.seconds) else 1


def webhooks(*, rate: int, seconds: int) -> bool:
    """Measure and print; whether the target was met."""
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with PostgresServer() as postgres:
        upgrade(postgres.url)
        with _web(postgres.url) as (port, process):
            before_s = _cpu_s(process.pid)
            found = _deliver(port, rate=rate, seconds=seconds)
            cpu_s = _cpu_s(process.pid) - before_s
        rows = _rows(postgres.url)
    times = [1e3 * each for each in found["seconds"]]
    p50, p95, p99 = (times[int(len(times) * part)] for part in (0.50, 0.95, 0.99))
    new, answered = found["sent"]["new"], found["statuses"].get("200", 0)
    print(f"webhooks     {answered} of {rate * seconds} answered 200 at {rate} a second: {found['sent']}")
    print(f"answer       p50 {p50:.1f} ms, p95 {p95:.1f}, p99 {p99:.1f} (target {P99_MAX_MS}), slowest {times[-1]:.1f}")
    print(f"sender       late by {1e3 * found['late_s']:.1f} ms at most")
    print(f"rows         {rows}, one for each of {new} new events")
    print(f"CPU          {1e3 * cpu_s / (rate * seconds):.2f} ms a delivery; load {os.getloadavg()[0]:.1f}")
    return bool(p99 <= P99_MAX_MS and rows == new and answered == rate * seconds)


@contextmanager
def _web(url: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "STRIPE_WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    process = subprocess.Popen([PROGRAM, "web"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        yield port, process
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web process is not ready")


def _deliver(port: int, *, rate: int, seconds: int) -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.deliverer", str(port), str(rate), str(seconds)],
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _rows(url: str) -> int:
    database = open_database(url)
    try:
        with database.reading() as connection:
            return connection.execute(select(func.count()).select_from(events)).scalar_one()
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
