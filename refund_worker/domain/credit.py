"""Lots: where a customer's credit came from. How they are replayed stands in `provenance`."""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """What made a lot. Only what the policy names may leave as cash; `unknown` never may."""

    PRORATION = "proration"
    CREDIT_NOTE = "credit_note"
    OVERPAYMENT = "overpayment"
    ADJUSTMENT = "adjustment"
    INITIAL = "initial"
    MIGRATION = "migration"
    OTHER = "other"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Which change of a subscription made a proration lot.

    `downgrade` stands for every change but a cancellation in policies, and in plans that were written before the
    changes were told apart.
    """

    CANCELLATION = "cancellation"
    PRICE = "price"
    QUANTITY = "quantity"
    OTHER_CHANGE = "other_change"
    DOWNGRADE = "downgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A part of the credit with one origin.

    Attributes:
        transaction: The customer balance transaction that opened it.
        created: When, epoch seconds.
        subscription: The subscription whose proration made it; None for every other origin.
        invoice: The invoice that booked it, if any.
        opened_minor: What it was, positive.
        left_minor: What is left of it, zero or more.
    """

    transaction: str
    created: int
    origin: Origin
    cause: Cause | None
    subscription: str | None
    invoice: str | None
    opened_minor: int
    left_minor: int

    @property
    def part(self) -> str:
        """Which part of its balance transaction this is: the subscription of a proration, or `other`."""
        return self.subscription or "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The credit of one customer in one currency, replayed.

    Attributes:
        credit_minor: `-ending_balance` of the newest transaction; negative where the customer owes.
        lots: Those with something left, oldest first.
        unfunded_minor: Per debit of ours, the part that found no lot and was not returned: a difference.
        malformed_marks: Transactions whose mark could not be read, or does not fit their sign or sum.
        owed_minor: What others' debits took beyond the lots and the next credit pays off first, zero or more:
            credit = sum of the lots - sum of unfunded - owed.
    """

    credit_minor: int
    lots: tuple[Lot, ...]
    unfunded_minor: dict[str, int]
    malformed_marks: tuple[str, ...]
    owed_minor: int = 0
