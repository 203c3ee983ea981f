"""Completes a conversion whose credit is on the balance: deletes its items, takes off again what cannot be deleted.

Decided from what Stripe shows, read anew until nothing is left to do: an invoice may take an item at any time, and
another deployment may do the same work. Deleted twice is deleted once, and a correction's key says what was carried
before (rule CORRECTION_KEY_IS_COMPARE_AND_SET): so anybody may complete a conversion, at any time.
"""

from collections import Counter

from refund_worker.domain.cases import Case, Claim, Outcome, SendAnswer, Step, StepState
from refund_worker.domain.completing import Correct, Delete, left_to_correct, left_to_delete
from refund_worker.domain.conversions import NamedItem
from refund_worker.domain.facts import ItemState, PendingItem
from refund_worker.domain.marks import Mark, correct_key, write_mark
from refund_worker.domain.protocol import LOOKUPS_APART_S, PAUSES_S
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import ABSENT_AFTER_500, KEY_PARAMETERS_DIFFER, latest_attempts
from refund_worker.usecases.close_case import close_case
from refund_worker.usecases.conversion_view import ConversionView, record_what_is_shown, transactions_of, view_items
from refund_worker.usecases.mark_view import next_name
from refund_worker.usecases.send_step import intend_and_send, resend
from refund_worker.usecases.world import World

CORRECT_DESCRIPTION = "Credit for a pending item taken back"
_LOOKS_MAX = 12
# Rules STORED_500_NEEDS_TWO_ABSENT_LOOKUPS and MISMATCHED_KEY_IS_SPENT: two looks, 30 seconds apart, show no change.
_LOOKS_AT_A_SPENT_KEY = 2
_NO_PERMISSION = frozenset({"401", "403"})
_OPEN = frozenset({StepState.INTENDED, StepState.UNKNOWN})


def complete_items(world: World, claim: Claim, case: Case) -> bool:
    """Delete and correct until ledger and Stripe agree that nothing is left, then close the case.

    Returns:
        False where the case must stay live for now (its reason is noted); True where it is closed.
    """
    gone: set[str] = set()
    spent: Counter[str] = Counter()
    for look in range(_LOOKS_MAX):
        if world.halted() is not None:
            return _leave(world, claim, Reason.HALTED, "its items are deleted after the halt")
        transactions = transactions_of(world, case)
        if transactions is None:
            close_case(world, claim, case, reason=Reason.CUSTOMER_DELETED)
            return True
        view = view_items(world, case, transactions, gone=gone)
        case = record_what_is_shown(world, claim, case, transactions, gone=gone)
        if not view.whole:
            return _leave(world, claim, Reason.ANSWER_UNKNOWN, "Stripe does not list the credit")
        to_delete = left_to_delete(view.carried, items_now=view.items_now, undeletable=_undeletable(case))
        to_correct = () if to_delete else left_to_correct(view.carried, items_now=view.items_now)
        if not to_delete and not to_correct:
            close_case(world, claim, case, reason=_why_not_all(case, view))
            return True
        moved = [_delete(world, claim, case, one) for one in to_delete]
        moved += [_correct(world, claim, case, one, spent) for one in to_correct]
        if not all(moved):
            world.clock.sleep(PAUSES_S[min(look, len(PAUSES_S) - 1)])
    return _leave(world, claim, Reason.ANSWER_UNKNOWN, "its items are not settled yet; `resume` tries again")


def _undeletable(case: Case) -> frozenset[str]:
    """Items whose deletion Stripe refused; without the permission, all of them."""
    deletions = [step for step in latest_attempts(case.steps).values() if step.kind == "delete_item"]
    if any(step.code in _NO_PERMISSION for step in deletions):
        return frozenset(item.item for one in case.plan.conversions for item in one.items)
    return frozenset(step.target for step in deletions if step.state is StepState.REFUSED)


def _why_not_all(case: Case, view: ConversionView) -> Reason | None:
    """None where every item is gone; then all of their credit is on the balance."""
    if all(now.state is ItemState.GONE for now in view.items_now.values()):
        return None
    refused = any(step.kind == "delete_item" and step.code in _NO_PERMISSION for step in case.steps)
    return Reason.PERMISSION_MISSING if refused else Reason.ITEMS_CHANGED


def _delete(world: World, claim: Claim, case: Case, deletion: Delete) -> bool:
    """Delete one item; its record is in the intent (rule DELETED_ONLY_WITH_A_RECORD)."""
    item = deletion.item
    names = [one.item for conversion in case.plan.conversions for one in conversion.items]
    name = f"delete_item:{names.index(item.id) + 1}"
    known = latest_attempts(case.steps).get(name)
    params: dict[str, object] = {"item": item.id, "record": _record(case, item)}
    if known is not None and known.state in _OPEN and known.params == params:
        return resend(world, claim, known) is SendAnswer.ACCEPTED
    attempt = known.attempt + 1 if known is not None else 1
    step = Step(
        name=name,
        attempt=attempt,
        key=f"{name}:{case.id}:{attempt}",
        amount_minor=abs(item.amount_minor),
        target=item.id,
        params=params,
        before_minor=item.amount_minor,
        state=StepState.INTENDED,
        intended_at=world.clock.now(),
    )
    return intend_and_send(world, claim, step) is SendAnswer.ACCEPTED


def _record(case: Case, item: PendingItem) -> dict[str, object]:
    """All that makes the item again; beside what is only for people, whose it was found to be where it names nobody."""
    record = dict(item.record)
    if item.subscription is None:
        (conversion,) = case.plan.conversions
        found: dict[str, object] = {"found_subscription": conversion.subscription}
        also_read = record.get("also_read")
        record["also_read"] = found | (also_read if isinstance(also_read, dict) else {})
    return record


def _correct(world: World, claim: Claim, case: Case, correction: Correct, spent: Counter[str]) -> bool:
    """Send a correction; a key that Stripe bound to other parameters, or to a stored 500, is spent after two looks."""
    case = world.ledger.case(case.id) or case
    step = _correct_step(world, case, correction)
    if spent[step.key] == _LOOKS_AT_A_SPENT_KEY:
        with world.ledger.writing() as writer:
            writer.given_up(claim, step=step.name, attempt=step.attempt, code=ABSENT_AFTER_500, now=world.clock.now())
        return True
    known = step.key in {one.key for one in case.steps}
    answer = resend(world, claim, step) if known else intend_and_send(world, claim, step)
    after = world.ledger.case(case.id) or case
    code = next((one.code for one in after.steps if one.key == step.key), None)
    if answer is SendAnswer.STORED_500 or code == KEY_PARAMETERS_DIFFER:
        spent[step.key] += 1
        # Most often another worker just did the same: a look at once tells. The two looks of the rules are far apart.
        world.clock.sleep(LOOKUPS_APART_S if spent[step.key] > 1 else PAUSES_S[0])
        return True
    return answer is SendAnswer.ACCEPTED


def _correct_step(world: World, case: Case, correction: Correct) -> Step:
    """The correction to send now: the one whose key stands at what is carried, or a new one."""
    item = correction.item
    keys = {step.key: step for step in case.steps}
    elsewhere = {step.key for one in world.ledger.cases_of_customer(case.plan.customer) for step in one.steps}
    attempt = 1
    while True:
        key = correct_key(item=item.item, carried_minor=item.carried_minor, moved=item.moved, attempt=attempt)
        known = keys.get(key)
        if known is not None and known.state is not StepState.REFUSED:
            return known
        if known is None and key not in elsewhere:
            break
        attempt += 1
    name = next_name("correct", latest_attempts(case.steps))
    mark = Mark(
        case=case.id,
        run=case.run,
        step=name,
        items=(NamedItem(item=item.item, amount_minor=correction.amount_minor),),
        conversion=item.conversion,
    )
    return Step(
        name=name,
        attempt=attempt,
        key=key,
        amount_minor=abs(correction.amount_minor),
        target=case.plan.customer,
        params={
            "customer": case.plan.customer,
            "amount": -correction.amount_minor,
            "currency": case.plan.currency,
            "description": CORRECT_DESCRIPTION,
            "metadata": write_mark(mark),
        },
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=world.clock.now(),
    )


def _leave(world: World, claim: Claim, reason: Reason, detail: str) -> bool:
    with world.ledger.writing() as writer:
        writer.note(claim, outcome=Outcome.UNKNOWN, reason=reason, detail=detail, now=world.clock.now())
    return False
