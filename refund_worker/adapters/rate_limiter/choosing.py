"""Which limiter: shared where there is a Redis, else this process's own."""

from typing import Protocol

from refund_worker.adapters.rate_limiter.in_process import RateLimiter
from refund_worker.adapters.rate_limiter.redis_slots import RedisSlots
from refund_worker.adapters.rate_limiter.shared import SharedRateLimiter


class Limiter(Protocol):
    """A `ports.RateLimiter`, and what those who start and end the program call."""

    def wait(self, endpoint: str) -> None:
        """Sleep until a call to the endpoint (method and path template) may be sent."""

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Learn of a 429; `reason` is the header `Stripe-Rate-Limited-Reason`, None for a lock timeout."""

    def per_second(self, endpoint: str | None = None) -> float:
        """The rate now, of an endpoint or of the account in all."""

    def share(self, *, account: str, livemode: bool) -> None:
        """Share the limit with all workers of this account and mode from now on."""

    def close(self) -> None:
        """Give up share and connection."""


def limiter_of(
    redis_url: str | None, *, global_per_second: float, endpoint_per_second: float, verify_certificates: bool = True
) -> Limiter:
    """Make the limiter of a worker. It works at once, in process; `share` makes it one with the other workers'.

    Args:
        redis_url: Where the workers meet; None = there is only this one.
        global_per_second: Calls a second to the account in all, above zero.
        endpoint_per_second: Calls a second to each endpoint, above zero.
        verify_certificates: Of a `rediss://` address.

    Raises:
        ValueError: If a rate is not above zero or the address is malformed (the message does not repeat it).
    """
    if redis_url is None:
        return RateLimiter(global_per_second=global_per_second, endpoint_per_second=endpoint_per_second)
    return SharedRateLimiter(
        redis=RedisSlots(redis_url, verify_certificates=verify_certificates),
        global_per_second=global_per_second,
        endpoint_per_second=endpoint_per_second,
    )
