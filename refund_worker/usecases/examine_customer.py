"""Takes one customer through a run: read, plan, and hold, skip, or reserve and execute."""

import traceback
from dataclasses import replace

from refund_worker.domain.cases import Case, Claim, Outcome, Standing, State, Step
from refund_worker.domain.errors import (
    CaseIsLive,
    ClaimLost,
    LedgerError,
    Rejected,
    StripeError,
    Unauthorized,
    UnreadableAnswer,
)
from refund_worker.domain.facts import Customer, PendingItem
from refund_worker.domain.planning import plan as make_plan
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult, result_of_case, result_of_plan, result_of_standing
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.execute_case import execute_case
from refund_worker.usecases.read_facts import read_facts
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.send_step import reserve_step
from refund_worker.usecases.world import World


def examine_customer(
    world: World,
    gate: RunGate,
    *,
    run: str,
    mode: RunMode,
    customer: Customer,
    pending_items: tuple[PendingItem, ...],
) -> CaseResult | None:
    """Examine one customer's credit and do what the plan says.

    Returns:
        The case's result; None where the run stopped before the customer was begun.
    """
    currency = customer.currency or "usd"
    if gate.closed:
        return None
    try:
        live = world.ledger.live_case_of(customer=customer.id, currency=currency)
        if live is not None:
            return _unplanned(live, customer, currency, outcome=Outcome.SKIPPED, reason=Reason.CASE_LIVE)
        facts = read_facts(stripe=world.stripe, clock=world.clock, customer=customer, pending_items=pending_items)
        plan = make_plan(
            facts=facts, currency=currency, policy=world.policy, account=world.account, now=world.clock.now()
        )
    except Unauthorized as error:
        gate.refuse(str(error))
        return _unplanned(
            world.new_id("case"),
            customer,
            currency,
            outcome=Outcome.FAILED,
            reason=Reason.PERMISSION_MISSING,
            detail=str(error),
        )
    except StripeError as error:
        reason = Reason.FACTS_UNREADABLE if isinstance(error, UnreadableAnswer | Rejected) else Reason.STRIPE_BUSY
        return _unplanned(
            world.new_id("case"), customer, currency, outcome=Outcome.FAILED, reason=reason, detail=str(error)
        )
    return _act(world, gate, run=run, mode=mode, plan=plan)


def _act(world: World, gate: RunGate, *, run: str, mode: RunMode, plan: Plan) -> CaseResult | None:
    if plan.reason is not None:
        return result_of_standing(_stand(world, run=run, plan=plan, reason=plan.reason))
    if mode is RunMode.PLAN or not gate.admit(plan):
        reason = None if mode is RunMode.PLAN else Reason.RUN_LIMIT
        if gate.interrupted or (gate.limited and reason is not None):
            return None
        case = world.new_id("case")
        with world.ledger.writing() as writer:
            writer.end_standing(customer=plan.customer, currency=plan.currency, now=world.clock.now(), run=run)
            writer.plan_only(case=case, run=run, plan=plan, now=world.clock.now())
        return result_of_plan(case, plan, reason=reason)
    opened = _open(world, run=run, plan=plan)
    if opened is None:
        return replace(
            result_of_plan(world.new_id("case"), plan, reason=Reason.CASE_LIVE),
            outcome=Outcome.SKIPPED,
            planned_minor=0,
            refunds=(),
        )
    claim, reserve = opened
    return finish_case(world, claim, reserve=reserve)


def finish_case(world: World, claim: Claim, *, reserve: Step | None = None) -> CaseResult:
    """Execute a claimed case and release it; what cannot be finished now leaves the case live with its reason."""
    try:
        executed = execute_case(world, claim, reserve=reserve)
    except LedgerError:
        raise
    except ClaimLost:
        return _taken_over(world, claim)
    except StripeError as error:
        reason = Reason.PERMISSION_MISSING if isinstance(error, Unauthorized) else Reason.STRIPE_BUSY
        return _stay_live(world, claim, outcome=Outcome.UNKNOWN, reason=reason, detail=str(error))
    except Exception as bug:  # noqa: BLE001  whatever a bug raises is this case's failure, told with its traceback
        return _stay_live(world, claim, outcome=Outcome.FAILED, reason=Reason.BUG, detail=traceback_of(bug))
    if executed.case.live:
        world.ledger.release(claim)
    return replace(result_of_case(executed.case), detail=executed.key_refused)


def fail_customer(world: World, bug: Exception, customer: Customer) -> CaseResult:
    """Tell of a bug that struck before anything was reserved."""
    return _unplanned(
        world.new_id("case"),
        customer,
        customer.currency or "usd",
        outcome=Outcome.FAILED,
        reason=Reason.BUG,
        detail=traceback_of(bug),
    )


def traceback_of(bug: Exception) -> str:
    """The whole traceback, without the values of variables."""
    return "".join(traceback.format_exception(bug))


def _stay_live(world: World, claim: Claim, *, outcome: Outcome, reason: Reason, detail: str) -> CaseResult:
    try:
        with world.ledger.writing() as writer:
            writer.note(claim, outcome=outcome, reason=reason, detail=detail, now=world.clock.now())
    except ClaimLost:
        taken = _taken_over(world, claim)
        if outcome is Outcome.FAILED:
            # Nothing is written of another worker's case; the bug is told all the same.
            return replace(taken, outcome=outcome, reason=reason, detail=detail)
        return taken
    world.ledger.release(claim)
    return replace(result_of_case(_case(world, claim)), detail=detail)


def _taken_over(world: World, claim: Claim) -> CaseResult:
    case = _case(world, claim)
    return replace(result_of_case(case), outcome=case.outcome or Outcome.UNKNOWN, detail="another worker has the case")


def _open(world: World, *, run: str, plan: Plan) -> tuple[Claim, Step] | None:
    """Commit the case with its reserve's intent in one transaction; None where another worker was first."""
    now = world.clock.now()
    case = Case(
        id=world.new_id("case"),
        run=run,
        account=world.account.id,
        livemode=world.account.livemode,
        plan=plan,
        state=State.RESERVING,
        outcome=None,
        reason=None,
        opened_at=now,
        closed_at=None,
        covered_minor=None,
        fence=0,
    )
    try:
        with world.ledger.writing() as writer:
            writer.end_standing(customer=plan.customer, currency=plan.currency, now=now, run=run)
            claim = writer.open_case(case, worker=world.worker, lease_s=LEASE_S)
            step = reserve_step(case, attempt=1, now=now)
            writer.intend(claim, step)
            writer.sending(claim, step=step.name, attempt=step.attempt, now=now)
    except CaseIsLive:
        return None
    return claim, step


def _stand(world: World, *, run: str, plan: Plan, reason: Reason) -> Standing:
    standing = Standing(
        id=world.new_id("case"),
        run=run,
        account=world.account.id,
        livemode=world.account.livemode,
        outcome=Outcome.HELD if plan.held else Outcome.SKIPPED,
        reason=reason,
        plan=plan,
        since=world.clock.now(),
    )
    with world.ledger.writing() as writer:
        return writer.stand(standing)


def _case(world: World, claim: Claim) -> Case:
    case = world.ledger.case(claim.case)
    if case is None:
        raise LookupError(f"case {claim.case} is not in the ledger")
    return case


def _unplanned(
    case: str,
    customer: Customer,
    currency: str,
    *,
    outcome: Outcome,
    reason: Reason,
    detail: str | None = None,
) -> CaseResult:
    """A case that could not be planned: all of its credit stays where it is."""
    credit = max(0, customer.credit_minor)
    return CaseResult(
        case=case,
        customer=customer.id,
        currency=currency,
        credit_minor=credit,
        excluded_minor=credit,
        refundable_minor=0,
        outcome=outcome,
        reason=reason,
        digest="",
        detail=detail,
    )
