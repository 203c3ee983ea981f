"""What the company allows to leave as cash, and how much at a time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from refund_worker.domain.canonical import digest_of
from refund_worker.domain.credit import Cause, Origin
from refund_worker.domain.currencies import scale_from_cents

# A night is held against so many past ones at most (`domain.unusual`).
NIGHTS_COMPARED = 14
# Customers, and cents: what is never unusual unless the policy says so, with all those nights known and with fewer.
UNUSUAL_FLOORS = (50, 500_000)
YOUNG_UNUSUAL_FLOORS = (1_000, 10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules in force for a run. Amounts are in minor units of the currency they are named for.

    Attributes:
        origins: Origins of lots that may leave as cash.
        refund_after: Which change must have made a proration lot for it to leave.
        case_limit_minor: Per currency, the sum above which a case is held; other currencies take the default, scaled.
        run_cases_max: Cases that a run may execute.
        run_limit_minor: Per currency, the sum that a run may plan to refund; other currencies take the default, scaled.
        minimum_minor: Per currency, planned sums below it are skipped; absent = no minimum.
        credit_since: Epoch seconds; lots older than it are listed, not refunded. Required in live mode.
        quiet_hours: Hours within which a draft that will finalise holds the customer.
        stripe_tax: hold or refund where `automatic_tax` is on.
        excluded_customers: Customer ids that are held.
        excluded_metadata: A customer whose metadata has one of these keys with this value is held ("*" = any value).
        failures_max: Consecutive failures that stop the run.
        while_active: refund the credit of a subscription that goes on, or leave it for its next invoice.
        pending_items_of_active: leave the pending items of a subscription that goes on to its next invoice, or convert
            them into credit at once.
        bank_debits: hold or refund over a bank debit that the customer can still dispute at the bank.
        refund_window_days: Per payment method, in place of the table's (`domain.refund_windows`).
        customer_refunds_max: Cases of one customer with refunds of ours in 90 days; the next one is held.
        unusual_multiple: A night with more than so many times the median of the past nights, in number or sum, stops.
        unusual_floor_customers: Fewer customers than this are never unusual; None = `UNUSUAL_FLOORS`.
        unusual_floor_minor: Per currency, less than this is never unusual; other currencies: `UNUSUAL_FLOORS`, scaled.
    """

    origins: frozenset[Origin] = frozenset({Origin.PRORATION})
    refund_after: frozenset[Cause] = frozenset({Cause.CANCELLATION, Cause.DOWNGRADE})
    case_limit_minor: Mapping[str, int] = field(default_factory=dict)
    run_cases_max: int = 10_000
    run_limit_minor: Mapping[str, int] = field(default_factory=dict)
    minimum_minor: Mapping[str, int] = field(default_factory=dict)
    credit_since: int | None = None
    quiet_hours: int = 24
    stripe_tax: Literal["hold", "refund"] = "hold"
    excluded_customers: frozenset[str] = frozenset()
    excluded_metadata: Mapping[str, str] = field(default_factory=dict)
    failures_max: int = 10
    while_active: Literal["refund", "leave"] = "refund"
    pending_items_of_active: Literal["leave", "convert"] = "leave"
    bank_debits: Literal["hold", "refund"] = "hold"
    refund_window_days: Mapping[str, int] = field(default_factory=dict)
    customer_refunds_max: int = 5
    unusual_multiple: int = 5
    unusual_floor_customers: int | None = None
    unusual_floor_minor: Mapping[str, int] = field(default_factory=dict)

    def refunds_after(self, cause: Cause) -> bool:
        """Whether what this change left may leave; `downgrade` stands for every change but a cancellation."""
        finer = cause is not Cause.CANCELLATION and Cause.DOWNGRADE in self.refund_after
        return finer or cause in self.refund_after

    def case_limit(self, currency: str) -> int:
        """The automatic limit of a case in minor units; 500.00 unless the policy names the currency."""
        return self.case_limit_minor.get(currency, scale_from_cents(cents=50_000, currency=currency))

    def run_limit(self, currency: str) -> int:
        """The most a run may plan to refund in minor units; 250,000.00 unless the policy names the currency."""
        return self.run_limit_minor.get(currency, scale_from_cents(cents=25_000_000, currency=currency))

    def unusual_floors(self, currency: str, *, nights: int) -> tuple[int, int]:
        """The customers, and the sum in minor units, up to which a night is never unusual.

        Args:
            nights: How many past nights tell what is usual. Few say little: a young installation has a higher floor,
                so that the credit of years does not look like an accident.
        """
        customers, cents = UNUSUAL_FLOORS if nights >= NIGHTS_COMPARED else YOUNG_UNUSUAL_FLOORS
        if self.unusual_floor_customers is not None:
            customers = self.unusual_floor_customers
        return customers, self.unusual_floor_minor.get(currency, scale_from_cents(cents=cents, currency=currency))

    def minimum(self, currency: str) -> int:
        """The smallest sum worth refunding, in minor units; zero unless the policy names the currency."""
        return self.minimum_minor.get(currency, 0)

    def canonical(self) -> dict[str, object]:
        """The policy as plain JSON values, in one form: sets sorted, nothing left out."""
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(self).items()}

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: which rules were in force, whatever order a file names them in."""
        return digest_of(self.canonical())
