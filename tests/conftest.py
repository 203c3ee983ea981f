"""Servers for all tests; none is started before a test asks for it. And patience with machines that are busy."""

import os
from collections.abc import Iterator

import pytest
from _pytest.runner import runtestprotocol
from redis import Redis

from deploy.local import PostgresServer, RedisServer
from tests.servers import SharedPostgres, run_of, shared_postgres

TRIES = 3


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line(
        "markers", f"timing: measures real time, which a busy machine disturbs; passes when one of {TRIES} tries passes"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for a process or a server, and another worker computes then."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test that measures time again where it failed, with new fixtures; what is wrong fails each time."""
    if item.get_closest_marker("timing") is None or not isinstance(item, pytest.Function):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for _ in range(TRIES):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in reports):
            break
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


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
