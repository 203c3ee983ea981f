"""The watch list: refunds whose last word Stripe has not said yet."""

from dataclasses import dataclass

# docs.stripe.com/refunds: a pending refund ends within about 30 days; it is looked at often at first, then daily.
_LOOKS_S = ((3600, 15 * 60), (24 * 3600, 3600), (7 * 24 * 3600, 6 * 3600))
_LATER_S = 24 * 3600

OPEN_STATUSES = frozenset({"pending", "requires_action"})
FAILED_STATUSES = frozenset({"failed", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRefund:
    """A refund of ours that is pending or requires action; `amount_minor` positive, `since` epoch seconds."""

    refund: str
    case: str
    step: str
    attempt: int
    customer: str
    currency: str
    amount_minor: int
    status: str
    since: int


def next_look(*, since: int, now: int) -> int:
    """When to look at an open refund again: the older, the less often."""
    age = now - since
    pause = next((pause for younger, pause in _LOOKS_S if age < younger), _LATER_S)
    return now + pause
