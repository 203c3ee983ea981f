"""The script in Redis: its connection, its keys and its answers."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from operator import itemgetter
from typing import Final

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from refund_worker.adapters.rate_limiter.buckets import (
    CUT,
    CUT_INTERVAL_S,
    RATE_PER_SECOND_MIN,
    RECOVERY,
)

# A script takes less than a millisecond. What takes longer is a frozen or lost Redis, and a caller waits meanwhile.
TIMEOUT_S = 0.5
# A worker that was not seen for so long has no share any more. Longer than a quiet worker's tick (30 s).
WORKER_S = 60
# Time for all workers to come back: each asks again within two seconds, and may lose one more timeout.
SETTLING_S = 3
# Slots are kept this long after the last one; the state for a day, so that a worker that was idle finds it again.
SLOTS_S = 60
STATE_S = 86_400

_US = 1_000_000
_CODE = re.compile(
    r"\b(READONLY|OOM|LOADING|MISCONF|NOAUTH|WRONGPASS|NOPERM|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|MOVED|BUSY)\b"
)


class RedisGone(Exception):
    """Redis did not answer, or refused; the message says how, without address or password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A slot that was booked.

    Attributes:
        wait_s: Until it comes, in seconds from the answer.
        workers: Workers seen in the last minute, this one included.
        global_per_second: The account's rate now.
        endpoint_per_second: The endpoint's rate now.
        account_free_s: Until the account's next slot that nobody has booked.
    """

    wait_s: float
    workers: int
    global_per_second: float
    endpoint_per_second: float
    account_free_s: float


class RedisSlots:
    """One worker's access to the slots of an account. One caller at a time: it has one connection."""

    def __init__(self, url: str, *, verify_certificates: bool) -> None:
        """Prepare; nothing is sent.

        Args:
            url: `redis://`, `rediss://` or `unix://`; may hold a password.
            verify_certificates: Of `rediss://`. What the address itself says about that does not count.

        Raises:
            ValueError: If the address is malformed; the message does not repeat it.
        """
        self._worker = uuid.uuid4().hex
        self._generation = ""
        self._prefix = ""
        self._redis = Redis.from_pool(_pool(url, verify_certificates=verify_certificates))
        self._script = Script(self._redis, _source())

    def name(self, *, account: str, livemode: bool) -> None:
        """Say whose slots these are; before anything else."""
        self._prefix = f"{{refund-worker:{account}:{'live' if livemode else 'test'}}}:limit:"

    def join(
        self,
        *,
        workers_before: int,
        booked: Sequence[tuple[str, float]],
        global_per_second: float,
        endpoint_per_second: float,
    ) -> None:
        """Begin, or begin again after Redis was gone or lost its data.

        Args:
            workers_before: How many workers there were when Redis was last seen; 0 = it never was.
            booked: The slots this worker has taken and not yet used: endpoint, seconds from now.
            global_per_second: The account's limit.
            endpoint_per_second: Each endpoint's limit.

        Raises:
            RedisGone: If there is no answer.
        """
        endpoints = sorted({endpoint for endpoint, _ in booked})
        key_of = {endpoint: place for place, endpoint in enumerate(endpoints, start=len(self._keys()) + 1)}
        oldest_first = sorted(booked, key=itemgetter(1))
        pairs = [number for endpoint, ahead_s in oldest_first for number in (key_of[endpoint], round(ahead_s * _US))]
        self._generation = uuid.uuid4().hex
        answer = self._ask("join", workers_before, global_per_second, endpoint_per_second, *pairs, endpoints=endpoints)
        if not isinstance(answer, bytes):
            raise RedisGone("no generation in the answer")
        self._generation = answer.decode()

    def book(self, endpoint: str, *, global_per_second: float, endpoint_per_second: float) -> Granted | None:
        """Book the earliest slot that is free in both buckets; None where this worker must join first.

        Raises:
            RedisGone: If there is no answer. The slot may have been booked: then it is lost.
        """
        answer = self._ask("book", endpoint, global_per_second, endpoint_per_second, endpoints=[endpoint])
        match answer:
            case []:
                return None
            case [int(wait), int(workers), int(of_account), int(of_endpoint), int(free)]:
                return Granted(
                    wait_s=wait / _US,
                    workers=max(1, workers),
                    global_per_second=of_account / 1_000,
                    endpoint_per_second=of_endpoint / 1_000,
                    account_free_s=free / _US,
                )
            case _:
                raise RedisGone("no slot in the answer")

    def cut(self, endpoint: str | None, *, per_second: float) -> None:
        """Lower the rate of an endpoint, None = of the account, from at most `per_second`. Raises RedisGone."""
        self._ask("cut", endpoint or "", per_second)

    def leave(self) -> None:
        """Give up this worker's share, and the connection. Raises RedisGone."""
        try:
            self._ask("leave")
        finally:
            self.close()

    def ping(self) -> None:
        """Ask for a sign of life. Raises RedisGone."""
        try:
            self._redis.ping()
        except (RedisError, OSError, UnicodeError) as error:
            raise RedisGone(_told(error)) from None

    def close(self) -> None:
        """Give up the connection."""
        self._redis.connection_pool.disconnect()

    def _keys(self) -> list[str]:
        return [f"{self._prefix}{name}" for name in ("state", "workers", "slots")]

    def _ask(self, verb: str, *numbers: str | float, endpoints: Sequence[str] = ()) -> object:
        keys = [*self._keys(), *(f"{self._prefix}slots:{endpoint}" for endpoint in endpoints)]
        try:
            answer: object = self._script(keys=keys, args=[verb, self._worker, self._generation, *numbers])
        except (RedisError, OSError, UnicodeError) as error:
            # Without its cause: the cause's text may repeat parts of an address.
            raise RedisGone(_told(error)) from None
        return answer


def _pool(url: str, *, verify_certificates: bool) -> ConnectionPool:
    try:
        pool = ConnectionPool.from_url(url, max_connections=1, protocol=2)  # 2: no greeting but the password
    except (ValueError, TypeError, RedisError):
        raise ValueError("the address of Redis is malformed: redis://[user]:password@host:port/database") from None
    pool.connection_kwargs |= {  # over what the address may say
        "socket_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),  # a second try would cost the callers a second timeout
        "driver_info": None,
    }
    if not url.startswith("unix:"):
        pool.connection_kwargs |= {"socket_connect_timeout": TIMEOUT_S}
    if url.startswith("rediss:"):
        pool.connection_kwargs |= {
            "ssl_cert_reqs": "required" if verify_certificates else "none",
            "ssl_check_hostname": verify_certificates,
        }
    return pool


def _told(error: Exception) -> str:
    """The kind of an error, and Redis's own word for it."""
    code = _CODE.search(str(error)) if isinstance(error, ResponseError) else None
    return f"{type(error).__name__} {code[0]}" if code else type(error).__name__


@cache
def _source() -> str:
    """The script, with the constants that it shares with the limiter in process."""
    constants = {
        "CUT": CUT,
        "CUT_INTERVAL_US": round(CUT_INTERVAL_S * _US),
        "RATE_PER_SECOND_MIN": RATE_PER_SECOND_MIN,
        "RECOVERY": RECOVERY,
        "SETTLING_US": SETTLING_S * _US,
        "SLOTS_MS": SLOTS_S * 1_000,
        "STATE_MS": STATE_S * 1_000,
        "WORKER_US": WORKER_S * _US,
    }
    head: Final = "".join(f"local {name} = {number}\n" for name, number in constants.items())
    return head + files("refund_worker.adapters.rate_limiter").joinpath("script.lua").read_text()
