"""A scenario: one customer's story and what must become of the credit it leaves, computed by hand."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from refund_worker.sandbox.population.life import Life, live

if TYPE_CHECKING:
    from refund_worker.sandbox.sandbox import Sandbox

# yields the moments (epoch seconds) that it waits for, and returns the customer's id
Story = Generator[int, None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one run must make of a scenario in one currency. Amounts are minor units, positive unless said otherwise.

    Attributes:
        credit: What the customer is owed before the run, pending items of ended subscriptions included unless they
            need a person; `credit = excluded + refundable`.
        refundable: The part that came from a downgrade or cancellation.
        refunds: In the order they are made: which charge, and how much. Charges are counted from the customer's first
            in this currency, which is 1; failed and uncaptured ones count.
        pending: How much of the refunds is still on its way after the run.
        left: What of the refundable credit no charge could take.
        fruitless: Refunds that are tried and bring nothing: refused, or failed at once. All others are never tried.
        ending_balance: After the run, with Stripe's sign: negative is credit that stays.
        pending_items: The sum of the invoice items that are still pending after the run, with Stripe's sign.
        swept: Whether a sweep over all customers makes a case of it; a run that names the customer always does.
    """

    outcome: Literal["refunded", "partly_refunded", "held", "skipped"]
    credit: int
    refundable: int
    ending_balance: int
    reason: str | None = None
    refunds: tuple[tuple[int, int], ...] = ()
    excluded: int = 0
    left: int = 0
    pending: int = 0
    fruitless: int = 0
    pending_items: int = 0
    currency: str = "usd"
    swept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`story` says in a sentence what merchant and customer did; `tell` lets them do it.

    Attributes:
        others: What must become of the credit in further currencies; in those that are not named there is none.
    """

    name: str
    story: str
    expected: Expected
    tell: Callable[[Life], Story]
    others: tuple[Expected, ...] = ()

    @property
    def cases(self) -> tuple[Expected, ...]:
        """The expected cases, one for each currency."""
        return self.expected, *self.others

    def build(self, sandbox: Sandbox) -> str:
        """Let the story happen in a sandbox of its own, to the end of the lived year; returns the customer's id."""
        return live(sandbox, {self.name: self.tell})[self.name]


def scenario(
    *, story: str, expected: Expected, others: tuple[Expected, ...] = ()
) -> Callable[[Callable[[Life], Story]], Scenario]:
    """Make a scenario of a function; its name is the function's."""

    def made(tell: Callable[[Life], Story]) -> Scenario:
        return Scenario(name=tell.__name__, story=story, expected=expected, tell=tell, others=others)

    return made
