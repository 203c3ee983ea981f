"""Customers whom the policy names, and those who were refunded again and again."""

from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.findings import Finding
from refund_worker.domain.marks import CASE
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason

REFUNDS_WITHIN_DAYS = 90
_DAY_S = 86_400


def excluded_customer(*, facts: CustomerFacts, policy: Policy) -> Finding | None:
    """Hold a customer whom the policy names, by id or by metadata."""
    if facts.customer.id in policy.excluded_customers:
        return Finding(reason=Reason.EXCLUDED_CUSTOMER, numbers={"by": "id"})
    for key, value in sorted(policy.excluded_metadata.items()):
        found = facts.customer.metadata.get(key)
        if found is not None and value in {"*", found}:
            return Finding(reason=Reason.EXCLUDED_CUSTOMER, numbers={"by": "metadata", "key": key})
    return None


def refunded_often(*, facts: CustomerFacts, policy: Policy, now: int) -> Finding | None:
    """Hold a customer to whom many cases of ours, of any deployment, gave money back lately.

    A case counts once, by its mark, if a refund of it stands that was made within the last 90 days.
    """
    since = now - REFUNDS_WITHIN_DAYS * _DAY_S
    cases = {
        refund.metadata[CASE]
        for charge in facts.charges
        for refund in charge.refunds
        if refund.stands and refund.created > since and refund.metadata.get(CASE)
    }
    if len(cases) < policy.customer_refunds_max:
        return None
    numbers: dict[str, int | str] = {"cases": len(cases), "cases_max": policy.customer_refunds_max, "since": since}
    return Finding(reason=Reason.REFUNDED_OFTEN, numbers=numbers)
