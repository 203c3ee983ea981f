"""`POST /webhooks/stripe`: verify, keep, answer. The work is the workers'.

An answer of 200 means that the event stands in the ledger, or that it will never matter; with any other Stripe sends it
again, for up to three days (docs.stripe.com/webhooks).
"""

import asyncio
from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from refund_worker.adapters.stripe_gateway.webhooks import (
    Delivery,
    WebhookRefused,
    check_signature,
    decoded,
    read_delivery,
)
from refund_worker.entrypoints.web.committer import Committer, NotCommitted
from refund_worker.entrypoints.web.health import Health
from refund_worker.entrypoints.web.parts import WebParts

PATH: Final = "/webhooks/stripe"
# Stripe's events hold a few kilobytes; an invoice of a thousand lines stays below.
BODY_MAX: Final = 256 * 1024
BODY_WITHIN_S: Final = 5.0
_LOG_EVERY_S: Final = 1.0

log = structlog.get_logger("refund_worker")


class WebhookEndpoint:
    """The route."""

    def __init__(self, parts: WebParts, *, committer: Committer, health: Health) -> None:
        self._parts = parts
        self._committer = committer
        self._health = health
        self._refusals = 0
        self._told_at = -_LOG_EVERY_S

    async def receive(self, request: Request) -> Response:
        """Answer one request."""
        if not self._parts.webhook_secrets:
            return _answer(503)
        try:
            delivery = await self._delivery(request)
            wanted = await self._is_wanted(delivery)
        except WebhookRefused as refused:
            return self._refuse(str(refused))
        if not wanted or delivery.event is None:
            self._committer.count("irrelevant")
            return _answer(200)
        try:
            await self._committer.commit(delivery.event)
        except NotCommitted:
            return self._postpone()
        log.info("webhook_received", event_id=delivery.id, type=delivery.type)
        return _answer(200)

    async def _delivery(self, request: Request) -> Delivery:
        payload = decoded(await _body(request))
        check_signature(
            payload,
            request.headers.getlist("stripe-signature"),
            secrets=self._parts.webhook_secrets,
            now=self._parts.clock.now(),
        )
        return read_delivery(payload)

    async def _is_wanted(self, delivery: Delivery) -> bool:
        """Whether it is of our account. Raises WebhookRefused where it is of the other mode."""
        if delivery.account is not None:
            return False
        mode = self._parts.livemode if self._parts.livemode is not None else await self._health.mode()
        if mode is not None and delivery.livemode is not mode:
            raise WebhookRefused(f"event {delivery.id} is of {_mode(delivery.livemode)} mode, not {_mode(mode)}")
        return True

    def _refuse(self, why: str) -> Response:
        """Say nothing to the sender, who may be anybody; and to the log at most one line a second."""
        self._committer.count("refused")
        self._refusals += 1
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= _LOG_EVERY_S:
            log.warning("webhook_refused", why=why, refused=self._refusals)
            self._told_at, self._refusals = now, 0
        # What it still sends is not read.
        return _answer(400, headers={"Connection": "close"})

    def _postpone(self) -> Response:
        self._committer.count("postponed")
        return _answer(503, headers={"Retry-After": "30"})


async def _body(request: Request) -> bytes:
    """The body, never more of it than may be. Raises WebhookRefused."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > BODY_MAX:
        raise WebhookRefused("the body is too large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_MAX:
                    raise WebhookRefused("the body is too large")
    except TimeoutError:
        raise WebhookRefused("the body does not come") from None
    except ClientDisconnect:
        raise WebhookRefused("the body is cut short") from None
    return bytes(body)


def _answer(status: int, *, headers: dict[str, str] | None = None) -> Response:
    words = {200: "received", 400: "bad request", 503: "unavailable"}
    return PlainTextResponse(words[status], status_code=status, headers=headers)


def _mode(livemode: object) -> str:
    return "live" if livemode else "test"
