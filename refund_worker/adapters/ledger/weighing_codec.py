"""What was weighed of a run, and the credit of a queue entry, to and from canonical JSON."""

import json
from collections.abc import Mapping

from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.unusual import Weighing, Weight


def weighing_to_json(weighing: Weighing) -> str:
    """The figures of a night and, of those that are unusual, what they were held against."""
    return canonical_json(
        {
            "customers": weighing.weight.customers,
            "credit_minor": dict(weighing.weight.credit_minor),
            "nights": weighing.nights,
            "unusual": [
                {
                    "currency": excess.currency,
                    "found": excess.found,
                    "twice_median": excess.twice_median,
                    "limit": excess.limit,
                }
                for excess in weighing.excesses
            ],
        }
    )


def weight_from_json(content: str, *, run: str) -> Weight:
    """The figures of a night. Raises LedgerError where somebody made them unreadable."""
    try:
        kept = json.loads(content)
        return Weight(
            customers=int(kept["customers"]),
            credit_minor={str(currency): int(minor) for currency, minor in kept["credit_minor"].items()},
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise LedgerError(
            f"what was weighed of run {run} in the ledger was changed and cannot be read: "
            "see `refund-worker audit verify`"
        ) from error


def credit_to_text(credit_minor: Mapping[str, int] | None) -> str | None:
    """Credit per currency, positive minor units; None where nothing is known of it."""
    return None if credit_minor is None else canonical_json(dict(credit_minor))


def credit_from_text(content: str | None) -> dict[str, int] | None:
    """The same back."""
    if content is None:
        return None
    return {str(currency): int(minor) for currency, minor in json.loads(content).items()}
