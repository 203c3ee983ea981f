"""Money: an integer number of minor units in one currency. No float, no division, no rounding."""

from dataclasses import dataclass


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one operation."""


@dataclass(frozen=True, slots=True, kw_only=True, order=False)
class Money:
    """An amount in the currency's minor unit as Stripe counts it (usd: cents, jpy: yen, bhd: fils).

    The sign is the caller's: a credit we hold is positive, a customer balance transaction keeps Stripe's sign.
    """

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(minor=self.minor + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(minor=self.minor - self._same(other), currency=self.currency)

    def __neg__(self) -> "Money":
        return Money(minor=-self.minor, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} met {other.currency}")
        return other.minor
