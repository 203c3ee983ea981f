"""The values a plan is made of. How a plan is made stands in `planning`."""

from dataclasses import dataclass

from refund_worker.domain.conversions import Conversion
from refund_worker.domain.credit import Lot
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A charge as it was when the plan was made (the before-image), for one subscription that it paid.

    Attributes:
        refundable_minor: The most that may go back over it for this subscription (`domain.charges`).
        invoice: The newest invoice of the subscription that it paid; a refund is marked with it.
    """

    charge: str
    subscription: str
    invoice: str
    created: int
    captured_minor: int
    refunded_minor: int
    refundable_minor: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRefund:
    """One refund over one charge: a positive amount in minor units."""

    charge: str
    invoice: str
    subscription: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done for one customer's credit in one currency, or why not.

    Attributes:
        credit_minor: What we owe the customer by the newest balance transaction, zero or more.
        excluded_minor: The part of the credit that may not leave as cash.
        refundable_minor: The rest of it; credit = excluded + refundable.
        lots: All lots of the credit, oldest first.
        named_lots: What the reserve takes of which lot; sums to the planned amount.
        candidates: Every eligible charge, newest first, with its before-image.
        refunds: What to refund, newest charge first; their sum is what is reserved.
        reason: Why nothing may be done (then `refunds` is what would be refunded if the hold were lifted, or empty).
        held: The reason asks for a person; otherwise it is a skip.
        numbers: The figures behind the reason, for `explain` and the audit trail.
        conversions: Pending items that are first moved onto the balance; the amounts above count them as credit
            already. Each is a case of its own, after which the customer's facts are read and planned again.
        digest: What a person approves: SHA-256 of the canonical JSON of account, mode, customer, currency, lots,
            charges with their before-images, amounts and policy digest - no run, no case, no time.
    """

    customer: str
    currency: str
    credit_minor: int
    excluded_minor: int
    refundable_minor: int
    lots: tuple[Lot, ...]
    named_lots: tuple[NamedLot, ...]
    candidates: tuple[Candidate, ...]
    refunds: tuple[PlannedRefund, ...]
    reason: Reason | None
    held: bool
    numbers: dict[str, int | str]
    digest: str
    conversions: tuple[Conversion, ...] = ()

    @property
    def planned_minor(self) -> int:
        """The sum to reserve, in minor units."""
        return sum(refund.amount_minor for refund in self.refunds)
