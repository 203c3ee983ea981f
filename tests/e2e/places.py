"""A place in which the program is used as its users use it, and a picture of all that it could change there."""

import contextlib
import hashlib
import io
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from refund_worker.entrypoints.cli import run_command
from refund_worker.sandbox import Books, Sandbox

LEDGER = "refund-worker.sqlite"  # where the default DATABASE_URL puts it
SECRET = "Planted7"  # noqa: S105  part of every key and password that the tests use
TEST_KEY = f"sk_test_{SECRET}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that a command could have changed.

    Attributes:
        books: What an outside judge reads from the sandbox.
        writes: How many requests other than reads the sandbox got.
        files: The files of the directory with the digests of what stands in them.
    """

    books: list[Books]
    writes: int
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A working directory, and the only environment variables there are."""

    directory: Path
    sandbox: Sandbox
    environ: dict[str, str] = field(default_factory=dict)

    def use(self, *arguments: str) -> Ended:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with self._entered(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command(arguments)
        return Ended(code=code, out=out.getvalue(), err=err.getvalue())

    def use_alone(self, *arguments: str, first: str = "") -> Ended:
        """Run a command in a process of its own, as a shell would.

        Args:
            first: Python to execute in that process first: takes away space or rights.
        """
        command = [sys.executable, "-m", "refund_worker", *arguments]
        if first:
            command = [sys.executable, "-c", f"import os, sys\n{first}\nos.execv(sys.argv[1], sys.argv[1:])", *command]
        # A limit on the size of files must not cut short what the interpreter keeps of compiled modules.
        environ = self.environ | ({"PYTHONDONTWRITEBYTECODE": "1"} if first else {})
        ended = subprocess.run(
            command, cwd=self.directory, env=environ, capture_output=True, text=True, check=False, timeout=60
        )
        return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    def picture(self) -> Picture:
        """Everything as it is now."""
        files = {
            str(path.relative_to(self.directory)): _digest(path)
            for path in self.directory.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm"))  # come and go with each reader
        }
        writes = sum(entry.method != "GET" for entry in self.sandbox.request_log)
        return Picture(books=self.sandbox.books(), writes=writes, files=files)

    @contextlib.contextmanager
    def _entered(self) -> Iterator[None]:
        """Be in the directory with its environment, and leave environment and logging as they were."""
        environ, handlers = dict(os.environ), list(logging.getLogger().handlers)
        try:
            os.environ.clear()
            os.environ.update(self.environ)
            with contextlib.chdir(self.directory):
                yield
        finally:
            os.environ.clear()
            os.environ.update(environ)
            logging.getLogger().handlers[:] = handlers
            logging.captureWarnings(capture=False)
            structlog.reset_defaults()


def _digest(path: Path) -> str:
    """Of a file's bytes; of what stands in it, where it is a database that can be read."""
    content = path.read_bytes()
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(path)) as connection:
        content = "\n".join(connection.iterdump()).encode()
    return hashlib.sha256(content).hexdigest()


def check_refused(place: Place, ended: Ended, *, before: Picture, said: str) -> None:
    """Check the promise to whoever made a mistake: exit code 2, one line that says what to do, nothing changed.

    Args:
        said: What the line must hold.
    """
    assert "Traceback" not in ended.err
    (line,) = ended.err.splitlines() or [""]
    assert line.startswith("refund-worker: ")
    assert said in line
    assert SECRET not in line
    assert (ended.code, ended.out) == (2, "")
    assert place.picture() == before
