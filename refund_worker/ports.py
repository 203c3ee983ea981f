"""All the program can do to the world: Stripe, the ledger, the rate limiter, the clock."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from refund_worker.domain.cases import Case, Claim, Outcome, SendAnswer, Standing, State, Step, StepState
from refund_worker.domain.facts import (
    Account,
    Charge,
    Customer,
    CustomerBalanceTransaction,
    Invoice,
    MovementAnswer,
    PendingItem,
    Refund,
    RefundAnswer,
)
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import Run, RunStatus


class StripeGateway(Protocol):
    """Stripe. Reads return facts, every page read; writes return an answer. Both raise the `StripeError` families."""

    def account(self) -> Account:
        """The account and mode of the key."""

    def customers(self) -> Iterator[Customer]:
        """Every customer, streamed page by page; never all in memory."""

    def customer(self, customer: str) -> Customer:
        """One customer, also a deleted one. Raises NotFound."""

    def invoices(self, customer: str) -> tuple[Invoice, ...]:
        """Every invoice of the customer in all statuses, newest first, with all lines and payments."""

    def charges(self, customer: str) -> tuple[Charge, ...]:
        """Every charge of the customer, newest first, with all refunds."""

    def charge(self, charge: str) -> Charge:
        """One charge with all its refunds. Raises NotFound."""

    def charge_of_payment_intent(self, payment_intent: str) -> Charge | None:
        """The charge that paid a payment intent, or None where none did."""

    def customer_balance_transactions(self, customer: str) -> Iterator[CustomerBalanceTransaction]:
        """The movements on the customer's balance, newest first; a page is read when its first row is asked for."""

    def refunds(self, charge: str) -> tuple[Refund, ...]:
        """Every refund of a charge, newest first."""

    def pending_items(self, customer: str | None = None) -> Iterator[PendingItem]:
        """The pending invoice items of a customer, or of the whole account."""

    def changed_customers(self, *, since: int) -> Iterator[str]:
        """Customers whose balance changed or whose refund failed, by the events since then; may repeat."""

    def create_movement(
        self,
        *,
        customer: str,
        amount_minor: int,
        currency: str,
        description: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> MovementAnswer:
        """Create a customer balance transaction. `amount_minor` has Stripe's sign: positive = debit."""

    def create_refund(self, *, charge: str, amount_minor: int, metadata: Mapping[str, str], key: str) -> RefundAnswer:
        """Refund a positive amount over a charge."""


class LedgerWriter(Protocol):
    """One ledger transaction. Each call adds its audit entry; nothing is visible until the transaction commits.

    Calls that take a claim raise ClaimLost where its fence is no longer the case's newest.
    """

    def start_run(self, run: Run, *, policy: Policy) -> None:
        """Record that a run began."""

    def finish_run(self, *, run: str, status: RunStatus, summary: Mapping[str, object], now: int) -> None:
        """Record how a run ended; `summary` is the `--json` object without its cases."""

    def open_case(self, case: Case, *, worker: str, lease_s: int) -> Claim:
        """Insert a live case without steps and claim it. Raises CaseIsLive (rule ONE_LIVE_CASE)."""

    def adopt_orphan(self, case: Case, *, worker: str, lease_s: int) -> Claim:
        """Insert or re-open, under its mark's case id, a case that only gives back. Raises CaseIsLive."""

    def intend(self, claim: Claim, step: Step) -> None:
        """Record an attempt's intent, before anything is sent (rule INTENT_BEFORE_SEND)."""

    def sending(self, claim: Claim, *, step: str, attempt: int, now: int) -> None:
        """Record that this claim sends the attempt now."""

    def answered(
        self,
        claim: Claim,
        *,
        step: str,
        attempt: int,
        answer: SendAnswer,
        state: StepState,
        now: int,
        stripe_id: str | None = None,
        status: str | None = None,
        ending_balance_minor: int | None = None,
        request_id: str | None = None,
        code: str | None = None,
    ) -> None:
        """Record what this claim's send brought, and what is known of the attempt now."""

    def found(
        self,
        claim: Claim,
        *,
        step: str,
        attempt: int,
        stripe_id: str,
        status: str | None,
        ending_balance_minor: int | None,
        now: int,
    ) -> None:
        """Record that an attempt without an answer was found at Stripe by its mark."""

    def given_up(self, claim: Claim, *, step: str, attempt: int, code: str, now: int) -> None:
        """Record that an attempt without an answer was looked for by its mark and is absent for good."""

    def cover(self, claim: Claim, *, covered_minor: int, now: int) -> None:
        """Record what the refundable lots covered of the reserve."""

    def move(self, claim: Claim, *, state: State, outcome: Outcome | None, reason: Reason | None, now: int) -> None:
        """Move a case to another state of the table; `closed` and `owed` end it."""

    def note(self, claim: Claim, *, outcome: Outcome, reason: Reason, detail: str, now: int) -> None:
        """Record why a case stays live for now: unknown, or failed by a bug (detail: the traceback)."""

    def stand(self, standing: Standing) -> Standing:
        """Record a hold or skip; an unchanged one writes nothing. Returns the row that stands, with its `since`."""

    def end_standing(self, *, customer: str, currency: str, now: int) -> None:
        """End the hold or skip of a customer, if there is one."""

    def plan_only(self, *, case: str, run: str, plan: Plan, now: int) -> None:
        """Record a plan that is not executed in this run."""


class Ledger(Protocol):
    """Where intents, outcomes and the audit trail are kept."""

    def bind(self, account: Account, *, now: int) -> bool:
        """Bind the ledger to an account and mode; True when it was new. Raises LedgerOfAnotherAccount."""

    def writing(self) -> AbstractContextManager[LedgerWriter]:
        """Open one write transaction; commits at the end of the block, rolls back on an exception."""

    def claim(self, case: str, *, worker: str, now: int, lease_s: int) -> Claim | None:
        """Claim a live case whose lease has ended or was released; None where another worker has it."""

    def end_lease(self, case: str, *, gone: Callable[[str], bool]) -> bool:
        """End the lease of a live case whose claimant is gone; True where it was ended. The fence is not touched."""

    def release(self, claim: Claim) -> None:
        """Give the claim back before its lease ends."""

    def case(self, case: str) -> Case | None:
        """A case with all its steps and sends."""

    def live_cases(self) -> tuple[str, ...]:
        """Ids of the live cases, oldest first."""

    def live_case_of(self, *, customer: str, currency: str) -> str | None:
        """The live case of a customer in a currency, if any."""

    def cases_of_run(self, run: str) -> Iterator[Case]:
        """The cases opened or finished in a run, oldest first."""

    def cases_of_customer(self, customer: str) -> Iterator[Case]:
        """The cases of a customer, newest first."""

    def standings(self, *, customer: str | None = None, during: Run | None = None) -> Iterator[Standing]:
        """The holds and skips that stand now, or that stood while a run went on, oldest first."""

    def plans_of_run(self, run: str) -> Iterator[tuple[str, Plan]]:
        """The plans of a run that were not executed, each with its case id, in the order they were recorded."""

    def run(self, run: str) -> Run | None:
        """A run by its id."""

    def newest_run(self) -> Run | None:
        """The run that started last."""


class RateLimiter(Protocol):
    """Keeps this program within Stripe's limits and its own share of them."""

    def wait(self, endpoint: str) -> None:
        """Sleep until a call to the endpoint (method and path template) may be sent."""

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Learn of a 429; `reason` is the header `Stripe-Rate-Limited-Reason`, None for a lock timeout."""


class Clock(Protocol):
    """Time, epoch seconds."""

    def now(self) -> int:
        """Now."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
