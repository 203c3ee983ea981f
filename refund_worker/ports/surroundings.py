"""The rate limiter and the clock."""

from typing import Protocol


class RateLimiter(Protocol):
    """Keeps this program within Stripe's limits and its own share of them."""

    def wait(self, endpoint: str) -> None:
        """Sleep until a call to the endpoint (method and path template) may be sent."""

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Learn of a 429; `reason` is the header `Stripe-Rate-Limited-Reason`, None for a lock timeout."""


class Clock(Protocol):
    """Time, epoch seconds."""

    def now(self) -> int:
        """Now."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
