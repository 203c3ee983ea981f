"""A loopback HTTP server that answers from a script, as broken as a network can make it."""

import json
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Literal, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `body` may be JSON to be or bytes as they are; `announced` is a Content-Length that lies."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None

    def bytes(self) -> bytes:
        """The answer as it goes over the line."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        length = self.announced if self.announced is not None else len(body)
        lines = [f"HTTP/1.1 {self.status} Scripted", f"Content-Length: {length}", "Connection: close"]
        lines += [f"{name}: {content}" for name, content in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(
    status: int, *, kind: str = "invalid_request_error", headers: Mapping[str, str] | None = None, **envelope: object
) -> Reply:
    """A refusal in Stripe's envelope."""
    return Reply(status=status, body={"error": {"type": kind, **envelope}}, headers=headers or {})


Step = Reply | Literal["reset", "silence", "hang up"]


class ScriptedServer(ThreadingTCPServer):
    """Answers the nth request with the nth step of its script, and then with the last one again and again."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *script: Step) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.script = list(script)
        self.requests: list[str] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_step(self, request: str) -> Step:
        """Note a request and take the step for it."""
        with self._lock:
            step = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(request)
            return step

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Connection(StreamRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        request = self._read_request()
        if request is None:
            return
        step = self.server.next_step(request)
        if isinstance(step, Reply):
            self.wfile.write(step.bytes())
        elif step == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif step == "silence":
            self.server.closing.wait(10)

    def _read_request(self) -> str | None:
        first = self.rfile.readline().decode("latin-1").strip()
        if "HTTP/" not in first:  # somebody speaks TLS to us
            return None
        length = 0
        while line := self.rfile.readline().strip():
            name, _, content = line.decode("latin-1").partition(":")
            if name.lower() == "content-length":
                length = int(content)
        return f"{first} {self.rfile.read(length).decode()}".strip()
