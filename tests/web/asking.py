"""Asks an application over ASGI, in an event loop of its own: any bytes can be sent, also those no client sends."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.types import Message

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(slots=True)
class _Exchange:
    chunks: Sequence[bytes]
    breaks_off: bool
    status: int = 0
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)
    sent: int = 0

    async def receive(self) -> Message:
        if self.sent < len(self.chunks):
            self.sent += 1
            more = self.breaks_off or self.sent < len(self.chunks)
            return {"type": "http.request", "body": self.chunks[self.sent - 1], "more_body": more}
        if self.breaks_off:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message.get("body", b"")


class Asked:
    """A running application."""

    def __init__(self, app: Starlette, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self.loop = loop

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        chunks: Sequence[bytes] = (b"",),
        breaks_off: bool = False,
        client: tuple[str, int] | None = ("127.0.0.1", 40000),
    ) -> Answer:
        """Send one request and wait for its answer."""
        return asyncio.run_coroutine_threadsafe(
            self.asking(method, path, headers=headers, chunks=chunks, breaks_off=breaks_off, client=client), self.loop
        ).result(30)

    def post(self, body: bytes, *signatures: str) -> Answer:
        """Deliver a webhook."""
        headers = [(b"stripe-signature", one.encode("latin-1")) for one in signatures]
        headers.append((b"content-length", str(len(body)).encode()))
        return self.ask("POST", "/webhooks/stripe", headers=headers, chunks=[body])

    async def asking(
        self,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        chunks: Sequence[bytes] = (b"",),
        breaks_off: bool = False,
        client: tuple[str, int] | None = ("127.0.0.1", 40000),
    ) -> Answer:
        """The same in the application's loop."""
        exchange = _Exchange(chunks=chunks, breaks_off=breaks_off)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower(), content) for name, content in headers],
            "client": client,
            "server": ("127.0.0.1", 8000),
        }
        await self._app(scope, exchange.receive, exchange.send)
        headers_told = {name.decode(): content.decode() for name, content in exchange.headers}
        return Answer(status=exchange.status, headers=headers_told, body=bytes(exchange.body))


@contextmanager
def running(app: Starlette) -> Iterator[Asked]:
    """The application between its start and its end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    lifespan = app.router.lifespan_context(app)
    asyncio.run_coroutine_threadsafe(lifespan.__aenter__(), loop).result(10)
    try:
        yield Asked(app, loop)
    finally:
        asyncio.run_coroutine_threadsafe(lifespan.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
