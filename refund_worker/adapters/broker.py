"""What is asked of Redis beside messages and the rate limit: whether it answers, and whether it keeps what it gets."""

from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

_CONNECT_WITHIN_S: Final = 3.0
_ANSWER_WITHIN_S: Final = 5.0


class BrokerError(Exception):
    """Redis cannot be used; one line that shows neither user nor password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """What Redis says of itself; None where it does not tell (CONFIG is forbidden on many platforms).

    Attributes:
        persisted: Writes a snapshot or a log to its disk.
        maxmemory_policy: What it drops when it is full; `noeviction` = nothing.
        used_bytes: Memory in use.
    """

    version: str
    persisted: bool | None
    maxmemory_policy: str | None
    used_bytes: int


class Broker:
    """A Redis, by its address. Connections are made when they are needed."""

    def __init__(self, url: str) -> None:
        """Keep the address; nothing is sent. Raises BrokerError where it is malformed."""
        try:
            self._redis: Redis = Redis.from_url(
                url, socket_connect_timeout=_CONNECT_WITHIN_S, socket_timeout=_ANSWER_WITHIN_S
            )
        except (ValueError, RedisError) as error:
            raise BrokerError(f"REDIS_URL cannot be used: {type(error).__name__}") from None

    def check(self) -> None:
        """Raise BrokerError unless it answers."""
        try:
            self._redis.ping()
        except AuthenticationError:
            raise BrokerError("Redis refuses the password of REDIS_URL") from None
        except (RedisError, OSError) as error:
            raise BrokerError(f"cannot reach Redis at {self._where()}: {_said(error)}") from None

    def waiting(self, queue: str) -> int:
        """How many messages wait in a queue. Raises BrokerError."""
        try:
            return int(self._redis.llen(queue))
        except (RedisError, OSError) as error:
            raise BrokerError(f"cannot reach Redis at {self._where()}: {_said(error)}") from None

    def facts(self) -> BrokerFacts:
        """What it says of itself. Raises BrokerError."""
        self.check()
        try:
            found: dict[str, Any] = self._redis.info()
        except (RedisError, OSError) as error:
            raise BrokerError(f"cannot reach Redis at {self._where()}: {_said(error)}") from None
        snapshots = self._setting("save")
        log = bool(found.get("aof_enabled"))
        return BrokerFacts(
            version=str(found.get("redis_version", "?")),
            persisted=True if log else None if snapshots is None else bool(snapshots.strip()),
            maxmemory_policy=found.get("maxmemory_policy") or self._setting("maxmemory-policy"),
            used_bytes=int(found.get("used_memory", 0)),
        )

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _setting(self, name: str) -> str | None:
        try:
            return self._redis.config_get(name).get(name)
        except RedisError:
            return None

    def _where(self) -> str:
        options = self._redis.connection_pool.connection_kwargs
        return f"{options.get('host')}:{options.get('port')}"


def _said(error: Exception) -> str:
    """What went wrong, in the words of the operating system where it has some."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "it does not answer in time" if "imeout" in type(error).__name__ + str(error) else type(error).__name__
