"""Idempotency keys as Stripe keeps them for v1 POSTs; source: docs.stripe.com/api/idempotent_requests.

The first answer that came from execution is stored with its status, a 500 as well, and replayed for 24 hours. What was
refused before execution (validation, limits, authentication) is not stored, and the same key executes later.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from refund_worker.sandbox.errors import ApiError

KEPT_SECONDS: Final = 24 * 3600
KEY_CHARS_MAX: Final = 255

Fingerprint = tuple[str, str, tuple[tuple[str, str], ...]]  # method, path, sorted parameters


class Stored(NamedTuple):
    """What a key remembers; `status` is None while the first request is in flight."""

    fingerprint: Fingerprint
    since: int
    status: int | None
    body: bytes
    request_id: str


class Keys:
    """The keys of one account in one mode."""

    __slots__ = ("_stored",)

    def __init__(self) -> None:
        self._stored: dict[str, Stored] = {}

    def claim(self, key: str, fingerprint: Fingerprint, *, now: int, request_id: str) -> Stored | None:
        """Begin a request under a key; returns the answer to replay if there is one.

        Raises:
            ApiError: 400 if the key is too long or was used with other parameters, 409 while it is in flight.
        """
        if len(key) > KEY_CHARS_MAX:
            raise ApiError(
                f"Idempotency keys can be at most {KEY_CHARS_MAX} characters long.",
                kind="idempotency_error", stored=False,
            )  # fmt: skip
        found = self._stored.get(key)
        if found is not None and now - found.since >= KEPT_SECONDS:
            found = None
        if found is None:
            self._stored[key] = Stored(fingerprint, now, None, b"", request_id)
            return None
        if found.fingerprint != fingerprint:
            raise ApiError(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error", stored=False,
            )  # fmt: skip
        if found.status is None:
            raise ApiError(
                f"There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                status=409, kind="idempotency_error", code="idempotency_key_in_use", stored=False,
            )  # fmt: skip
        return found

    def store(self, key: str, *, status: int, body: bytes) -> None:
        """Keep the answer of the request that claimed the key."""
        claimed = self._stored.get(key)
        if claimed is not None:
            self._stored[key] = claimed._replace(status=status, body=body)

    def release(self, key: str) -> None:
        """Forget a claim whose request was refused before execution."""
        self._stored.pop(key, None)

    def prune(self, *, now: int) -> None:
        """Drop keys that are 24 hours old."""
        old = [key for key, stored in self._stored.items() if now - stored.since >= KEPT_SECONDS]
        for key in old:
            del self._stored[key]

    def forget(self, key: str | None = None) -> None:
        """Drop one key, or all of them: Stripe may prune at any time after 24 hours, tests want it at will."""
        if key is None:
            self._stored.clear()
        else:
            self._stored.pop(key, None)

    def copy(self) -> Keys:
        """For a snapshot."""
        twin = Keys()
        twin._stored = dict(self._stored)
        return twin
