"""Faults in what stops a night before money moves, in whose an unnamed item is, and in what completing leaves."""

from tests.mutants.fault import Fault

_UNUSUAL = "tests/domain/test_unusual.py"
_NIGHTS = "tests/usecases/test_unusual_nights.py"
_FUNDS = "tests/usecases/test_funds.py"
_ATTRIBUTION = "tests/domain/test_attribution.py"
_CONVERSIONS = "tests/usecases/test_conversions.py"

FAULTS = (
    Fault(
        name="the_limit_itself_is_unusual",
        file="domain/unusual.py",
        old="if weight.customers > self.customers_limit():",
        new="if weight.customers >= self.customers_limit():",
        breaks="a night at its limit is not unusual",
        killers=(_UNUSUAL,),
    ),
    Fault(
        name="sums_are_not_weighed",
        file="domain/unusual.py",
        old="if minor > self.credit_limit(currency):",
        new="if minor > 2 * self.credit_limit(currency):",
        breaks="a sum beyond the multiple of the median is unusual",
        killers=(_UNUSUAL,),
    ),
    Fault(
        name="the_median_is_the_largest",
        file="domain/unusual.py",
        old="middle = len(ordered) // 2",
        new="middle = len(ordered) - 1",
        breaks="weighed against the median, not the largest of the past",
        killers=(_UNUSUAL,),
    ),
    Fault(
        name="no_floor_for_young_installations",
        file="domain/unusual.py",
        old="return max(floor, self.policy.unusual_multiple * twice_median // 2)",
        new="return self.policy.unusual_multiple * twice_median // 2",
        breaks="the floor holds where little is known of the past",
        killers=(_UNUSUAL,),
    ),
    Fault(
        name="an_events_run_forgets_what_it_booked",
        file="domain/unusual.py",
        old="found = booked.credit_minor.get(currency, 0) + planned_minor",
        new="found = planned_minor",
        breaks="events runs are weighed with all that they booked",
        killers=(_UNUSUAL,),
    ),
    Fault(
        name="standing_holds_are_new_every_night",
        file="usecases/weigh.py",
        old="scale.add(credit_minor, standing=standing.get(customer, {}))",
        new="scale.add(credit_minor, standing={})",
        breaks="the unchanged credit of a standing hold is not new",
        killers=(f"{_NIGHTS}::test_holds_that_stand_are_not_new_and_do_not_add_up",),
    ),
    Fault(
        name="plans_wait_as_runs_do",
        file="usecases/weigh_night.py",
        old="if weighing.unusual and run.mode is RunMode.RUN else None",
        new="if weighing.unusual else None",
        breaks="a night of plans waits for nobody",
        killers=(f"{_NIGHTS}::test_a_night_of_plans_does_not_wait",),
    ),
    Fault(
        name="a_cent_more_than_there_is",
        file="domain/funds.py",
        old="return booked_minor + needed_minor <= available_minor",
        new="return booked_minor + needed_minor <= available_minor + 1",
        breaks="nothing is sent that the money at Stripe does not cover",
        killers=(_UNUSUAL, _FUNDS),
    ),
    Fault(
        name="funds_that_are_booked_are_free",
        file="usecases/run_gate.py",
        old="available_minor=available, booked_minor=booked, needed_minor=plan.planned_minor",
        new="available_minor=available, booked_minor=0, needed_minor=plan.planned_minor",
        breaks="the cases before are taken off the available money",
        killers=(f"{_FUNDS}::test_a_run_stops_where_the_funds_do_not_suffice",),
    ),
    Fault(
        name="a_currency_without_a_row_has_nothing",
        file="usecases/run_gate.py",
        old="available = (self.available_minor or {}).get(plan.currency)",
        new="available = (self.available_minor or {}).get(plan.currency, 0)",
        breaks="of a currency that Stripe does not name nothing is known",
        killers=(f"{_FUNDS}::test_a_key_that_may_not_read_the_balance_is_told_of_and_goes_on",),
    ),
    Fault(
        name="any_of_two_that_fit",
        file="domain/attribution.py",
        old="return found[0] if len(found) == 1 else None",
        new="return found[0] if found else None",
        breaks="an unnamed proration that two subscriptions fit is neither's",
        killers=(f"{_ATTRIBUTION}::test_of_two_that_fit_neither_is_found",),
    ),
    Fault(
        name="whenever_it_ended",
        file="domain/attribution.py",
        old="if each.ended and each.ended_at == one.period_start and _had(each, one)]",
        new="if each.ended and _had(each, one)]",
        breaks="it begins in the second in which its subscription ended",
        killers=(f"{_ATTRIBUTION}::test_only_a_subscription_that_ended_then_is_found",),
    ),
    Fault(
        name="deleted_although_it_changed",
        file="domain/completing.py",
        old="and one.carried_minor == one.named_minor",
        new="and one.carried_minor <= 0",
        breaks="what was taken off the balance again stays with its customer",
        killers=(f"{_CONVERSIONS}::test_two_deployments_with_different_sets_correct_what_both_credited",),
    ),
)
