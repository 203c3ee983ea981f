"""Faults in conversions of pending items: what is credited, deleted and corrected, when, and what leaves meanwhile."""

from tests.mutants.fault import Fault

_ITEMS = "tests/domain/test_pending_items.py"
_CONVERSIONS = "tests/usecases/test_conversions.py"

FAULTS = (
    Fault(
        name="cash_leaves_while_item_and_credit_exist",
        file="domain/pending_items.py",
        old="finding = _unfinished(facts, currency, now=now)",
        new="finding = None",
        breaks="NO_CASH_WHILE_BOTH_EXIST",
        killers=(f"{_ITEMS}::test_a_conversion_whose_item_still_exists_holds_the_customer",),
    ),
    Fault(
        name="an_item_of_an_invoice_stays_credited",
        file="domain/carried.py",
        old="return self.named_minor if state is ItemState.GONE else 0",
        new="return self.named_minor if state is not ItemState.PENDING else 0",
        breaks="nothing of an item that exists is carried",
        killers=(f"{_CONVERSIONS}::test_an_invoice_that_takes_the_item_before_the_deletion_is_told",),
    ),
    Fault(
        name="credited_twice_leaves_twice",
        file="domain/converted_lots.py",
        old="fresh = tuple(item for item in mark.items if not self._carried[item.item])",
        new="fresh = mark.items",
        breaks="only the first credit of an item opens a lot of known origin",
        killers=(f"{_ITEMS}::test_what_was_credited_twice_leaves_once",),
    ),
    Fault(
        name="the_credits_key_is_the_cases",
        file="domain/marks.py",
        old='return f"credit_items:{named}:{attempt}"',
        new='return f"credit_items:{named}{conversion.cause}:{attempt}"',
        breaks="CREDIT_KEY_NAMES_THE_ITEMS",
        killers=(f"{_ITEMS}::test_the_key_of_a_credit_names_the_items_and_how_often_they_were_named",),
    ),
    Fault(
        name="the_credits_key_counts_nothing",
        file="domain/marks.py",
        old='"items": items, "earlier": conversion.earlier}',
        new='"items": items}',
        breaks="CREDIT_KEY_NAMES_THE_ITEMS",
        killers=(f"{_ITEMS}::test_the_key_of_a_credit_names_the_items_and_how_often_they_were_named",),
    ),
    Fault(
        name="credited_after_more_than_four_hours",
        file="domain/protocol.py",
        old="CREDIT_ITEMS_WITHIN_S = 4 * HOUR_S",
        new="CREDIT_ITEMS_WITHIN_S = 6 * HOUR_S",
        breaks="CREDIT_WITHIN_4_HOURS",
        killers=(f"{_CONVERSIONS}::test_a_credit_is_not_sent_later_than_four_hours_after_its_intent",),
    ),
    Fault(
        name="credited_again_without_a_look_at_the_items",
        file="usecases/credit_items.py",
        old=(
            "    (conversion,) = case.plan.conversions\n"
            "    if still_pending(world, conversion, customer=case.plan.customer):\n"
            "        return True\n"
        ),
        new="    return True\n",
        breaks="a credit is sent for items that are pending",
        killers=(f"{_CONVERSIONS}::test_an_unanswered_credit_is_not_sent_again_when_its_items_changed",),
    ),
    Fault(
        name="not_completed_first",
        file="usecases/examine_currencies.py",
        old="        if self.mode is RunMode.RUN:\n            completed",
        new="        if self.mode is RunMode.PLAN:\n            completed",
        breaks="CONVERSION_COMPLETED_FIRST",
        killers=(f"{_CONVERSIONS}::test_a_second_deployment_goes_on_where_the_first_died",),
    ),
    Fault(
        name="deleted_without_a_record",
        file="usecases/complete_items.py",
        old='"record": _record(case, item)}',
        new='"record": {}}',
        breaks="DELETED_ONLY_WITH_A_RECORD",
        killers=(f"{_CONVERSIONS}::test_a_deleted_item_can_be_made_again_from_its_record",),
    ),
    Fault(
        name="deleted_during_a_halt",
        file="domain/steps.py",
        old='if step.kind in {"give_back", "recredit"}:',
        new='if step.kind in {"give_back", "recredit", "delete_item"}:',
        breaks="HALT_BEGINS_NOTHING",
        killers=(f"{_CONVERSIONS}::test_during_a_halt_nothing_is_deleted_and_no_cash_leaves",),
    ),
    Fault(
        name="without_permission_it_tries_for_ever",
        file="usecases/complete_items.py",
        old="    if any(step.code in _NO_PERMISSION for step in deletions):\n",
        new="    if not deletions:\n",
        breaks="what may not be deleted is taken off the balance again",
        killers=(f"{_CONVERSIONS}::test_without_the_permission_to_delete_the_credit_is_taken_off_and_the_run_stops",),
    ),
    Fault(
        name="a_debit_is_left_out_of_the_sum",
        file="domain/pending_items.py",
        old="return sum(item.amount_minor for item in group)",
        new="return sum(min(0, item.amount_minor) for item in group)",
        breaks="credits and debits of a subscription are summed",
        killers=(f"{_ITEMS}::test_what_becomes_of_pending_items",),
    ),
)
