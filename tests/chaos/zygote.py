"""`python -m tests.chaos.zygote`: forks `refund-worker` processes on order, each within a moment.

It has imported what the console script imports, opened nothing and started no thread. A child runs the very function
that the console script runs, with an environment of its own. Orders come as JSON lines on standard input; its end ends
every child. Children that died are reaped at once: a zombie would look alive to `is_gone`.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import sys
from typing import Any, Final, NoReturn

# What the roles import only when they run: without these each child would load them anew.
LATE: Final = (
    "celery.app.amqp",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends",
    "celery.backends.base",
    "celery.concurrency.thread",
    "celery.fixups",
    "celery.loaders.app",
    "celery.utils.dispatch",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.loops",
    "celery.worker.strategy",
    "kombu.transport.redis",
    "psycopg",
    "redis",
    "refund_worker.adapters.ledger.migrations.versions.v0001_first_tables",
    "refund_worker.adapters.ledger.migrations.versions.v0002_cluster",
    "refund_worker.adapters.ledger.migrations.versions.v0003_conversions",
    "refund_worker.adapters.ledger.migrations.versions.v0004_nights",
    "refund_worker.entrypoints.celery_settings",
    "refund_worker.entrypoints.cli",
    "refund_worker.entrypoints.consumer",
    "refund_worker.entrypoints.serving",
    "refund_worker.entrypoints.worker",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvicorn.lifespan.on",
    "uvicorn.loops.asyncio",
    "uvicorn.protocols.http.h11_impl",
)
_DIE_WITH_PARENT: Final = 1


def main() -> None:
    """Fork on order until standard input ends."""
    for name in LATE:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    gc.freeze()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _tell(ready=True)
    children: set[int] = set()
    orders = b""
    while True:
        ready, _, _ = select.select([0, reader], [], [])
        if reader in ready:
            os.read(reader, 4096)
            _reap(children)
        if 0 in ready:
            read = os.read(0, 65536)
            if not read:
                break
            *lines, orders = (orders + read).split(b"\n")
            for line in lines:
                _obey(json.loads(line), children)
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _obey(order: dict[str, Any], children: set[int]) -> None:
    child = os.fork()
    if child == 0:
        _become(order)
    children.add(child)
    _tell(order=order["order"], pid=child)


def _reap(children: set[int]) -> None:
    while children:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            return
        children.discard(child)
        _tell(ended=child, code=os.waitstatus_to_exitcode(status))


def _tell(**told: object) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


def _become(order: dict[str, Any]) -> NoReturn:
    """Be `refund-worker` from here on."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number is signal.SIGCHLD else signal.default_int_handler)
        _take_streams(order["log"], order["output"])
        random.seed()  # all children would draw the same
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["refund-worker", *order["arguments"]]
        _shift_clock(order["shift_s"])
        from refund_worker.entrypoints import cli

        cli.main(order["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _take_streams(log: str, output: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    logged = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (written, 1), (logged, 2)):
        os.dup2(source, target)
    os.closerange(3, 512)


def _shift_clock(seconds: int) -> None:
    """Move this process's clock, as if a day had passed: the sandbox's clock was moved as far."""
    if seconds:
        from refund_worker.adapters.clock import SystemClock

        now = SystemClock.now
        setattr(SystemClock, "now", lambda clock: now(clock) + seconds)  # noqa: B010  time itself moves


if __name__ == "__main__":
    main()
