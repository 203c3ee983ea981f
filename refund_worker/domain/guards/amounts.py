"""Sums that are too small, or too large, to go out by themselves."""

from refund_worker.domain.currencies import step_minor
from refund_worker.domain.findings import Finding
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason


def below_minimum(*, planned_minor: int, currency: str, policy: Policy) -> Finding | None:
    """Skip a sum below the policy's minimum; also where the currency's step leaves nothing to refund."""
    minimum = policy.minimum(currency)
    if planned_minor >= max(minimum, 1):
        return None
    numbers: dict[str, int | str] = {
        "planned_minor": planned_minor,
        "minimum_minor": max(minimum, step_minor(currency)),
    }
    return Finding(reason=Reason.BELOW_MINIMUM, held=False, numbers=numbers)


def above_limit(*, planned_minor: int, currency: str, policy: Policy) -> Finding | None:
    """Hold a sum above the automatic limit of a case."""
    limit = policy.case_limit(currency)
    if planned_minor <= limit:
        return None
    return Finding(reason=Reason.ABOVE_LIMIT, numbers={"planned_minor": planned_minor, "limit_minor": limit})
