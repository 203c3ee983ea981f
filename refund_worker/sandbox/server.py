"""The sandbox over HTTP/1.1 on loopback, with keep-alive; and its test controls under `/_sandbox/`."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

from refund_worker.sandbox import control_http
from refund_worker.sandbox.faults import AnswerLost

if TYPE_CHECKING:
    from types import TracebackType

    from refund_worker.sandbox.answers import Answer
    from refund_worker.sandbox.sandbox import Sandbox

_BODY_BYTES_MAX: Final = 1 << 20
_LOOPBACK: Final = "127.0.0.1"


class _Connection(BaseHTTPRequestHandler):
    """One connection; every method goes the same way."""

    protocol_version = "HTTP/1.1"
    server_version = "stripe-sandbox"
    sys_version = ""
    wbufsize = -1  # one segment for head and body
    disable_nagle_algorithm = True
    timeout = 120

    server: _Listener

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            answer = self._asked(body)
        except AnswerLost:
            self._drop()
            return
        except Exception:
            self.send_error(500)
            raise
        self._send(answer)

    def _asked(self, body: bytes) -> Answer:
        sandbox = self.server.sandbox
        if self.path.startswith(control_http.PREFIX):
            return control_http.answer(sandbox, method=self.command, target=self.path, body=body)
        return sandbox.dispatch(method=self.command, target=self.path, headers=dict(self.headers.items()), body=body)

    def _body(self) -> bytes | None:
        announced = self.headers.get("Content-Length") or "0"
        length = int(announced) if announced.isdecimal() else -1
        if not 0 <= length <= _BODY_BYTES_MAX:
            self.close_connection = True
            self.send_error(400 if length < 0 else 413)
            return None
        return self.rfile.read(length) if length else b""

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) * 2 if answer.cut else len(answer.body)
        self.send_header("Content-Length", str(length + answer.cut))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()
        if answer.cut:
            self._drop()

    def _drop(self) -> None:
        """Close without (the rest of) an answer."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _answer  # noqa: N815  # the names http.server calls

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer is the sandbox's time, as it would be Stripe's."""
        return super().date_time_string(self.server.sandbox.clock.now if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name http.server gives it
        """Say nothing for each request: the sandbox has its own log."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    sandbox: Sandbox

    def service_actions(self) -> None:
        """Let what falls due happen, and its events be sent, although nobody asks just now."""
        with self.sandbox.lock:
            self.sandbox.world.clock.catch_up()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report; a fault of the sandbox is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class SandboxServer:
    """Serves a sandbox from threads of its own; a context manager. Binds loopback and nothing else."""

    def __init__(self, sandbox: Sandbox, *, port: int = 0) -> None:
        """Bind the port, 0 for a free one.

        Raises:
            OSError: If the port is taken.
        """
        self.sandbox = sandbox
        self._listener = _Listener((_LOOPBACK, port), _Connection)
        self._listener.sandbox = sandbox
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._listener.server_address[1])

    @property
    def base_url(self) -> str:
        """The address to give to a client, without a slash at the end."""
        return f"http://{_LOOPBACK}:{self.port}"

    def start(self) -> SandboxServer:
        """Begin to serve; once is enough."""
        if not self._thread.is_alive():
            self.sandbox.open_courier()
            self._thread.start()
        return self

    def stop(self) -> None:
        """Serve no more, deliver no more, and free the port."""
        self.sandbox.close_courier()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
