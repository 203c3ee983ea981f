"""Which endpoints an event goes to, and which addresses the sandbox sends to at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from refund_worker.sandbox.errors import parameter_invalid

if TYPE_CHECKING:
    from refund_worker.sandbox.store import Record, Store

KIND: Final = "webhook_endpoint"
_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_EVENT: Final = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")
_PRINTABLE: Final = re.compile(r"[!-~]+")
_HTTP_PORT: Final = 80


class Address(NamedTuple):
    """Where a delivery goes: a port of this machine, and what stands in the request line."""

    host: str
    port: int
    target: str


def address(url: str) -> Address:
    """The address of an endpoint's `url`.

    Raises:
        ValueError: If it is not plain http to this machine: nothing ever leaves it.
    """
    parts = urlsplit(url)
    if not _PRINTABLE.fullmatch(url):
        raise ValueError(f"not a percent-encoded address: {url}")
    if parts.scheme != "http" or parts.hostname not in _HOSTS or "@" in parts.netloc or parts.port == 0:
        raise ValueError(f"not plain http to 127.0.0.1 or localhost: {url}")
    target = parts.path or "/"
    return Address(parts.hostname, parts.port or _HTTP_PORT, f"{target}?{parts.query}" if parts.query else target)


def url_form(raw: object, name: str) -> str:
    """A parameter that is an address the sandbox sends to."""
    if not isinstance(raw, str):
        raise parameter_invalid("Invalid string", param=name)
    try:
        address(raw)
    except ValueError:
        raise parameter_invalid(
            f"Invalid URL: {raw}. This sandbox delivers webhooks over plain http to 127.0.0.1 or localhost only.",
            param=name, code="url_invalid",
        ) from None  # fmt: skip
    return raw


def event_form(raw: object, name: str) -> str:
    """A parameter that is a type of event, or `*` for all of them."""
    if not isinstance(raw, str) or not _EVENT.fullmatch(raw):
        raise parameter_invalid(f"Invalid {name}: {raw} is no type of event", param=name)
    return raw


def hears(endpoint: Record, event: str) -> bool:
    """Whether an endpoint is told of events of this type."""
    wanted = endpoint.fields.get("enabled_events", ())
    return endpoint.fields.get("status") == "enabled" and ("*" in wanted or event in wanted)


def listeners(store: Store, event: str) -> list[Record]:
    """The endpoints that are told of events of this type, in order of creation."""
    return [endpoint for endpoint in store.all(KIND) if hears(endpoint, event)]
