"""Credit that does not leave as cash at all."""

from collections.abc import Iterable, Sequence

from refund_worker.domain.credit import Lot
from refund_worker.domain.findings import Finding
from refund_worker.domain.reasons import Reason


def no_refundable_credit(*, refundable_minor: int, lots: Sequence[Lot]) -> Finding | None:
    """Skip where nothing may leave. Numbers: what is left of the lots, by origin."""
    if refundable_minor > 0:
        return None
    by_origin: dict[str, int | str] = {}
    for origin in sorted({lot.origin for lot in lots}):
        by_origin[f"{origin}_minor"] = sum(lot.left_minor for lot in lots if lot.origin is origin)
    return Finding(reason=Reason.NO_REFUNDABLE_CREDIT, held=False, numbers=by_origin)


def subscription_active(*, refundable_minor: int, kept: Iterable[tuple[str, Lot]]) -> Finding | None:
    """Skip where all that could leave is left for the next invoice of a subscription that goes on.

    Args:
        refundable_minor: What may leave.
        kept: The lots that are left, each with its subscription.
    """
    found = tuple(kept)
    if refundable_minor > 0 or not found:
        return None
    numbers: dict[str, int | str] = {
        "subscription": found[0][0],
        "kept_minor": sum(lot.left_minor for _, lot in found),
    }
    return Finding(reason=Reason.SUBSCRIPTION_ACTIVE, held=False, numbers=numbers)
