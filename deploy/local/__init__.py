"""Real Redis and PostgreSQL on loopback, for the tests and for development on one machine.

    with PostgresServer() as postgres, RedisServer() as redis:
        ...postgres.url, redis.url...

The binaries are the machine's, else those of the wheels in the dev group.
"""

from deploy.local.binaries import BinaryMissing
from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from deploy.local.server import ServerFailed

__all__ = ["BinaryMissing", "PostgresServer", "RedisServer", "ServerFailed"]
