"""Acts on a plan: lets a hold or skip stand, keeps a plan that may not be executed, or reserves and executes it."""

from dataclasses import dataclass, replace

from refund_worker.domain.cases import Case, Claim, Outcome, Standing, State, Step
from refund_worker.domain.errors import CaseIsLive
from refund_worker.domain.nights import NOT_ADMITTED, Admission
from refund_worker.domain.plans import Plan
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult, result_of_plan, result_of_standing
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.past_cases import Newest, PlannedMeanwhile, check_newest
from refund_worker.usecases.send_step import reserve_step
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a plan stands on, and must still stand on when its case is opened.

    Attributes:
        newest: The customer's newest case in this currency before the facts were read; None = there is none.
        read_at: When the balance transactions were read, epoch seconds.
    """

    newest: Newest | None
    read_at: int


def admit_plan(world: World, gate: Gate, *, run: str, mode: RunMode, plan: Plan) -> CaseResult | Admission:
    """Let a hold or skip stand, and keep a plan that this run may not execute: their cases.

    Returns:
        The case, or `ADMITTED` where the plan is to be executed, its sum booked; `STOPPED` where nothing more is begun.
    """
    if plan.reason is not None:
        return result_of_standing(_stand(world, run=run, plan=plan, reason=plan.reason))
    admission = Admission.ADMITTED if mode is RunMode.PLAN else gate.admit(plan)
    if admission is Admission.STOPPED or (mode is RunMode.PLAN and gate.interrupted):
        return Admission.STOPPED
    if mode is not RunMode.PLAN and admission is Admission.ADMITTED:
        return Admission.ADMITTED
    case = world.new_id("case")
    with world.ledger.writing() as writer:
        writer.end_standing(customer=plan.customer, currency=plan.currency, now=world.clock.now(), run=run)
        writer.plan_only(case=case, run=run, plan=plan, now=world.clock.now())
    return result_of_plan(case, plan, reason=None if mode is RunMode.PLAN else NOT_ADMITTED[admission])


def execute_plan(world: World, *, run: str, plan: Plan, basis: Basis) -> CaseResult:
    """Reserve and refund what an admitted plan says; a skip where the plan stands on it no more."""
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
            # Another case's refund may be why the balance is what the plan expects.
            check_newest(world, case, newest=basis.newest)
            step = reserve_step(case, attempt=1, now=now)
            writer.intend(claim, step)
            writer.sending(claim, step=step.name, attempt=step.attempt, now=now)
    except CaseIsLive:
        return Reason.CASE_LIVE
    except PlannedMeanwhile:
        return Reason.PLAN_STALE
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
