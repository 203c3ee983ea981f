"""What stands against a refund, with the figures behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from refund_worker.domain.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why nothing may be done. `held`: a person must act; otherwise it is a skip. `numbers`: the figures behind it."""

    reason: Reason
    held: bool = True
    numbers: Mapping[str, int | str] = field(default_factory=dict)
