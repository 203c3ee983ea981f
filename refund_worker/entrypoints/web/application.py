"""The web application: its routes, and what every answer of it carries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from refund_worker.entrypoints.web.committer import Committer
from refund_worker.entrypoints.web.health import Health
from refund_worker.entrypoints.web.metrics import Metrics
from refund_worker.entrypoints.web.parts import WebParts
from refund_worker.entrypoints.web.webhooks import PATH, WebhookEndpoint

# Nothing here is a page: no browser may guess a type, frame it, keep it, or load anything for it.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_app(parts: WebParts) -> Starlette:
    """The application, ready for an ASGI server that speaks the lifespan protocol."""
    committer = Committer(parts.queue, clock=parts.clock)
    health = Health(parts, committer=committer)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        committer.start()
        try:
            yield
        finally:
            await asyncio.to_thread(committer.stop)

    app = Starlette(
        routes=[
            Route(PATH, WebhookEndpoint(parts, committer=committer, health=health).receive, methods=["POST"]),
            Route("/healthz", health.healthz, methods=["GET"]),
            Route("/readyz", health.readyz, methods=["GET"]),
            Route("/metrics", Metrics(parts, health=health).expose, methods=["GET"]),
        ],
        middleware=[Middleware(_Headers)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class _Headers:
    """Puts the headers on each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)
