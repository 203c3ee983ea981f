"""Invoice items that no invoice has taken yet."""

from collections.abc import Iterable

from refund_worker.domain.facts import PendingItem
from refund_worker.domain.findings import Finding
from refund_worker.domain.reasons import Reason


def pending_items(*, items: Iterable[PendingItem], currency: str) -> Finding | None:
    """Hold a customer with invoice items that no invoice has taken yet; in the sum negative = credit."""
    found = tuple(items)
    if not found:
        return None
    net = sum(item.amount_minor for item in found if item.currency == currency)
    return Finding(reason=Reason.PENDING_ITEMS, numbers={"items": len(found), "net_minor": net})
