"""The two rate limits, on real time: all requests together, and each endpoint (method and path template).

Source: docs.stripe.com/rate-limits: 100 requests a second live and 25 in a sandbox, 25 for each endpoint.
Each is a GCRA: `burst_seconds` of the rate may be used at once, after that requests must keep the pace.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Requests per second. `burst_seconds` is how much of the allowance can be used ahead."""

    global_per_second: float = 25
    endpoint_per_second: float = 25
    burst_seconds: float = 1.0


_MESSAGE: Final = (
    "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
)


class Limiter:
    """Lets a request pass or refuses it with 429 and the reason in `Stripe-Rate-Limited-Reason`."""

    __slots__ = ("_clock", "_endpoints", "_limits", "_total")

    def __init__(self, limits: RateLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._total = 0.0  # theoretical arrival time of the next request
        self._endpoints: dict[str, float] = {}

    @property
    def limits(self) -> RateLimits:
        """What is allowed at present."""
        return self._limits

    def change(self, limits: RateLimits) -> None:
        """Other limits from now on; what was used up stays used up."""
        self._limits = limits

    def admit(self, endpoint: str) -> None:
        """Count one request to `endpoint` (`GET /v1/charges`).

        Raises:
            ApiError: 429; a refused request uses up nothing.
        """
        now, ahead = self._clock(), self._limits.burst_seconds
        total = max(self._total, now)
        one = max(self._endpoints.get(endpoint, 0.0), now)
        if one - now > ahead - 1 / self._limits.endpoint_per_second + 1e-9:
            raise limited("endpoint-rate")
        if total - now > ahead - 1 / self._limits.global_per_second + 1e-9:
            raise limited("global-rate")
        self._total = total + 1 / self._limits.global_per_second
        self._endpoints[endpoint] = one + 1 / self._limits.endpoint_per_second


def limited(reason: str) -> ApiError:
    """A 429 of the limiter."""
    return ApiError(
        _MESSAGE, status=429, code="rate_limit", headers={"Stripe-Rate-Limited-Reason": reason}, stored=False
    )


def lock_timeout() -> ApiError:
    """A 429 that is not the limiter's: the object is locked, nothing was executed, the same key may be sent again."""
    return ApiError(
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request. If you see this error frequently and "
        "are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. "
        "For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.",
        status=429, code="lock_timeout", headers={"Stripe-Should-Retry": "true"}, stored=False,
    )  # fmt: skip
