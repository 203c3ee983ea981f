"""Real servers for the tests, started when the first test asks. A server that does not start fails the test.

One PostgreSQL serves all workers of a test run. A keeper, a process of its own, holds it and ends with the last
worker, also where that was killed: a lock on a file ends with whoever holds it. Each test gets a database of its own,
copied from one that was migrated once.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from deploy.local import PostgresServer
from refund_worker.adapters.ledger import upgrade

TEMPLATE = "migrated"
_ADMIN = "postgres"
_ADDRESS = "address.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPostgres:
    """The PostgreSQL of a test run. `base` is its address up to the name of the database."""

    base: str

    @contextmanager
    def database(self, *, migrated: bool) -> Iterator[str]:
        """A new database, dropped at the end, whoever is still connected."""
        name = f"test_{uuid.uuid4().hex}"
        template = TEMPLATE if migrated else "template0"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.base + name
        finally:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.base + _ADMIN, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def shared_postgres(run: str) -> Iterator[SharedPostgres]:
    """Join the PostgreSQL of a test run, and start it where nobody has.

    Args:
        run: Names the test run; the same in all its workers.
    """
    directory = Path(tempfile.gettempdir()) / f"refund-worker-tests-{run}"
    directory.mkdir(mode=0o700, exist_ok=True)
    address = directory / _ADDRESS
    with (directory / "users").open("a") as users:
        with (directory / "starting").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            # Waits where a keeper is just ending: it takes its address away before it lets go.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address.exists():
                _start_keeper(directory)
        yield SharedPostgres(base=json.loads(address.read_text()))


def run_of(config: pytest.Config) -> str:
    """The name of this test run, which all workers of pytest-xdist know; without them it is this process's own."""
    workers: dict[str, str] = getattr(config, "workerinput", {})
    return workers.get("testrunuid") or f"{os.getpid()}-{uuid.uuid4().hex}"


def _start_keeper(directory: Path) -> None:
    log = directory / "keeper.log"
    with log.open("wb") as said:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.servers", str(directory)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    with keeper.stdout as ready:
        if not ready.readline():
            raise RuntimeError(f"no PostgreSQL for the tests: {log.read_text()}")
    keeper.returncode = 0  # it outlives this worker: nobody waits for it here


def _keep(directory: Path) -> None:
    """Keep a PostgreSQL until the last worker has gone."""
    with PostgresServer(durable=False) as server, (directory / "users").open("a") as users:
        upgrade(server.create_database(TEMPLATE))
        (directory / _ADDRESS).write_text(json.dumps(server.url_of("")))
        print("ready", flush=True)
        fcntl.flock(users, fcntl.LOCK_EX)
        (directory / _ADDRESS).unlink()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
