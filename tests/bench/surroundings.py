"""A PostgreSQL that flushes each commit, a Redis and the local Stripe, and what they cost."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import psutil
import psycopg
from redis import Redis

from deploy.local import PostgresServer, RedisServer
from deploy.local.server import free_port
from deploy.local.stack import KEY
from refund_worker.adapters.ledger import upgrade
from refund_worker.sandbox import POPULATIONS, RateLimits, Sandbox, SandboxServer
from tests.bench.watched import POLICY

# Half a month and a bit: the population of many credits lives so long, and then it is now.
_LIVED_S: Final = 16 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the processes of the program need around them."""

    sandbox: Sandbox
    base: str
    postgres: PostgresServer
    redis: RedisServer
    web_port: int

    def environment(self, *, global_per_second: float, endpoint_per_second: float, **more: str) -> dict[str, str]:
        """The platform's variables and nothing else."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "STRIPE_API_KEY": KEY,
            "STRIPE_API_BASE": self.base,
            "STRIPE_RATE_GLOBAL": str(global_per_second),
            "STRIPE_RATE_ENDPOINT": str(endpoint_per_second),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "REFUND_POLICY": str(POLICY),
            "PORT": str(self.web_port),
            **more,
        }

    def transactions(self) -> int:
        """Transactions of the ledger's database so far, committed or not."""
        asked = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            row = connection.execute(asked).fetchone()
        return int(row[0]) if row is not None else 0

    def postgres_cpu_s(self) -> float:
        """CPU of all its processes so far, of those that have ended too."""
        first = psutil.Process(self.postgres.pid)
        ended = first.cpu_times()
        return ended.children_user + ended.children_system + sum(map(cpu_s, (first, *first.children(recursive=True))))

    def redis_bytes(self) -> int:
        """Redis' `used_memory`."""
        with Redis.from_url(self.redis.url) as client:
            return int(client.info("memory")["used_memory"])


@contextmanager
def surrounded(sandbox: Sandbox) -> Iterator[Surroundings]:
    """Start the servers; nothing of them is left afterwards."""
    with ExitStack() as servers:
        postgres = servers.enter_context(PostgresServer())
        redis = servers.enter_context(RedisServer())
        upgrade(postgres.url)
        base = servers.enter_context(SandboxServer(sandbox)).base_url
        yield Surroundings(sandbox=sandbox, base=base, postgres=postgres, redis=redis, web_port=free_port())


def lived(
    population: str, customers: int, *, latency_ms: int = 0, limits: RateLimits | None = None, ago_s: int = 0
) -> Sandbox:
    """A sandbox in which a population has lived until now, or until some time ago; its clock ticks on."""
    life_s = _LIVED_S if population == "bench" else 365 * 24 * 3600
    sandbox = Sandbox(now=int(time.time()) - life_s - ago_s, latency_ms=latency_ms, rate_limits=limits, renewals=False)
    POPULATIONS[population](sandbox, customers)
    sandbox.clock.advance(max(0, int(time.time()) - ago_s - sandbox.clock.now))
    # An event of now: without one the credits' own would be the newest, and a first night, which reads the events from
    # ten minutes before the newest one, would find each customer there and in its sweep.
    sandbox.delete(f"/v1/customers/{sandbox.post('/v1/customers')['id']}")
    sandbox.clock.tick()
    return sandbox


def wrong_books(sandbox: Sandbox, *, of: int) -> list[str]:
    """What is wrong in Stripe's own books, where so many credits were to be refunded, each once and whole."""
    books = [book for book in sandbox.books() if book.credit_granted]
    wrong = [
        f"{book.customer}: {book.refunded} in {len(book.refunds)} refunds, balance {book.balance}"
        for book in books
        if book.balance != 0 or book.refunded != book.credit_granted or len(book.refunds) != 1
    ]
    return wrong if len(books) == of else [f"{len(books)} credits, not {of}", *wrong]


def cpu_s(process: psutil.Process) -> float:
    """User and system time of a process so far; 0 where it has gone."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
