"""What a run says of one case, for people and `--json`; and the two identities that its sums keep."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from refund_worker.domain.cases import Case, Outcome, Standing, StepState
from refund_worker.domain.marks import INVOICE
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import STOPPING, Reason
from refund_worker.domain.steps import signed_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    """A refund of a case, positive minor units; `refund` and `status` are None while it is planned or unanswered."""

    charge: str
    invoice: str
    amount_minor: int
    refund: str | None
    status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement on the customer's balance, both amounts with Stripe's sign."""

    step: str
    customer_balance_transaction: str
    amount_minor: int
    ending_balance_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case of a run.

    credit = excluded + refundable, and refundable = refunded + pending + planned + held + left; all minor units, >= 0.

    Attributes:
        detail: What went wrong, for the log: Stripe's words, or the traceback of a bug.
        plan: What was decided; None once the run has told of the case.
        run: In which of several runs it was worked; None where the one run is known.
        converts: It moved pending items onto the balance, and nothing else.
        causes: The changes that made the credit, as far as prorations made it: cancellation, price, ...
    """

    case: str
    customer: str
    currency: str
    credit_minor: int
    excluded_minor: int
    refundable_minor: int
    outcome: Outcome
    reason: Reason | None
    digest: str
    refunds: tuple[RefundResult, ...] = ()
    movements: tuple[Movement, ...] = ()
    refunded_minor: int = 0
    pending_minor: int = 0
    planned_minor: int = 0
    held_minor: int = 0
    detail: str | None = None
    plan: Plan | None = None
    run: str | None = None
    converts: bool = False
    causes: tuple[str, ...] = ()

    @property
    def ended_conversion(self) -> bool:
        """A conversion that is over: its movements are told with the customer's ordinary case of the same run."""
        return self.converts and self.outcome is Outcome.SKIPPED

    @property
    def stops_the_run(self) -> bool:
        """No later case could do better: Stripe refused a write to this key, or for want of money.

        What failed could not even be planned: a permission to read it may be one that few other customers need.
        """
        return self.reason in STOPPING and self.outcome not in {Outcome.PLANNED, Outcome.FAILED}

    @property
    def left_minor(self) -> int:
        """What no charge could take."""
        return self.refundable_minor - self.refunded_minor - self.pending_minor - self.planned_minor - self.held_minor


def result_of_case(case: Case) -> CaseResult:
    """The result of a case that reserved, finished or not."""
    accepted = [step for step in case.steps if step.kind == "refund" and step.stands]
    refunded = sum(step.amount_minor for step in accepted if step.status == "succeeded")
    pending = sum(step.amount_minor for step in accepted if step.status != "succeeded")
    outcome = case.outcome or Outcome.UNKNOWN
    unfinished = case.plan.planned_minor - refunded - pending if case.live else 0
    result = _result(
        case.id,
        case.plan,
        outcome=outcome,
        reason=case.reason,
        refunds=tuple(
            RefundResult(
                charge=step.target,
                invoice=_invoice(step.params),
                amount_minor=step.amount_minor,
                refund=step.stripe_id,
                status=step.status,
            )
            for step in case.steps
            if step.kind == "refund" and step.state is not StepState.REFUSED
        ),
        movements=tuple(
            Movement(
                step=step.name,
                customer_balance_transaction=str(step.stripe_id),
                amount_minor=signed_minor(step),
                ending_balance_minor=step.ending_balance_minor,
            )
            for step in case.steps
            if step.kind not in {"refund", "delete_item"} and step.state is StepState.ACCEPTED
        ),
        refunded_minor=refunded,
        pending_minor=pending,
        planned_minor=unfinished,
    )
    return replace(result, converts=case.converts)


def result_of_standing(standing: Standing) -> CaseResult:
    """The result of a hold or skip."""
    held = standing.plan.refundable_minor if standing.outcome is Outcome.HELD else 0
    return _result(standing.id, standing.plan, outcome=standing.outcome, reason=standing.reason, held_minor=held)


def result_of_plan(case: str, plan: Plan, *, reason: Reason | None) -> CaseResult:
    """The result of a plan that is not executed in this run."""
    return _result(
        case,
        plan,
        outcome=Outcome.PLANNED,
        reason=reason,
        refunds=tuple(
            RefundResult(
                charge=one.charge,
                invoice=one.invoice,
                amount_minor=one.amount_minor,
                refund=None,
                status=None,
            )
            for one in plan.refunds
        ),
        planned_minor=plan.planned_minor,
    )


def unplanned_json(result: CaseResult) -> dict[str, object]:
    """A case without a plan, as the run's row keeps it."""
    return {
        "case": result.case,
        "customer": result.customer,
        "currency": result.currency,
        "credit_minor": result.credit_minor,
        "outcome": str(result.outcome),
        "reason": None if result.reason is None else str(result.reason),
    }


def result_of_unplanned(kept: Mapping[str, Any]) -> CaseResult:
    """The result of a case without a plan: all of its credit stays where it is."""
    return CaseResult(
        case=kept["case"],
        customer=kept["customer"],
        currency=kept["currency"],
        credit_minor=kept["credit_minor"],
        excluded_minor=kept["credit_minor"],
        refundable_minor=0,
        outcome=Outcome(kept["outcome"]),
        reason=None if kept["reason"] is None else Reason(kept["reason"]),
        digest="",
    )


_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.OWED,
    Outcome.REFUNDED,
    Outcome.PARTLY_REFUNDED,
    Outcome.PLANNED,
    Outcome.HELD,
    Outcome.SKIPPED,
)


def worst_first(result: CaseResult) -> tuple[int, str, str]:
    """The order in which people read cases: what needs a person, what moved money, what stays as it is."""
    return _WORST_FIRST.index(result.outcome), str(result.reason or ""), result.customer


def _result(
    case: str,
    plan: Plan,
    *,
    outcome: Outcome,
    reason: Reason | None,
    refunds: tuple[RefundResult, ...] = (),
    movements: tuple[Movement, ...] = (),
    refunded_minor: int = 0,
    pending_minor: int = 0,
    planned_minor: int = 0,
    held_minor: int = 0,
) -> CaseResult:
    return CaseResult(
        case=case,
        customer=plan.customer,
        currency=plan.currency,
        credit_minor=plan.credit_minor,
        excluded_minor=plan.excluded_minor,
        refundable_minor=plan.refundable_minor,
        outcome=outcome,
        reason=reason,
        digest=plan.digest,
        refunds=refunds,
        movements=movements,
        refunded_minor=refunded_minor,
        pending_minor=pending_minor,
        planned_minor=planned_minor,
        held_minor=held_minor,
        plan=plan,
        causes=causes_of(plan),
    )


def causes_of(plan: Plan) -> tuple[str, ...]:
    """Return which changes made the credit, and what a conversion adds to it, in the order of their words."""
    of_lots = {lot.cause for lot in plan.lots if lot.cause is not None}
    return tuple(sorted(of_lots | {one.cause for one in plan.conversions if one.proration_minor}))


def _invoice(params: dict[str, object]) -> str:
    metadata = params.get("metadata")
    return str(metadata.get(INVOICE, "")) if isinstance(metadata, dict) else ""
