"""Our own money at Stripe, which refunds draw on: how much of it a run has booked, and what no longer fits."""

from dataclasses import dataclass

from refund_worker.domain.currencies import plain_amount

# A run that goes on all day asks so often at most: what cases have booked since then is taken off.
FUNDS_READ_EVERY_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A case that did not fit, all in minor units of the currency.

    Attributes:
        available: At Stripe, when it was read; may be below zero.
        booked: Of that, by cases of the run before.
        needed: By this case.
    """

    currency: str
    available: int
    booked: int
    needed: int

    def line(self) -> str:
        """What a person reads."""
        available, booked, needed = (
            plain_amount(minor, currency=self.currency) for minor in (self.available, self.booked, self.needed)
        )
        return (
            f"not enough money in the Stripe balance in {self.currency.upper()}: {available} available, "
            f"{booked} booked by cases before, {needed} needed for the next; top up the balance, or wait for payments"
        )


def fits(*, available_minor: int, booked_minor: int, needed_minor: int) -> bool:
    """Whether a case's planned sum can be paid from what is available and not booked yet; minor units."""
    return booked_minor + needed_minor <= available_minor
