"""A merchant's webhook receiver on loopback: keeps what arrives and answers as told."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Arrived(NamedTuple):
    """One request as it came; `body` is what could be read of it."""

    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.server.receiver
        arrived = Arrived(dict(self.headers), body)
        receiver.arrived.append(arrived)
        self.send_response(receiver.answer(arrived))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name http.server gives it
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The sandbox breaks connections off on purpose."""


class Receiver:
    """Listens while it is entered; `answer` gives the status for each request."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.answer: Callable[[Arrived], int] = lambda _arrived: 200
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def soon(seconds: float = 5.0) -> Iterator[None]:
    """Ask again and again, for some seconds: `for _ in soon(): if ...: break; else: fail`."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        yield
        time.sleep(0.005)


def until(condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait for something to become true.

    Raises:
        AssertionError: If it does not in time.
    """
    for _ in soon(seconds):
        if condition():
            return
    raise AssertionError("it did not come true in time")
