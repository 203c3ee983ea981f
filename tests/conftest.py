"""Servers for all tests; none is started before a test asks for it."""

from collections.abc import Iterator

import pytest
from redis import Redis

from deploy.local import PostgresServer, RedisServer
from tests.servers import SharedPostgres, run_of, shared_postgres


@pytest.fixture(scope="session")
def _postgres(request: pytest.FixtureRequest) -> Iterator[SharedPostgres]:
    """The PostgreSQL of this test run."""
    with shared_postgres(run_of(request.config)) as shared:
        yield shared


@pytest.fixture
def postgres_url(_postgres: SharedPostgres) -> Iterator[str]:
    """The address of a database of this test alone, migrated."""
    with _postgres.database(migrated=True) as url:
        yield url


@pytest.fixture
def empty_postgres_url(_postgres: SharedPostgres) -> Iterator[str]:
    """The address of a database of this test alone, without tables."""
    with _postgres.database(migrated=False) as url:
        yield url


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test alone, to restart, freeze and kill; its database has no tables."""
    with PostgresServer(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    """The Redis of this worker."""
    with RedisServer(durable=False) as server:
        yield server


@pytest.fixture
def redis_url(_redis: RedisServer) -> str:
    """The address of a Redis that nobody else uses now, flushed."""
    with Redis.from_url(_redis.url) as client:
        client.flushall()
    return _redis.url


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test alone, to restart, freeze and kill."""
    with RedisServer(durable=False) as server:
        yield server
