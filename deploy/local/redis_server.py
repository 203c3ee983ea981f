"""Redis on loopback, with a password and its data on disk."""

import os
import secrets
import signal
from collections.abc import Sequence
from typing import ClassVar

from redis import Redis
from redis.exceptions import RedisError

from deploy.local.binaries import redis_binary
from deploy.local.server import LocalServer

_CONFIG = "redis.conf"
_PATIENCE_S = 2.0


class RedisServer(LocalServer):
    """A Redis of its own, as production has it: append-only file, nothing evicted."""

    name: ClassVar[str] = "redis"
    _ending: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, *, port: int | None = None, durable: bool = True, wheel_only: bool = False) -> None:
        """Prepare; nothing is started.

        Args:
            port: Where to listen; None = a free port.
            durable: False = what was written survives a kill, but no loss of power; faster.
            wheel_only: Take the wheel's program also where the machine has one.
        """
        self._binary = redis_binary(wheel_only=wheel_only)
        super().__init__(port=port)
        self._durable = durable
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """The address for REDIS_URL, password included."""
        return f"redis://:{self._password}@{self.host}:{self.port}/0"

    def _prepare(self) -> None:
        lines = [
            f"bind {self.host}",
            f"port {self.port}",
            f"requirepass {self._password}",
            f"dir {self.directory}",
            "appendonly yes",
            f"appendfsync {'everysec' if self._durable else 'no'}",
            'save ""',
            "maxmemory-policy noeviction",
            "databases 16",
        ]
        path = self.directory / _CONFIG  # not on the command line: `ps` would show the password
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + os.linesep)

    def _command(self) -> Sequence[str]:
        return [str(self._binary), str(self.directory / _CONFIG)]

    def _answers(self) -> bool:
        client = Redis.from_url(self.url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()
