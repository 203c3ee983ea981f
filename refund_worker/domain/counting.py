"""What is counted for monitoring: names and labels in one place, so that all workers add to the same sums.

Runs and missed credits are not here: they are counted from their own rows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from refund_worker.domain.canonical import canonical_json

CASES = "refund_worker_cases_total"
CENTS = "refund_worker_cents_total"
EVENTS = "refund_worker_events_total"
STRIPE_CALLS = "refund_worker_stripe_calls_total"
STRIPE_THROTTLES = "refund_worker_stripe_throttles_total"

# Name -> labels. `kind` of cents: reserved, refunded, given_back, recredited; their sum is in minor units.
LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        CASES: ("outcome", "reason"),
        CENTS: ("currency", "kind"),
        EVENTS: ("source", "result"),
        STRIPE_CALLS: ("endpoint", "status"),
        STRIPE_THROTTLES: ("reason",),
    }
)


def counter(name: str, **labels: str | None) -> tuple[str, str]:
    """The key of a counter in the ledger: its name, and its labels as canonical JSON; a label of None is empty.

    Raises:
        ValueError: If the counter has other labels.
    """
    if set(labels) != set(LABELS.get(name, ())):
        raise ValueError(f"{name} has the labels {', '.join(LABELS.get(name, ()))}, not {', '.join(labels)}")
    return name, canonical_json({label: said or "" for label, said in labels.items()})
