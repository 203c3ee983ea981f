"""The one use case that moves money: carries a live case from its reserve's intent to its close.

Kill it anywhere: every move is decided from what the ledger holds (`domain.saga`), and every write to Stripe stands in
the ledger before it is sent. `tests/crash/` stops it before and after each call.
"""

from dataclasses import dataclass

from refund_worker.domain.cases import Case, Claim, Outcome, State, Step
from refund_worker.domain.errors import Unauthorized
from refund_worker.domain.moves import (
    AdoptByMark,
    CompleteItems,
    Cover,
    GiveBack,
    GoOn,
    IntendCredit,
    IntendRefund,
    IntendReserve,
    Look,
    LookForOthers,
    LookTwice,
    Resend,
    Wait,
)
from refund_worker.domain.protocol import PAUSES_S, SENDS_PER_CLAIM_MAX
from refund_worker.domain.reasons import Reason
from refund_worker.domain.saga import next_move
from refund_worker.usecases.close_case import close_case
from refund_worker.usecases.complete_items import complete_items
from refund_worker.usecases.credit_items import intend_credit, look_for_others, may_credit_again
from refund_worker.usecases.give_back import give_back
from refund_worker.usecases.look_by_mark import (
    adopt_by_mark,
    adopt_if_found,
    charge_changed,
    cover_reserve,
    look_twice,
    may_pay_twice,
)
from refund_worker.usecases.send_step import intend_refund, intend_reserve, resend, send_recorded
from refund_worker.usecases.take_over import mark_to_read, read_the_mark
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A case as far as it went. `key_refused`: what Stripe said of the key, where it refused it (401 or 403)."""

    case: Case
    key_refused: str | None


def execute_case(world: World, claim: Claim, *, reserve: Step | None = None) -> Executed:
    """Carry a claimed case as far as it goes: closed or owed, or live with outcome `unknown`.

    Args:
        reserve: The first attempt of the reserve, whose intent and sending were committed with the case.

    Raises:
        ClaimLost: If another worker took the case over, or the lease ended; nothing was sent since.
        StripeError: If a look at Stripe brought no answer, or the key is refused for the give-back too; the case
            stays live.
    """
    key_refused: str | None = None
    resends: dict[tuple[str, int], int] = {}
    mark_read = False
    while True:
        case = _read(world, claim)
        if not case.live:
            return Executed(case=case, key_refused=key_refused)
        try:
            if reserve is not None:
                send_recorded(world, claim, reserve)
                reserve = None
            elif not mark_read and (debit := mark_to_read(claim, case)) is not None:
                read_the_mark(world, claim, case, debit)
                mark_read = True
            elif not _move(world, claim, case, resends):
                return Executed(case=_read(world, claim), key_refused=key_refused)
        except Unauthorized as error:
            # A refund that is refused so stops the run, and what was reserved is given back. Refused again: stay live.
            if key_refused is not None:
                raise
            key_refused, reserve = str(error), None


def _move(world: World, claim: Claim, case: Case, resends: dict[tuple[str, int], int]) -> bool:  # noqa: C901, PLR0912  one arm a move
    match next_move(case, now=world.clock.now(), halted=world.halted() is not None):
        case IntendReserve(attempt=attempt):
            intend_reserve(world, claim, case, attempt=attempt)
        case IntendRefund() as refund:
            if case.fence > 1 and charge_changed(world, case, refund.charge):
                _go_on(world, claim, case, state=State.CLOSING, reason=Reason.CHARGE_CHANGED)
            else:
                intend_refund(world, claim, case, refund)
        case Resend(step=step):
            return _send_again(world, claim, case, step, resends)
        case Look(step=step):
            return adopt_if_found(world, claim, case, step) or _leave(
                world, claim, Reason.HALTED, f"{step.name} has no answer yet, and is not sent again during a halt"
            )
        case LookTwice(step=step):
            look_twice(world, claim, case, step)
        case Cover(step=step, expected=expected):
            cover_reserve(world, claim, case, step, expected=expected)
        case AdoptByMark(steps=steps):
            adopt_by_mark(world, claim, case, steps)
        case GiveBack(debit=debit):
            return give_back(world, claim, case, debit)
        case IntendCredit() | LookForOthers() | CompleteItems() as conversion:
            return _convert(world, claim, case, conversion)
        case Wait(until=until):
            return _leave(world, claim, Reason.ANSWER_UNKNOWN, f"waits for its keys to be pruned, until {until}")
        case GoOn(state=state, reason=reason):
            _go_on(world, claim, case, state=state, reason=reason)
    return True


def _convert(world: World, claim: Claim, case: Case, move: IntendCredit | LookForOthers | CompleteItems) -> bool:
    match move:
        case IntendCredit():
            return intend_credit(world, claim, case)
        case LookForOthers(step=step):
            look_for_others(world, claim, case, step)
            return True
        case CompleteItems():
            return complete_items(world, claim, case)


def _send_again(world: World, claim: Claim, case: Case, step: Step, resends: dict[tuple[str, int], int]) -> bool:
    sent = resends.get((step.name, step.attempt), 0)
    if sent >= SENDS_PER_CLAIM_MAX:
        return _leave(world, claim, Reason.ANSWER_UNKNOWN, f"{step.name} has no answer yet")
    if case.fence > 1 and not sent:
        # Whoever takes a case over looks before it sends: by the mark, and at the charge.
        if adopt_if_found(world, claim, case, step):
            return True
        if step.kind == "refund" and may_pay_twice(world, case, step):
            return _leave(world, claim, Reason.ANSWER_UNKNOWN, f"{step.target} was refunded by somebody else")
        if step.kind == "credit_items" and not (may := may_credit_again(world, claim, case, step)):
            return may is None
    if sent or step.sends:
        world.clock.sleep(PAUSES_S[min(sent, len(PAUSES_S) - 1)])
    resends[step.name, step.attempt] = sent + 1
    resend(world, claim, step)
    return True


def _go_on(world: World, claim: Claim, case: Case, *, state: State, reason: Reason | None) -> None:
    if state is State.CLOSED:
        close_case(world, claim, case, reason=reason)
        return
    with world.ledger.writing() as writer:
        writer.move(claim, state=state, outcome=None, reason=reason, now=world.clock.now())


def _leave(world: World, claim: Claim, reason: Reason, detail: str) -> bool:
    with world.ledger.writing() as writer:
        writer.note(claim, outcome=Outcome.UNKNOWN, reason=reason, detail=detail, now=world.clock.now())
    return False


def _read(world: World, claim: Claim) -> Case:
    case = world.ledger.case(claim.case)
    if case is None:
        raise LookupError(f"case {claim.case} is not in the ledger")
    return case
