"""PostgreSQL on loopback, with a password; also for root, whom PostgreSQL refuses to serve."""

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg import sql

from deploy.local.binaries import postgres_binaries
from deploy.local.server import LocalServer, ServerFailed

NAME = "refund_worker"  # of the role and of the first database
_USERS = ("postgres", "nobody")
_PLACES = ("/tmp", "/var/tmp")  # noqa: S108  where any user may go; the directory below is made by mkdtemp
_PATIENCE_S = 5
_FAST = ("fsync=off", "full_page_writes=off")


class PostgresServer(LocalServer):
    """A PostgreSQL of its own with one role, its owner, and one empty database."""

    name: ClassVar[str] = "postgres"
    _ending: ClassVar[signal.Signals] = signal.SIGINT  # "fast": open transactions are rolled back

    def __init__(self, *, port: int | None = None, durable: bool = True, wheel_only: bool = False) -> None:
        """Prepare; nothing is started.

        Args:
            port: Where to listen; None = a free port.
            durable: False = what was committed survives a kill, but no loss of power; faster.
            wheel_only: Take the wheel's programs also where the machine has them.
        """
        self._binaries = postgres_binaries(wheel_only=wheel_only)
        self._user = _other_user() if os.geteuid() == 0 else None
        super().__init__(port=port)
        self._durable = durable
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """The address for DATABASE_URL, password included."""
        return self.url_of(NAME)

    def url_of(self, database: str) -> str:
        """The address of one database of it."""
        return f"postgresql://{NAME}:{self._password}@{self.host}:{self.port}/{database}"

    def create_database(self, database: str, *, template: str = "template0") -> str:
        """Create a database as a copy of another, to which nobody may be connected; returns its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(statement.format(sql.Identifier(database), sql.Identifier(template)))
        return self.url_of(database)

    def drop_database(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _place(self) -> Path | None:
        if self._user is None or _any_user_enters(Path(tempfile.gettempdir())):
            return None
        return next((Path(place) for place in _PLACES if _any_user_enters(Path(place))), None)

    def _prepare(self) -> None:
        if self._data.exists():
            return
        if self._user is not None:
            self._give_to_user()
        # For initdb alone, which reads it once: a password among the arguments would be seen by `ps`.
        secret = self.directory / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        if self._user is not None:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        made = subprocess.run(  # noqa: S603  a program we found ourselves, with arguments of our own
            [
                *(str(self._binaries / "initdb"), "--pgdata", str(self._data), "--username", NAME),
                *("--pwfile", str(secret), "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
                *("--no-sync", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            **self._surroundings(),
        )
        secret.unlink()
        if made.returncode != 0:
            raise ServerFailed(f"initdb failed: {' | '.join(made.stderr.split(os.linesep))}")

    def _give_to_user(self) -> None:
        """Give the directory to the user, and the programs too where it cannot go to where they lie."""
        if self._user is None:
            return
        os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        if not _any_user_enters(self._binaries):
            self._binaries = _copied(self._binaries, self.directory / "programs")

    def _command(self) -> Sequence[str]:
        options = [
            f"listen_addresses={self.host}",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=200",
            *(() if self._durable else _FAST),
        ]
        flags = [part for option in options for part in ("-c", option)]
        return [str(self._binaries / "postgres"), "-D", str(self._data), *flags]

    def _surroundings(self) -> dict[str, Any]:
        # Nothing of this program's environment: it may hold keys, and PG* variables would change what is started.
        asked: dict[str, Any] = {"cwd": self.directory, "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}}
        if self._user is not None:
            asked |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return asked

    def _answers(self) -> bool:
        try:
            self._execute(sql.SQL("SELECT 1"))
            self._make_first_database()
        except psycopg.OperationalError:
            return False
        return True

    def _make_first_database(self) -> None:
        try:
            self.create_database(NAME)
        except psycopg.errors.DuplicateDatabase:
            return

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        url = self.url_of("postgres")
        with psycopg.connect(url, autocommit=True, connect_timeout=_PATIENCE_S) as connection:
            connection.execute(statement)


def _other_user() -> pwd.struct_passwd:
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerFailed(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(_USERS)}")


def _any_user_enters(path: Path) -> bool:
    resolved = path.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (resolved, *resolved.parents))


def _copied(binaries: Path, where: Path) -> Path:
    """Copy an installation; of a wheel its libraries too, which lie beside the package and are found from `bin`."""
    installed = binaries.parent
    package = installed.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(installed, where / package.name / installed.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, where / libraries.name, symlinks=True)
    for directory in (where, where / package.name):
        directory.chmod(0o755)
    return where / package.name / installed.name / binaries.name
