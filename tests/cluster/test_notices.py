"""Notices reach each target once, and a target that is dead or hangs keeps none from another."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from refund_worker.adapters.notifier import Notifier
from refund_worker.adapters.notifier_error import NotifierError
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.entrypoints.noticing import AGAIN_AFTER_S, Delivery
from refund_worker.sandbox import Sandbox
from tests.worlds import make_world


class Target(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    got: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Take a message."""
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def target() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a target that takes everything, and what it took."""
    got: list[dict[str, Any]] = []
    handler = type("Kept", (Target,), {"got": got})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_address[1]}/", got
        server.shutdown()


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a target that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"json://127.0.0.1:{listener.getsockname()[1]}/"


def free() -> str:
    """The address of a target that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"json://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_dead_target_keeps_no_notice_from_another(target: tuple[str, list[dict[str, Any]]], hanging: str) -> None:
    """One is dead, one hangs: the third gets its message once, also when the others are tried again."""
    address, got = target
    sandbox = Sandbox(seed=1)
    world = make_world(sandbox)
    notice = Notice(
        key="k", kind=NoticeKind.NIGHT_STOPPED, title="Stopped", body="by kim@example.com, key sk_live_planted1"
    )
    world.queue.notify(notice, now=world.clock.now())
    delivery = Delivery(world, Notifier([free(), hanging, address], answer_within_s=0.3))
    begun = time.monotonic()
    delivery.deliver()
    assert time.monotonic() - begun < 5
    assert [one["message"] for one in got] == ["by [e-mail], key [key]"]
    assert got[0]["title"] == "Stopped"
    sandbox.clock.advance(AGAIN_AFTER_S + 1)
    delivery.deliver()
    assert len(got) == 1
    assert world.queue.claim_notices(now=world.clock.now() + AGAIN_AFTER_S + 1, lease_s=1, limit=9) == (notice,)


def test_a_notice_is_sent_once(target: tuple[str, list[dict[str, Any]]]) -> None:
    """Sent is sent; the same key is not taken again."""
    address, got = target
    sandbox = Sandbox(seed=1)
    world = make_world(sandbox)
    delivery = Delivery(world, Notifier([address]))
    for _ in range(3):
        world.queue.notify(Notice(key="k", kind=NoticeKind.HALTED, title="Halted", body="why"), now=world.clock.now())
        delivery.deliver()
        sandbox.clock.advance(3600)
    assert len(got) == 1


def test_without_targets_nothing_is_kept() -> None:
    """Who sets NOTIFY_URLS later is not told of last month."""
    world = make_world(Sandbox(seed=1))
    world.queue.notify(Notice(key="k", kind=NoticeKind.HALTED, title="Halted", body="why"), now=world.clock.now())
    Delivery(world, Notifier([])).deliver()
    assert world.queue.claim_notices(now=world.clock.now() + 3600, lease_s=1, limit=9) == ()


def test_an_address_that_apprise_does_not_know_is_told_without_it() -> None:
    """By its place in the list."""
    with pytest.raises(NotifierError, match="address 2 is none that Apprise knows") as caught:
        Notifier(["json://127.0.0.1:9/", "planted://secret"])
    assert "planted" not in str(caught.value)
