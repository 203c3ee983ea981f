"""`/healthz` and `/readyz`: what platforms ask."""

import json
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from deploy.local import RedisServer
from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.facts import Account
from tests.web.ledgers import Web, bind, file_url, web

ALL = {"database": "ok", "migrations": "ok", "binding": "ok"}


def ready(shop: Web) -> tuple[int, dict[str, Any]]:
    """What the probe answers."""
    answer = shop.asked.ask("GET", "/readyz")
    return answer.status, json.loads(answer.text)


def test_ready(tmp_path: Path) -> None:
    """A ledger of this version, no Redis configured, no halt."""
    with web(file_url(tmp_path)) as shop:
        assert ready(shop) == (200, {"ready": True, "checks": ALL, "halted": False, "waiting": False})


def test_alive_asks_nothing(tmp_path: Path) -> None:
    """A ledger that hangs does not make a platform restart the process."""

    class Hangs:
        def state(self) -> None:
            threading.Event().wait(30)

    with web(file_url(tmp_path), gauges=Hangs()) as shop:
        begun = time.monotonic()
        answer = shop.asked.ask("GET", "/healthz")
        assert (answer.status, answer.text) == (200, "alive")
        assert time.monotonic() - begun < 1


@pytest.mark.parametrize(("bound", "key", "fine"), [(True, True, True), (True, None, True), (False, True, False)])
def test_a_key_of_the_other_mode(tmp_path: Path, *, bound: bool, key: bool | None, fine: bool) -> None:
    """The ledger belongs to one account and mode; a key of the other one is not ready."""
    bind(file_url(tmp_path), Account(id="acct_1", livemode=bound))
    with web(file_url(tmp_path), livemode=key) as shop:
        status, told = ready(shop)
    assert (status, told["checks"]) == (200 if fine else 503, ALL | {"binding": "ok" if fine else "failed"})


def test_a_ledger_that_is_not_bound_yet(tmp_path: Path) -> None:
    """The first run binds it; until then any key will do."""
    with web(file_url(tmp_path), livemode=True) as shop:
        assert ready(shop)[0] == 200


def test_halted_is_shown_and_ready(tmp_path: Path) -> None:
    """Events are received during a halt too."""
    with closing(SqlLedger.open(file_url(tmp_path))) as ledger:
        ledger.queue.halt(reason="audit of jane.roe@example.com", by="jane", now=1)
    with web(file_url(tmp_path)) as shop:
        assert ready(shop) == (200, {"ready": True, "checks": ALL, "halted": True, "waiting": False})


def test_redis_gone_and_back(tmp_path: Path) -> None:
    """Real Redis: answers, frozen, killed, started again; each within the probe's time."""
    with (
        RedisServer(durable=False) as server,
        Redis.from_url(server.url, socket_timeout=0.5) as redis,
        web(file_url(tmp_path), ping=redis.ping) as shop,
    ):
        assert ready(shop) == (200, {"ready": True, "checks": ALL | {"redis": "ok"}, "halted": False, "waiting": False})
        server.freeze()
        becomes(shop, 503)
        server.thaw()
        becomes(shop, 200)
        server.kill()
        becomes(shop, 503)
        status, told = ready(shop)
        assert (status, told["checks"]) == (503, ALL | {"redis": "failed"})
        server.start()
        becomes(shop, 200)


def becomes(shop: Web, status: int) -> None:
    """Wait until the probe answers so."""
    deadline = time.monotonic() + 10
    while ready(shop)[0] != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)
