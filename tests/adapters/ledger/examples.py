"""Runs, plans, cases and steps for the ledger's tests, and the way of one case through it."""

from dataclasses import dataclass, replace
from typing import Any

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import (
    Case,
    Claim,
    Outcome,
    SendAnswer,
    Standing,
    State,
    Step,
    StepState,
)
from refund_worker.domain.credit import Cause, Lot, Origin
from refund_worker.domain.facts import Account
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.plans import Candidate, Plan, PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import Run, RunMode

ACCOUNT = Account(id="acct_1", livemode=False)
NOW = 1_800_000_000
LEASE_S = 300
POLICY = Policy()


def a_run(run: str = "run_1", *, started_at: int = NOW, command: str = "run") -> Run:
    """A nightly run."""
    return Run(
        id=run,
        account=ACCOUNT.id,
        livemode=ACCOUNT.livemode,
        command=command,
        mode=RunMode.RUN,
        sweep=True,
        policy_digest=POLICY.digest(),
        started_at=started_at,
    )


def a_plan(customer: str = "cus_1", *, amount: int = 1_000, **changes: Any) -> Plan:
    """One proration lot, refunded over one charge."""
    plan = Plan(
        customer=customer,
        currency="usd",
        credit_minor=amount,
        excluded_minor=0,
        refundable_minor=amount,
        lots=(
            Lot(
                transaction="cbtxn_lot",
                created=NOW - 86_400,
                origin=Origin.PRORATION,
                cause=Cause.DOWNGRADE,
                subscription="sub_1",
                invoice="in_2",
                opened_minor=amount,
                left_minor=amount,
            ),
        ),
        named_lots=(NamedLot(transaction="cbtxn_lot", amount_minor=amount),),
        candidates=(
            Candidate(
                charge="ch_1",
                subscription="sub_1",
                invoice="in_1",
                created=NOW - 90_000,
                captured_minor=2 * amount,
                refunded_minor=0,
                refundable_minor=2 * amount,
                method="card",
            ),
        ),
        refunds=(PlannedRefund(charge="ch_1", invoice="in_1", subscription="sub_1", amount_minor=amount),),
        reason=None,
        held=False,
        numbers={},
        digest="d" * 64,
    )
    return replace(plan, **changes)


def a_case(case: str = "case_1", *, run: str = "run_1", opened_at: int = NOW, plan: Plan | None = None) -> Case:
    """A case about to reserve."""
    return Case(
        id=case,
        run=run,
        account=ACCOUNT.id,
        livemode=ACCOUNT.livemode,
        plan=plan or a_plan(),
        state=State.RESERVING,
        outcome=None,
        reason=None,
        opened_at=opened_at,
        closed_at=None,
        covered_minor=None,
        fence=0,
    )


def a_step(
    name: str = "reserve", *, case: str = "case_1", attempt: int = 1, amount: int = 1_000, at: int = NOW
) -> Step:
    """An attempt that is intended."""
    return Step(
        name=name,
        attempt=attempt,
        key=f"refund_worker:{case}:{name}:{attempt}",
        amount_minor=amount,
        target="ch_1" if name.startswith("refund") else "cus_1",
        params={"amount": amount, "metadata": {"refund_worker_case": case}},
        before_minor=-amount,
        state=StepState.INTENDED,
        intended_at=at,
    )


def a_standing(
    standing: str = "case_h1", *, reason: Reason = Reason.ABOVE_LIMIT, since: int = NOW, plan: Plan | None = None
) -> Standing:
    """A hold that is new."""
    return Standing(
        id=standing,
        run="run_1",
        account=ACCOUNT.id,
        livemode=ACCOUNT.livemode,
        outcome=Outcome.HELD,
        reason=reason,
        plan=plan or a_plan(),
        since=since,
    )


def started(ledger: SqlLedger, run: str = "run_1", *, at: int = NOW) -> SqlLedger:
    """Bind the ledger and start a run in it."""
    ledger.bind(ACCOUNT, now=at)
    with ledger.writing() as writer:
        writer.start_run(a_run(run, started_at=at), policy=POLICY)
    return ledger


def opened(ledger: SqlLedger, case: Case | None = None, *, worker: str = "first") -> Claim:
    """Open a case and claim it."""
    with ledger.writing() as writer:
        return writer.open_case(case or a_case(), worker=worker, lease_s=LEASE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way of one case: each word makes one step of it."""

    ledger: SqlLedger
    claim: Claim

    def sent(self, step: Step, *, now: int = NOW) -> None:
        """Intend an attempt and send it."""
        with self.ledger.writing() as writer:
            writer.intend(self.claim, step)
            writer.sending(self.claim, step=step.name, attempt=step.attempt, now=now)

    def accepted(self, step: Step, *, stripe_id: str, now: int = NOW + 1, status: str | None = None) -> None:
        """Send an attempt and have it accepted."""
        self.sent(step, now=now)
        with self.ledger.writing() as writer:
            writer.answered(
                self.claim,
                step=step.name,
                attempt=step.attempt,
                answer=SendAnswer.ACCEPTED,
                state=StepState.ACCEPTED,
                now=now,
                stripe_id=stripe_id,
                status=status,
                ending_balance_minor=None if status else 0,
                request_id="req_1",
            )

    def move(
        self, state: State, *, outcome: Outcome | None = None, reason: Reason | None = None, now: int = NOW + 2
    ) -> None:
        """Move the case."""
        with self.ledger.writing() as writer:
            writer.move(self.claim, state=state, outcome=outcome, reason=reason, now=now)

    def refunded(self) -> None:
        """All of it: reserve, cover, refund, close."""
        case = self.claim.case
        self.accepted(a_step("reserve", case=case), stripe_id="cbtxn_1")
        with self.ledger.writing() as writer:
            writer.cover(self.claim, covered_minor=1_000, now=NOW + 2)
            writer.move(self.claim, state=State.REFUNDING, outcome=None, reason=None, now=NOW + 2)
        self.accepted(a_step("refund:1", case=case), stripe_id="re_1", status="succeeded")
        self.move(State.CLOSED, outcome=Outcome.REFUNDED, now=NOW + 3)


def read(ledger: SqlLedger, statement: str) -> list[tuple[Any, ...]]:
    """What the database holds, by plain SQL."""
    with ledger._database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]
