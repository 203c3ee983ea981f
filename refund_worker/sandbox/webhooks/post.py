"""One attempt of a delivery over HTTP, on a connection that is kept while the endpoint answers."""

from __future__ import annotations

import contextlib
import socket
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refund_worker.sandbox.webhooks.listening import Address
    from refund_worker.sandbox.webhooks.spoiling import Letter

_LOOPBACK: Final = "127.0.0.1"
_ANSWER_BYTES_MAX: Final = 1 << 20
_HEADERS: Final = {
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
    "Content-Type": "application/json; charset=utf-8",
}


class Post:
    """The connections of one thread; `end` may be called by another and breaks off what is under way."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._kept: dict[int, HTTPConnection] = {}
        self._ended = False

    def send(self, where: Address, sent: Letter) -> int:
        """The status of the answer, 0 if there is none."""
        if self._ended:
            return 0
        reused = where.port in self._kept
        try:
            return self._exchange(where, sent)
        except TimeoutError:
            self._forget(where.port)
        except (OSError, HTTPException):
            self._forget(where.port)
            if reused:  # the receiver had closed the kept connection meanwhile
                return self.send(where, sent)
        return 0

    def _exchange(self, where: Address, sent: Letter) -> int:
        connection = self._kept.get(where.port)
        if connection is None:
            connection = HTTPConnection(_LOOPBACK, where.port, timeout=self._timeout_s)
            self._kept[where.port] = connection
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ended:
                raise ConnectionAbortedError
        connection.putrequest("POST", where.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"{where.host}:{where.port}")
        for name, value in _HEADERS.items():
            connection.putheader(name, value)
        if sent.header is not None:
            connection.putheader("Stripe-Signature", sent.header)
        connection.putheader("Content-Length", str(sent.announced))
        connection.endheaders(sent.body)
        if sent.announced > len(sent.body):
            connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.getresponse()
        answer.read(_ANSWER_BYTES_MAX)
        if answer.will_close or sent.announced > len(sent.body):
            self._forget(where.port)
        return answer.status

    def _forget(self, port: int) -> None:
        connection = self._kept.pop(port, None)
        if connection is not None:
            connection.close()

    def end(self) -> None:
        """Send nothing more, and wait for no answer."""
        self._ended = True
        for connection in list(self._kept.values()):
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the sockets; by the thread that sent."""
        for port in list(self._kept):
            self._forget(port)
