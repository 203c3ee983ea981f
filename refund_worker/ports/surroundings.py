"""The rate limiter, the clock and the calendar."""

from typing import Protocol

from refund_worker.domain.nights import NightDue


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


class Calendar(Protocol):
    """Days and nights in the company's time zone."""

    def today(self) -> str:
        """The local date, ISO."""

    def night_due(self) -> NightDue:
        """The newest night whose time has come, also where a daylight-saving change skipped or repeated that hour."""

    def next_night(self) -> NightDue:
        """The night that comes next."""
