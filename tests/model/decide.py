"""What comes next for a live case. It follows from the case's row in the ledger and from its age alone.

This is the whole of `resume`: a worker that continues and a worker that finds the case after a crash ask the
same question. Where several answers are allowed (try a refused charge again, or go on to the next one), the
model tries all.
"""

from typing import Final, Literal

from tests.model.rules import Rule
from tests.model.state import DONE, NO, OPEN, Case, Configuration
from tests.model.world import FRESH, LATE, PRUNED

CLOSE: Final = "close"
CLOSE_BY_MARK: Final = "close by mark"
LOOK_FOR_IT: Final = "look for it"
Send = tuple[int, int]  # the position among the case's steps (0 is the reserve), and the amount
Next = Send | Literal["close", "close by mark", "look for it"]


def next_steps(setting: Configuration, case: Case, age: int, *, halted: bool) -> list[Next]:
    """All that may be done next; nothing means: wait until 24 hours have passed."""
    if age == PRUNED and setting.keeps(Rule.SEND_WITHIN_20_HOURS):
        return [CLOSE_BY_MARK]
    if age == LATE and not setting.keeps(Rule.CLOSE_BY_MARK_AFTER_24_HOURS):
        return [CLOSE_BY_MARK]
    if halted and setting.keeps(Rule.HALT_BEGINS_NOTHING) and not case.closing and not refund_was_sent(case):
        reserve = case.steps[0]
        return [LOOK_FOR_IT] if reserve.outcome == OPEN and reserve.is_sent else [CLOSE]
    may_send = age == FRESH or not setting.keeps(Rule.SEND_WITHIN_20_HOURS)
    for index, step in enumerate(case.steps):
        if step.outcome == OPEN and step.is_sent:
            return [(index, step.amount)] if may_send else []
    if setting.keeps(Rule.RESERVE_FIRST):
        return _reserve_first(setting, case, may_send=may_send)
    return _refund_first(setting, case)


def refund_was_sent(case: Case, besides: int = 0) -> bool:
    """True if a refund is, or may be, at Stripe; `besides`: bits of workers whose open sends do not count."""
    return any(
        step.outcome == DONE or (step.outcome == OPEN and (step.lost or bool(step.sent_by & ~besides)))
        for step in case.steps[1:]
    )


def _reserve_first(setting: Configuration, case: Case, *, may_send: bool) -> list[Next]:
    reserve = case.steps[0]
    if reserve.outcome == OPEN and may_send:
        return [(0, case.planned)]
    if reserve.outcome != DONE or case.closing or not may_send:
        return [CLOSE]
    limit = case.covered if setting.keeps(Rule.REFUND_ONLY_WHAT_IS_RESERVED) else case.planned
    return _refunds(setting, case, limit, then=CLOSE)


def _refund_first(setting: Configuration, case: Case) -> list[Next]:
    """The support article's order: refund, then debit what was refunded."""
    refunded = sum(step.amount for step in case.steps[1:] if step.outcome == DONE)
    if case.steps[0].outcome == DONE:
        return [CLOSE]
    return _refunds(setting, case, case.planned, then=(0, refunded) if refunded else CLOSE)


def _refunds(setting: Configuration, case: Case, limit: int, *, then: Next) -> list[Next]:
    """The newest charge that is not decided yet; a refused one may be tried again under a new key."""
    left = limit - sum(step.amount for step in case.steps[1:] if step.outcome == DONE)
    nexts: list[Next] = []
    for index, step in enumerate(case.steps[1:], start=1):
        amount = min(left, case.images[index - 1])
        if not amount or step.outcome == DONE:
            continue
        if step.outcome == OPEN:
            return [*nexts, (index, amount)]
        if step.outcome == NO and step.attempt < setting.attempts:
            nexts.append((index, amount))
    return [*nexts, then]
