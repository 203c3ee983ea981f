"""Learns what became of a refund, at once or days later; what failed returns to the credit, once.

Whoever calls - a webhook, the poller, the watch list - says only which refund: it is read again at Stripe. A refund
that failed stays on the watch list until its sum is re-credited, so that no death of a worker forgets it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from refund_worker.domain.cases import Case, Claim, State, Step
from refund_worker.domain.counting import CENTS, counter
from refund_worker.domain.errors import CaseIsLive, StripeError, Unauthorized
from refund_worker.domain.facts import Refund
from refund_worker.domain.failed_refunds import failed_notice
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.queueing import Cause
from refund_worker.domain.refund_watch import OPEN_STATUSES, WatchedRefund, next_look
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.domain.steps import returned_minor
from refund_worker.usecases.close_case import want_again
from refund_worker.usecases.finish_case import finish_case
from refund_worker.usecases.world import World

# A live case is finished within seconds as a rule; one that waits for 24 hours is asked for often enough so.
LIVE_AGAIN_S = 30
UNREADABLE_AGAIN_S = 15 * 60
_RECORDED = OPEN_STATUSES | {"succeeded"}


class Confirmation(StrEnum):
    """What was learned of a refund, and what was made of it."""

    NOT_OURS = "not_ours"
    UNCHANGED = "unchanged"
    RECORDED = "recorded"
    RECREDITED = "recredited"
    OWED = "owed"
    LIVE = "live"
    UNFINISHED = "unfinished"
    PLAN_ONLY = "plan_only"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A refund as it was confirmed.

    Attributes:
        status: As Stripe shows it now; None where it was not read.
        result: The case that was opened again for it, as it ended.
        detail: What Stripe said where the refund could not be read.
    """

    refund: str
    confirmation: Confirmation
    status: str | None = None
    result: CaseResult | None = None
    detail: str | None = None


def confirm_refund(world: World, *, refund: str, mode: RunMode = RunMode.RUN) -> Confirmed:
    """Read a refund again and record what has become of it; a failed one of a closed case is re-credited now.

    Harmless when done twice, late, or by several workers and deployments at once: the case's claim admits one of them,
    and the give-back's key the first of several deployments.

    Args:
        refund: re_...; one that this ledger does not know is another deployment's, or made by hand.
        mode: With `plan` (a live key that may move no money) nothing is re-credited.

    Raises:
        StripeError: If the refund could not be read.
        LedgerError: If the ledger cannot be used.
    """
    found = world.queue.refund_of(refund)
    case = world.ledger.case(found[0]) if found is not None else None
    step = next((one for one in case.steps if one.stripe_id == refund and one.kind == "refund"), None) if case else None
    if case is None or step is None:
        return Confirmed(refund=refund, confirmation=Confirmation.NOT_OURS)
    shown = world.stripe.refund(refund)
    if shown.stands:
        return Confirmed(refund=refund, confirmation=_record(world, case, step, shown), status=shown.status)
    confirmation, result = _return(world, case, step, shown, mode=mode)
    return Confirmed(refund=refund, confirmation=confirmation, status=shown.status, result=result)


def confirm_due_refunds(world: World, *, limit: int, mode: RunMode = RunMode.RUN) -> tuple[Confirmed, ...]:
    """Confirm the refunds of the watch list that are due; one that cannot be read is passed over until later.

    Raises:
        Unauthorized: If the key is refused: no other refund can be read.
        LedgerError: If the ledger cannot be used.
    """
    confirmed: list[Confirmed] = []
    for watched in world.queue.due_refunds(now=world.clock.now(), limit=limit):
        try:
            confirmed.append(confirm_refund(world, refund=watched.refund, mode=mode))
        except Unauthorized:
            raise
        except StripeError as error:
            world.queue.look_again(watched.refund, at=world.clock.now() + UNREADABLE_AGAIN_S)
            confirmed.append(Confirmed(refund=watched.refund, confirmation=Confirmation.UNREADABLE, detail=str(error)))
    return tuple(confirmed)


def _record(world: World, case: Case, step: Step, shown: Refund) -> Confirmation:
    """Pending, action required or succeeded: a fact that needs no claim, also of a closed case."""
    now = world.clock.now()
    recorded = False
    if shown.status in _RECORDED:
        with world.ledger.writing() as writer:
            recorded = writer.confirmed(
                case=case.id, step=step.name, attempt=step.attempt, status=shown.status, now=now
            )
    if shown.status != "succeeded":
        world.queue.look_again(shown.id, at=next_look(since=shown.created, now=now))
    elif not recorded:
        world.queue.unwatch(shown.id)
    return Confirmation.RECORDED if recorded else Confirmation.UNCHANGED


def _return(
    world: World, case: Case, step: Step, shown: Refund, *, mode: RunMode
) -> tuple[Confirmation, CaseResult | None]:
    """Failed or canceled: its sum goes back to the credit (rule FAILED_REFUND_IS_RECREDITED)."""
    if not case.live and not step.stands:
        # It was recorded under the claim that re-credited it; some other look may have put it on the list since.
        world.queue.unwatch(shown.id)
        return Confirmation.UNCHANGED, None
    now = world.clock.now()
    if mode is RunMode.PLAN:
        _watch(world, case, step, at=next_look(since=shown.created, now=now))
        return Confirmation.PLAN_ONLY, None
    _watch(world, case, step, at=now + LIVE_AGAIN_S)
    if case.live:
        return Confirmation.LIVE, None
    notice = failed_notice(case, refund=shown.id, amount_minor=shown.amount_minor, status=shown.status)
    world.queue.notify(notice, now=now)
    # Before anything is opened again: whoever finishes the case may be another.
    want_again(world, case, cause=Cause.REFUND_FAILED)
    try:
        claim = _adopt(world, case, step, shown)
    except CaseIsLive:
        return Confirmation.LIVE, None
    result = finish_case(world, claim)
    return _outcome(world, before=case), result


def _adopt(world: World, case: Case, step: Step, shown: Refund) -> Claim:
    """Open the case again, only to give back, and record in the same transaction that the refund failed.

    There is no 24 hours' wait as for an orphan: this ledger knows the case, and closed it when every send was answered.
    """
    now = world.clock.now()
    with world.ledger.writing() as writer:
        claim = writer.adopt_orphan(replace(case, opened_at=now), run=case.run, worker=world.worker, lease_s=LEASE_S)
        writer.found(
            claim,
            step=step.name,
            attempt=step.attempt,
            stripe_id=shown.id,
            status=shown.status,
            ending_balance_minor=None,
            now=now,
        )
    return claim


def _watch(world: World, case: Case, step: Step, *, at: int) -> None:
    watched = WatchedRefund(
        refund=str(step.stripe_id),
        case=case.id,
        step=step.name,
        attempt=step.attempt,
        customer=case.plan.customer,
        currency=case.plan.currency,
        amount_minor=step.amount_minor,
        status="pending",
        since=step.intended_at,
    )
    world.queue.watch_again(watched, at=at)


def _outcome(world: World, *, before: Case) -> Confirmation:
    after = world.ledger.case(before.id)
    if after is None or after.live:
        return Confirmation.UNFINISHED
    if after.state is State.OWED:
        return Confirmation.OWED
    cents = returned_minor(after) - returned_minor(before)
    if cents > 0:
        world.queue.add_counts({counter(CENTS, currency=before.plan.currency, kind="recredited"): cents})
    return Confirmation.RECREDITED
