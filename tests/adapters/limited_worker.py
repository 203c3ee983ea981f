"""A worker as a process of its own: `python -m tests.adapters.limited_worker THREADS UNTIL < address`; prints slots."""

import json
import sys

from refund_worker.adapters.rate_limiter import SharedRateLimiter, limiter_of
from tests.adapters.limits import call_in_turn


def main() -> None:
    """Call in turn until the given monotonic time."""
    limiter = limiter_of(sys.stdin.readline().strip(), global_per_second=100, endpoint_per_second=25)
    assert isinstance(limiter, SharedRateLimiter)
    limiter.share(account="acct_1", livemode=False)
    slots = call_in_turn([limiter.book], threads_each=int(sys.argv[1]), latency_s=0.1, until=float(sys.argv[2]))
    limiter.close()
    print(json.dumps([(slot.endpoint, slot.at) for slot in slots]))


if __name__ == "__main__":
    main()
