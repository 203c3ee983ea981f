"""A worker that is a process of its own: it calls in turn, and prints the slots that it got."""

import json
import time
from collections.abc import Callable

from refund_worker.adapters.rate_limiter import SharedRateLimiter, limiter_of
from tests.adapters.limits import call_in_turn


def work(ready: Callable[[], None], address: str, threads: int, seconds: float) -> None:
    """Call in turn for so many seconds; a racer of `tests.processes`."""
    limiter = limiter_of(address, global_per_second=100, endpoint_per_second=25)
    assert isinstance(limiter, SharedRateLimiter)
    limiter.share(account="acct_1", livemode=False)
    ready()
    slots = call_in_turn([limiter.book], threads_each=threads, latency_s=0.1, until=time.monotonic() + seconds)
    limiter.close()
    print(json.dumps([(slot.endpoint, slot.at) for slot in slots]))
