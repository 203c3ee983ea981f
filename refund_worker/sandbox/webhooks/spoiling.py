"""Deliveries that no receiver may believe: forged, outdated, oversized, mutilated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from refund_worker.sandbox.webhooks.signing import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SKEW_SECONDS: Final = 3600  # Stripe's tolerance is five minutes
AHEAD_SECONDS: Final = 10 * 365 * 86_400
OVERSIZED_BYTES: Final = 300_000  # no event of Stripe is as large; receivers should stop at 256 KB


class Letter(NamedTuple):
    """What is sent: `announced` is the Content-Length, `header` the signature (None leaves it out)."""

    body: bytes
    header: str | None
    announced: int


def plain(body: bytes, *, secret: str, now: int) -> Letter:
    """As Stripe sends it."""
    return Letter(body, signature(body, secret=secret, at=now), len(body))


def _forged(body: bytes, secret: str, now: int) -> Letter:
    """Somebody else's event under another secret: its id tells whether it was believed."""
    invented = json.loads(body)
    invented["id"] = invented["id"].replace("evt_", "evt_forged", 1)
    return plain(json.dumps(invented).encode(), secret=f"{secret}x", now=now)


def _unsigned(body: bytes, _secret: str, _now: int) -> Letter:
    return Letter(body, None, len(body))


def _old(body: bytes, secret: str, now: int) -> Letter:
    return plain(body, secret=secret, now=now - SKEW_SECONDS)


def _future(body: bytes, secret: str, now: int) -> Letter:
    return plain(body, secret=secret, now=now + AHEAD_SECONDS)


def _oversized(body: bytes, secret: str, now: int) -> Letter:
    """Valid JSON and validly signed, but with white space to the brim."""
    return plain(body + b" " * max(0, OVERSIZED_BYTES - len(body)), secret=secret, now=now)


def _truncated(body: bytes, secret: str, now: int) -> Letter:
    """Half of the body under the signature of the whole."""
    half = body[: len(body) // 2]
    return Letter(half, signature(body, secret=secret, at=now), len(half))


def _cut(body: bytes, secret: str, now: int) -> Letter:
    """Half of the body although all of it was announced; then the connection ends."""
    return Letter(body[: len(body) // 2], signature(body, secret=secret, at=now), len(body))


def _not_utf8(body: bytes, secret: str, now: int) -> Letter:
    """Validly signed bytes that are no text."""
    return plain(body.replace(b'"object"', b'"obj\xff\xfeect"', 1), secret=secret, now=now)


_KINDS: Final[Mapping[str, Callable[[bytes, str, int], Letter]]] = {
    "forged": _forged,
    "unsigned": _unsigned,
    "old": _old,
    "future": _future,
    "oversized": _oversized,
    "truncated": _truncated,
    "cut": _cut,
    "not_utf8": _not_utf8,
}
SPOILT: Final = tuple(_KINDS)


def letter(how: str, body: bytes, *, secret: str, now: int) -> Letter:
    """What is sent for a delivery: spoilt as `how` says, or plain; `now` is the sandbox's, epoch seconds."""
    spoil = _KINDS.get(how)
    return plain(body, secret=secret, now=now) if spoil is None else spoil(body, secret, now)
