"""The places where Stripe states a balance agree to the cent, or the customer is held: outcome, reason, line."""

from dataclasses import replace

import pytest

from refund_worker.domain.balances import currencies_to_plan, currencies_with_credit, stated_credits
from refund_worker.domain.conversions import Conversion, NamedItem
from refund_worker.domain.credit import Cause
from refund_worker.domain.facts import Customer, CustomerFacts, ItemNow, ItemState, PendingItem
from refund_worker.domain.marks import mark_of, write_mark
from refund_worker.domain.policy import Policy
from refund_worker.entrypoints.explaining import explanation_lines
from refund_worker.usecases.explain_customer import Explanation, explain_currency
from tests.domain.customers import ACCOUNT, NOW, facts, in_words, planned
from tests.domain.told import decided, line_of

HISTORY = "invoice in_c -6000: -6000p@sub_1\nc1 -6000 applied in_c"
CREDIT = facts(HISTORY, "ch_1 10000 in_1@sub_1")
REFUNDED = "ch_1 6000"
EUROS = replace(
    facts(HISTORY, "ch_1 10000 in_1@sub_1", currency="eur"),
    customer=Customer(id="cus_1", currency="usd", other_credits={"eur": 6_000}),
)


def stating(found: CustomerFacts, **changes: object) -> CustomerFacts:
    """The facts with a customer who says something else."""
    return replace(found, customer=replace(found.customer, **changes))  # type: ignore[arg-type]  # fields by keyword


@pytest.mark.parametrize(
    ("said", "expected", "line"),
    [
        (6_000, REFUNDED, ""),
        (
            5_999,
            f"held balance_disagrees: {REFUNDED}",
            "=> held: balance_disagrees (balance -$59.99, ending balance -$60.00)",
        ),
        (
            6_001,
            f"held balance_disagrees: {REFUNDED}",
            "=> held: balance_disagrees (balance -$60.01, ending balance -$60.00)",
        ),
    ],
)
def test_the_balance_says_what_the_newest_movement_says(said: int, expected: str, line: str) -> None:
    found = stating(CREDIT, credit_minor=said)
    assert decided(found) == expected
    assert line_of(found, "=> held") == line


@pytest.mark.parametrize(
    ("said", "expected", "line"),
    [
        (6_000, REFUNDED, ""),
        (
            5_999,
            f"held balance_disagrees: {REFUNDED}",
            "=> held: balance_disagrees (balance -$60.00, invoice credit balance $59.99, ending balance -$60.00)",
        ),
        (
            -6_000,  # its sign is documented the other way round than that of `balance`
            f"held balance_disagrees: {REFUNDED}",
            "=> held: balance_disagrees (balance -$60.00, invoice credit balance -$60.00, ending balance -$60.00)",
        ),
    ],
)
def test_the_credit_balance_says_it_with_the_opposite_sign(said: int, expected: str, line: str) -> None:
    found = stating(CREDIT, credit_balances={"usd": said, "eur": 70})
    assert decided(found) == expected
    assert line_of(found, "=> held") == line


@pytest.mark.parametrize(
    ("stated", "expected", "line"),
    [
        ({}, REFUNDED, "=> would refund €60.00"),  # not given: nothing disagrees
        ({"eur": 6_000, "usd": 0}, REFUNDED, "=> would refund €60.00"),
        (
            {"eur": 6_001, "usd": 0},
            f"held balance_disagrees: {REFUNDED}",
            "=> held: balance_disagrees (invoice credit balance €60.01, ending balance -€60.00)",
        ),
        (  # given without the currency: nothing is there
            {"usd": 0},
            f"held balance_disagrees: {REFUNDED}",
            "=> held: balance_disagrees (invoice credit balance €0.00, ending balance -€60.00)",
        ),
    ],
)
def test_in_another_currency_there_is_no_balance(stated: dict[str, int], expected: str, line: str) -> None:
    found = stating(EUROS, credit_balances=stated)
    own, euros = (
        explain_currency(facts=found, currency=one, policy=Policy(), account=ACCOUNT, now=NOW) for one in ("usd", "eur")
    )
    said = list(explanation_lines(Explanation(facts=found, own=own, others=(euros,))))
    assert in_words(euros.plan) == expected
    assert [one for one in said if one.startswith(line)], said


def test_the_numbers_keep_the_signs_that_stripe_gives_them() -> None:
    made = planned(stating(CREDIT, credit_minor=5_999, credit_balances={"usd": 6_000}))
    assert made.numbers == {
        "balance_minor": -5_999,
        "invoice_credit_balance_minor": 6_000,
        "ending_balance_minor": -6_000,
    }


def test_a_balance_that_is_gone_and_stated_all_the_same_is_held() -> None:
    """Somebody must look: the newest movement says zero, the customer has 10.00."""
    found = stating(facts("c1 -1000 adjustment\nc2 +1000 adjustment"), credit_minor=1_000)
    assert decided(found) == "held balance_disagrees:"


def _item(amount: int, currency: str, subscription: str | None = None) -> PendingItem:
    name = f"ii_{amount}_{currency}_{subscription}"
    return PendingItem(id=name, customer="cus_1", amount_minor=amount, currency=currency, subscription=subscription)


def test_every_currency_with_credit_is_planned_in_order_of_its_code() -> None:
    """By the balance, by the other credits, by the movements, and by pending items that are a credit in the sum."""
    dollars = facts("c1 -700 adjustment")
    francs = facts("c9 -300 adjustment", currency="chf").transactions
    found = replace(
        dollars,
        customer=replace(dollars.customer, other_credits={"jpy": 5, "sek": -5}),
        transactions=(*dollars.transactions, *francs),
        pending_items=(
            _item(-400, "eur", "sub_1"),
            _item(300, "eur", "sub_1"),
            _item(-400, "gbp", "sub_1"),
            _item(400, "gbp", "sub_1"),
            _item(-1, "nok"),
            _item(50, "nok", "sub_1"),
        ),
    )
    assert currencies_to_plan(found) == ("chf", "eur", "jpy", "nok", "usd")


@pytest.mark.parametrize(("state", "expected"), [(ItemState.ATTACHED, ("usd",)), (ItemState.GONE, ())])
def test_a_conversion_to_complete_is_looked_at_when_its_credit_was_used(
    state: ItemState, expected: tuple[str, ...]
) -> None:
    """An invoice took the credit and another one the item: nothing is left of either, and one of them was too much."""
    taken = Conversion(
        subscription="sub_1",
        currency="usd",
        items=(NamedItem(item="ii_1", amount_minor=-700),),
        proration_minor=700,
        cause=Cause.CANCELLATION,
    )
    used, credited = facts("c1 -700 adjustment\nc2 +700 adjustment").transactions
    marked = replace(credited, metadata=write_mark(mark_of(taken, customer="cus_1", case="case_1", run="run_1")))
    found = replace(
        facts("c1 -700 adjustment\nc2 +700 adjustment"),
        transactions=(used, marked),
        items_now={"ii_1": ItemNow(id="ii_1", state=state)},
    )
    assert currencies_with_credit(found) == expected


def test_without_credit_the_own_currency_says_why() -> None:
    found = facts("c1 -700 adjustment\nc2 +700 adjustment", currency="cad")
    assert (currencies_with_credit(found), currencies_to_plan(found)) == ((), ("cad",))
    deleted = replace(EUROS, customer=Customer(id="cus_1", deleted=True))
    assert (currencies_with_credit(deleted), currencies_to_plan(deleted)) == ((), ("usd",))


def test_what_a_customer_states() -> None:
    customer = Customer(id="cus_1", currency="usd", credit_minor=-5, other_credits={"eur": 7})
    assert stated_credits(customer) == {"usd": -5, "eur": 7}
    assert stated_credits(Customer(id="cus_1")) == {}
