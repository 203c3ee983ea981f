"""What the program can keep: intents, outcomes, the audit trail."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from refund_worker.domain.cases import Case, Claim, Outcome, SendAnswer, Standing, State, Step, StepState
from refund_worker.domain.facts import Account
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.domain.unusual import Weighing, Weight


class LedgerWriter(Protocol):
    """One ledger transaction. Each call adds its audit entry; nothing is visible until the transaction commits.

    Calls that take a claim raise ClaimLost where its fence is no longer the case's newest.
    """

    def start_run(self, run: Run, *, policy: Policy) -> None:
        """Record that a run began."""

    def weighed(self, *, run: str, weighing: Weighing, now: int) -> None:
        """Record what the discovery of a run found, held against the past nights."""

    def let_through(self, *, run: str, by: str, reason: str, unusual: str, now: int) -> None:
        """Record who let a run through although it is unusual; `unusual` says in words what is."""

    def finish_run(self, *, run: str, status: RunStatus, summary: Mapping[str, object], now: int) -> None:
        """Record how a run ended; `summary` is the `--json` object without its cases."""

    def open_case(self, case: Case, *, worker: str, lease_s: int) -> Claim:
        """Insert a live case without steps and claim it. Raises CaseIsLive (rule ONE_LIVE_CASE)."""

    def adopt_orphan(self, case: Case, *, run: str, worker: str, lease_s: int) -> Claim:
        """Insert or re-open, under its mark's case id, a case that only gives back, or a conversion to be completed.

        Raises CaseIsLive.

        `run` is the one that adopts it; a case that is known keeps its own.
        """

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

    def confirmed(self, *, case: str, step: str, attempt: int, status: str, now: int) -> bool:
        """Record that an accepted refund reached another status, without a claim, also of a closed case.

        False where nothing is written: the status stands already, or the one that stands is final (succeeded, failed,
        canceled). A refund that failed or was canceled is recorded by `found`, under the claim that re-credits it.
        """

    def cover(self, claim: Claim, *, covered_minor: int, now: int) -> None:
        """Record what the refundable lots covered of the reserve."""

    def move(self, claim: Claim, *, state: State, outcome: Outcome | None, reason: Reason | None, now: int) -> None:
        """Move a case to another state of the table; `closed` and `owed` end it."""

    def note(self, claim: Claim, *, outcome: Outcome, reason: Reason, detail: str, now: int) -> None:
        """Record why a case stays live for now: unknown, or failed by a bug (detail: the traceback)."""

    def stand(self, standing: Standing) -> Standing:
        """Record a hold or skip; an unchanged one writes nothing. Returns the row that stands, with its `since`."""

    def end_standing(self, *, customer: str, currency: str, now: int, run: str | None = None) -> None:
        """End the hold or skip of a customer, if there is one. `run` is the one that ends it; None = its own."""

    def plan_only(self, *, case: str, run: str, plan: Plan, now: int) -> None:
        """Record a plan that is not executed in this run."""

    def could_not_plan(self, *, run: str, kept: Mapping[str, object], now: int) -> None:
        """Record a case of a shared run that could not be planned; `kept` is `results.unplanned_json`."""


class Ledger(Protocol):
    """Where intents, outcomes and the audit trail are kept."""

    def bind(self, account: Account, *, now: int) -> bool:
        """Bind the ledger to an account and mode; True when it was new. Raises LedgerOfAnotherAccount."""

    def writing(self) -> AbstractContextManager[LedgerWriter]:
        """Open one write transaction; commits at the end of the block, rolls back on an exception."""

    def claim(self, case: str, *, worker: str, now: int, lease_s: int, run: str | None = None) -> Claim | None:
        """Claim a live case whose lease has ended or was released; None where another worker has it.

        `run` is the one in which the case is acted on now; None = the case's own.
        """

    def end_lease(self, case: str, *, gone: Callable[[str], bool]) -> bool:
        """End the lease of a live case whose claimant is gone; True where it was ended. The fence is not touched."""

    def release(self, claim: Claim, *, again_at: int | None = None) -> None:
        """Give the claim back before its lease ends.

        `again_at` (epoch seconds): the queue of live cases offers the case no earlier; None = at once.
        """

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

    def unplanned_of_run(self, run: str) -> Iterator[Mapping[str, object]]:
        """What `could_not_plan` recorded in a run, in that order."""

    def run(self, run: str) -> Run | None:
        """A run by its id."""

    def newest_run(self) -> Run | None:
        """The run that started last."""

    def past_weights(self, *, limit: int) -> tuple[Weight, ...]:
        """What the latest nights weighed that moved money and finished, or were let through, newest first."""

    def standing_credits(self, customers: Sequence[str]) -> Mapping[str, Mapping[str, frozenset[int]]]:
        """Per customer and currency the credit with which a hold or skip stands, with and without pending items."""

    def sweeps(self, *, mode: RunMode, limit: int) -> tuple[Run, ...]:
        """The latest runs of a mode that were to read every customer, newest first."""
