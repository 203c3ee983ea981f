"""Carries a claimed case on and gives the claim back, whatever happens on the way: errors and bugs leave it live."""

import traceback
from dataclasses import replace

from refund_worker.domain.cases import Case, Claim, Outcome, Step
from refund_worker.domain.errors import ClaimLost, LedgerError, StripeError, Unauthorized
from refund_worker.domain.moves import Wait
from refund_worker.domain.queueing import RETRY_AFTER_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult, result_of_case
from refund_worker.domain.saga import next_move
from refund_worker.usecases.execute_case import execute_case
from refund_worker.usecases.world import World


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


def _case(world: World, claim: Claim) -> Case:
    case = world.ledger.case(claim.case)
    if case is None:
        raise LookupError(f"case {claim.case} is not in the ledger")
    return case
