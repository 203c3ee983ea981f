"""`GET /metrics`: one target for Prometheus, whichever web process answers; the figures are the ledger's."""

import hmac
import ipaddress
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from refund_worker.adapters.ledger.gauges import Gauges
from refund_worker.domain.errors import LedgerError
from refund_worker.entrypoints.web.exposition import Exposition
from refund_worker.entrypoints.web.health import Health
from refund_worker.entrypoints.web.looking import Look
from refund_worker.entrypoints.web.parts import WebParts

# Prometheus gives a scrape 10 seconds.
WITHIN_S: Final = 5.0
# Two Prometheus servers that scrape at the same time cost one read.
_FRESH_S: Final = 1.0
_FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")

log = structlog.get_logger("refund_worker")


class Metrics:
    """The route."""

    def __init__(self, parts: WebParts, *, health: Health) -> None:
        self._token = parts.metrics_token
        self._health = health
        self._gauges = Look(lambda: parts.gauges.read(now=parts.clock.now()), within_s=WITHIN_S, fresh_s=_FRESH_S)

    async def expose(self, request: Request) -> Response:
        """Answer a scrape. Where the ledger cannot be read the checks are told all the same."""
        if not self._may_read(request):
            return PlainTextResponse("forbidden", status_code=403)
        checks, _ = await self._health.checks()
        registry = CollectorRegistry()
        registry.register(Exposition(checks=checks, gauges=await self._read()))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _read(self) -> Gauges | None:
        try:
            return await self._gauges.answer()
        except (LedgerError, TimeoutError) as error:
            log.warning("metrics_unread", why=str(error) or "the ledger does not answer in time")
            return None

    def _may_read(self, request: Request) -> bool:
        """Whoever shows the token; without one, who speaks to this process directly from its own network."""
        if self._token is not None:
            shown = request.headers.get("authorization", "")
            return hmac.compare_digest(shown.encode(), f"Bearer {self._token}".encode())
        if any(name in request.headers for name in _FORWARDED) or request.client is None:
            return False
        return _is_near(request.client.host)


def _is_near(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_private
