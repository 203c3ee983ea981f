"""Processes of their own that race, forked from one that has imported what they need: each begins within a moment."""

import io
import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from multiprocessing.connection import Connection

_WAIT_S = 100
_READY, _ENDED, _FAILED = "ready", "ended", "failed"
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "pytest",  # a child reads the main module again, and that is pytest's
        "refund_worker.adapters.ledger.migrations.versions.v0001_first_tables",
        "refund_worker.adapters.ledger.migrations.versions.v0002_cluster",
        "refund_worker.adapters.ledger.migrations.versions.v0003_conversions",
        "refund_worker.adapters.ledger.migrations.versions.v0004_nights",
        "sqlalchemy.dialects.postgresql.psycopg",
        "tests.adapters.ledger.examples",
        "tests.adapters.limited_worker",
        "tests.adapters.queue.racing",
    ]
)


def race(racer: Callable[..., None], arguments: Sequence[Sequence[object]]) -> list[str]:
    """Run `racer(ready, *arguments)` once for each arguments, in a process each, and return what each printed.

    `racer` is a function of a module. It calls `ready` once, which waits until all are ready.

    Raises:
        AssertionError: If one of them failed, with its traceback.
    """
    ends = [_FORKING.Pipe() for _ in arguments]
    running = [
        _FORKING.Process(target=_run, args=(theirs, racer, *of_one))
        for (_, theirs), of_one in zip(ends, arguments, strict=True)
    ]
    try:
        for process, (_, theirs) in zip(running, ends, strict=True):
            process.start()
            theirs.close()
        for ours, _ in ends:
            _heard(ours, _READY)
        for ours, _ in ends:
            ours.send(None)
        return [_heard(ours, _ENDED) for ours, _ in ends]
    finally:
        for process, (ours, _) in zip(running, ends, strict=True):
            ours.close()
            process.kill()
            process.join()


def _heard(ours: Connection, expected: str) -> str:
    assert ours.poll(_WAIT_S), f"waited {_WAIT_S} s for a process that is {expected}"
    word, said = ours.recv()
    assert word == expected, said
    return str(said)


def _run(theirs: Connection, racer: Callable[..., None], *arguments: object) -> None:
    def ready() -> None:
        theirs.send((_READY, ""))
        theirs.recv()

    try:
        with redirect_stdout(io.StringIO()) as said:
            racer(ready, *arguments)
    except BaseException:  # noqa: BLE001  told to the test, which fails with it
        theirs.send((_FAILED, traceback.format_exc()))
    else:
        theirs.send((_ENDED, said.getvalue()))
