"""Takes one customer through a run: read, plan, and hold, skip, or reserve and execute."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

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
from refund_worker.domain.facts import Customer, CustomerFacts, PendingItem
from refund_worker.domain.moves import Wait
from refund_worker.domain.nights import Admission
from refund_worker.domain.planning import plan as make_plan
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import RETRY_AFTER_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult, result_of_case, result_of_plan, result_of_standing
from refund_worker.domain.runs import RunMode
from refund_worker.domain.saga import next_move
from refund_worker.usecases.execute_case import execute_case
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.read_facts import read_facts
from refund_worker.usecases.send_step import reserve_step
from refund_worker.usecases.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a plan stands on, and must still stand on when its case is opened.

    Attributes:
        newest: The customer's newest case before the facts were read, and when it was closed; None = there is none.
        read_at: When the balance transactions were read, epoch seconds.
    """

    newest: tuple[str, int | None] | None
    read_at: int


class _PlannedMeanwhile(Exception):
    """Another worker's case was opened or closed since the facts were read; the transaction is rolled back."""


def examine_customer(
    world: World,
    gate: Gate,
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
    if gate.closed:
        return None
    currency = customer.currency or "usd"
    newest = newest_case(world, customer.id)

    def read() -> CustomerFacts | CaseResult:
        live = world.ledger.live_case_of(customer=customer.id, currency=currency)
        if live is not None:
            return unplanned(live, customer, outcome=Outcome.SKIPPED, reason=Reason.CASE_LIVE)
        return read_facts(stripe=world.stripe, clock=world.clock, customer=customer, pending_items=pending_items)

    facts = read_or_fail(world, gate, customer, read)
    if isinstance(facts, CaseResult):
        return facts
    basis = Basis(newest=newest, read_at=facts.read_at)
    return act_on(world, gate, run=run, mode=mode, plan=plan_of(world, facts), basis=basis)


def newest_case(world: World, customer: str, *, but: str | None = None) -> tuple[str, int | None] | None:
    """The customer's newest case and when it was closed; to be asked before the facts are read."""
    cases = world.ledger.cases_of_customer(customer)
    return next(((case.id, case.closed_at) for case in cases if case.id != but), None)


def read_or_fail(world: World, gate: Gate, customer: Customer, read: Callable[[], T | CaseResult]) -> T | CaseResult:
    """Return what `read` brings of Stripe; a case that could not be planned where it brings an error.

    Args:
        customer: As far as it is known.
    """
    try:
        return read()
    except Unauthorized as error:
        gate.refuse(str(error))
        reason, detail = Reason.PERMISSION_MISSING, str(error)
    except StripeError as error:
        reason = Reason.FACTS_UNREADABLE if isinstance(error, UnreadableAnswer | Rejected) else Reason.STRIPE_BUSY
        detail = str(error)
    return unplanned(world.new_id("case"), customer, outcome=Outcome.FAILED, reason=reason, detail=detail)


def plan_of(world: World, facts: CustomerFacts) -> Plan:
    """The plan that these facts make now."""
    return make_plan(
        facts=facts,
        currency=facts.customer.currency or "usd",
        policy=world.policy,
        account=world.account,
        now=world.clock.now(),
    )


def act_on(world: World, gate: Gate, *, run: str, mode: RunMode, plan: Plan, basis: Basis) -> CaseResult | None:
    """Do what a plan says: let it stand, or reserve and execute; None where nothing more is begun."""
    if plan.reason is not None:
        return result_of_standing(_stand(world, run=run, plan=plan, reason=plan.reason))
    admission = Admission.ADMITTED if mode is RunMode.PLAN else gate.admit(plan)
    if admission is Admission.STOPPED or (mode is RunMode.PLAN and gate.interrupted):
        return None
    if mode is RunMode.PLAN or admission is not Admission.ADMITTED:
        reason = None if mode is RunMode.PLAN else Reason.RUN_LIMIT
        case = world.new_id("case")
        with world.ledger.writing() as writer:
            writer.end_standing(customer=plan.customer, currency=plan.currency, now=world.clock.now(), run=run)
            writer.plan_only(case=case, run=run, plan=plan, now=world.clock.now())
        return result_of_plan(case, plan, reason=reason)
    opened = _open(world, run=run, plan=plan, basis=basis)
    if isinstance(opened, Reason):
        return replace(
            result_of_plan(world.new_id("case"), plan, reason=opened),
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
        world.ledger.release(claim, again_at=_again_at(world, executed.case))
    return replace(result_of_case(executed.case), detail=executed.key_refused)


def fail_customer(world: World, bug: Exception, customer: Customer) -> CaseResult:
    """Tell of a bug that struck before anything was reserved."""
    return unplanned(
        world.new_id("case"),
        customer,
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
    case = _case(world, claim)
    world.ledger.release(claim, again_at=_again_at(world, case))
    return replace(result_of_case(case), detail=detail)


def _again_at(world: World, case: Case) -> int:
    """When a case that stays live can go on: when its keys are pruned, or soon."""
    now = world.clock.now()
    match next_move(case, now=now, halted=False):
        case Wait(until=until):
            return until
        case _:
            return now + RETRY_AFTER_S


def _taken_over(world: World, claim: Claim) -> CaseResult:
    case = _case(world, claim)
    return replace(result_of_case(case), outcome=case.outcome or Outcome.UNKNOWN, detail="another worker has the case")


def _open(world: World, *, run: str, plan: Plan, basis: Basis) -> tuple[Claim, Step] | Reason:
    """Commit the case with its reserve's intent in one transaction; a reason where another worker was first.

    The ending balance of the reserve does not tell of moves that undo each other, as a refund and as much goodwill:
    that moment is kept short, and what this ledger knows of it is asked.
    """
    now = world.clock.now()
    if now - basis.read_at >= LEASE_S:
        return Reason.PLAN_STALE
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
            _check(world, case, basis)
            step = reserve_step(case, attempt=1, now=now)
            writer.intend(claim, step)
            writer.sending(claim, step=step.name, attempt=step.attempt, now=now)
    except CaseIsLive:
        return Reason.CASE_LIVE
    except _PlannedMeanwhile:
        return Reason.PLAN_STALE
    return claim, step


def _check(world: World, case: Case, basis: Basis) -> None:
    """Raise _PlannedMeanwhile: another case's refund may be why the balance is what the plan expects."""
    if newest_case(world, case.plan.customer, but=case.id) != basis.newest:
        raise _PlannedMeanwhile


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


def unplanned(
    case: str, customer: Customer, *, outcome: Outcome, reason: Reason, detail: str | None = None
) -> CaseResult:
    """A case that could not be planned: all of its credit stays where it is."""
    credit = max(0, customer.credit_minor)
    return CaseResult(
        case=case,
        customer=customer.id,
        currency=customer.currency or "usd",
        credit_minor=credit,
        excluded_minor=credit,
        refundable_minor=0,
        outcome=outcome,
        reason=reason,
        digest="",
        detail=detail,
    )
