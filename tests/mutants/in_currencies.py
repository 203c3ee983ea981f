"""Faults in how a customer's currencies are told apart, compared and found."""

from tests.mutants.fault import Fault

BALANCES = "tests/domain/test_thresholds_balances.py"
CURRENCIES = "tests/usecases/test_two_currencies.py"

FAULTS = (
    Fault(
        name="balance_not_compared",
        file="domain/balances.py",
        old="agree = balance == ending",
        new="agree = True",
        breaks="`balance` says what the newest ending balance says, or the case is held",
        killers=(BALANCES,),
    ),
    Fault(
        name="credit_balance_with_the_other_sign",
        file="domain/balances.py",
        old="agree = agree and credit_balance == -ending",
        new="agree = agree and credit_balance == ending",
        breaks="`invoice_credit_balance` counts a credit as positive, `balance` as negative",
        killers=(BALANCES,),
    ),
    Fault(
        name="credit_balance_without_the_currency_passes",
        file="domain/balances.py",
        old="return given.get(currency, None if own or not given else 0)",
        new="return given.get(currency)",
        breaks="a credit of which `invoice_credit_balance` knows nothing is held",
        killers=(BALANCES,),
    ),
    Fault(
        name="balances_read_once",
        file="usecases/examine_currencies.py",
        old="if plan.reason is Reason.BALANCE_DISAGREES and not self.compared:",
        new="if plan.reason is None and not self.compared:",
        breaks="a balance that moved since the sweep is no disagreement",
        killers=(CURRENCIES,),
    ),
    Fault(
        name="reservation_elsewhere_holds",
        file="domain/planning.py",
        old="own = tuple(rest for rest in rests if rest.currency == currency)",
        new="own = rests",
        breaks="a live case in one currency keeps another from nothing",
        killers=(CURRENCIES,),
    ),
    Fault(
        name="newest_case_of_any_currency",
        file="usecases/past_cases.py",
        old="case = self.by_currency.get(currency)",
        new="case = next(iter(self.by_currency.values()), None)",
        breaks="a case that closed in one currency does not make the other's plan stale",
        killers=(CURRENCIES,),
    ),
    Fault(
        name="quiet_currency_not_read_back_to",
        file="usecases/read_facts.py",
        old="currencies = stated | {transaction.currency for transaction in read}",
        new="currencies = {transaction.currency for transaction in read}",
        breaks="movements are read until the lots of every currency with credit are known",
        killers=(CURRENCIES,),
    ),
    Fault(
        name="second_currency_not_found",
        file="usecases/discover_credits.py",
        old="credit = customer.credit_minor > 0 or any(customer.other_credits.values())",
        new="credit = customer.credit_minor > 0",
        breaks="a sweep finds customers whose only credit is in a second currency",
        killers=(CURRENCIES,),
    ),
    Fault(
        name="hold_of_a_gone_credit_stands",
        file="usecases/examine_currencies.py",
        old="if one.plan.currency not in but]",
        new="if one.plan.currency in ()]",
        breaks="the hold of a currency ends when its credit is gone",
        killers=(CURRENCIES,),
    ),
    Fault(
        name="part_of_an_examination_is_enough",
        file="usecases/work_one.py",
        old="if not examined.complete:",
        new="if False:",
        breaks="a customer of whom something was not begun stays in the queue",
        killers=("tests/usecases/test_work_queue.py",),
    ),
)
