"""A worker refunds what was queued, whoever queued it, ends in order, and goes on where Redis is gone."""

import signal
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from celery import Celery
from redis import Redis

from deploy.local import RedisServer
from refund_worker.sandbox import SandboxServer
from tests.cluster.conftest import CUSTOMERS, build, environment
from tests.cluster.roles import Role, Roles, until
from tests.e2e.places import Place


@pytest.mark.timing
def test_a_worker_refunds_what_was_queued(roles: Roles) -> None:
    """By a command, and by the merchant's application; what is malformed is refused in one line each.

    What is no message at all costs Celery its connection, which it makes anew, and is gone.
    """
    worker = roles.start("worker")
    by_command, by_task, *_ = roles.customers()
    queued = roles.place.use("run", "--customer", by_command, "--queue", "--json")
    assert (queued.code, queued.out) == (0, f'{{"queued": ["{by_command}"]}}\n')
    roles.send("refund_worker.refund_customer", customer=by_task)
    roles.send("refund_worker.refund_customer", by_task)
    roles.send("refund_worker.refund_customer", customer="cus_1; DROP", more=1)
    roles.send("refund_worker.refund_customer", customer="../../etc")
    roles.send("refund_worker.unheard_of", customer=by_task)
    roles.send("refund_worker.tick")
    with Redis.from_url(roles.place.environ["REDIS_URL"]) as redis:
        redis.lpush("refund_worker", '{"body": "???", "headers": {}, "properties": {"delivery_info": {}}}')
    until(lambda: {by_command, by_task} <= {line["customer"] for line in worker.events("case_finished")})
    # At least: the connection is made anew, and Celery may bring a message a second time.
    until(lambda: len(worker.events("task_refused")) + len(worker.events("message_refused")) >= 4)
    assert {line["outcome"] for line in worker.events("case_finished")} == {"refunded"}
    assert worker.end() == 0
    assert "Traceback" not in worker.log.read_text()


def _refused(worker: Role, *, at_least: int) -> bool:
    return len(worker.events("message_refused")) >= at_least


NO_HEADERS: Final[tuple[dict[str, object], ...]] = (
    {"task": "refund_worker.tick"},
    {"task": ["refund_worker.tick"], "id": "1"},
    {"task": "refund_worker.tick", "id": "1", "eta": "soon"},
)


def test_headers_that_are_not_celerys_cost_a_line(roles: Roles) -> None:
    """No id, a list of tasks, no time: each message is gone, does not come back, and the next one is heard."""
    worker = roles.start("worker")
    for heard, headers in enumerate(NO_HEADERS, start=1):
        url = roles.place.environ["REDIS_URL"]
        with Celery(broker=url, set_as_current=False) as app, app.connection_for_write() as to:
            to.Producer().publish([[], {}, {}], routing_key="refund_worker", headers=headers)
        roles.send("refund_worker.unheard_of")
        until(partial(_refused, worker, at_least=2 * heard))
    assert worker.end() == 0
    assert "Connection to broker lost" not in worker.log.read_text()
    with Redis.from_url(roles.place.environ["REDIS_URL"]) as redis:
        assert not redis.exists("refund_worker", "refund_worker.unacked")


def test_a_signal_ends_a_worker_in_order(roles: Roles) -> None:
    """In the middle of the work: who was reserved is refunded, nobody else is begun, and the exit code is 0."""
    worker = roles.start("worker", WORKER_THREADS="1")
    for customer in roles.customers():
        roles.place.use("run", "--customer", customer, "--queue")
    until(lambda: any(book.credit_used for book in roles.place.sandbox.books()))
    assert worker.end() == 0
    assert 1 <= roles.refunded() < CUSTOMERS
    assert all(book.balance in {0, -book.credit_granted} for book in roles.place.sandbox.books())
    assert worker.events("worker_ended")[0]["unfinished"] == 0


def test_a_worker_that_is_killed_is_followed_by_another(roles: Roles) -> None:
    """`kill -9` in the middle of a case: the next worker finishes it, and the others, each exactly once."""
    worker = roles.start("worker")
    for customer in roles.customers():
        roles.place.use("run", "--customer", customer, "--queue")
    until(lambda: any(book.credit_used for book in roles.place.sandbox.books()))
    assert worker.end(signal.SIGKILL) == -signal.SIGKILL
    roles.start("worker")
    until(lambda: roles.refunded() == CUSTOMERS)


def test_work_goes_on_while_redis_is_gone(tmp_path: Path, redis_server: RedisServer) -> None:
    """Rows are the queue: a worker whose Redis was killed refunds as before, and ends in order."""
    made = build(customers=1)
    with SandboxServer(made) as server:
        environ = environment(server) | {"REDIS_URL": redis_server.url}
        with Roles(place=Place(directory=tmp_path, sandbox=made, environ=environ)) as roles:
            worker = roles.start("worker")
            redis_server.kill()
            assert roles.place.use("run", "--customer", *roles.customers(), "--queue").code == 0
            until(lambda: roles.refunded() == 1)
            assert worker.end() == 0
