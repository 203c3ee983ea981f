"""What is unlike the past nights: one below, at and above each limit; medians of few, many and no nights."""

import pytest

from refund_worker.domain.facts import Customer, PendingItem
from refund_worker.domain.funds import Shortage, fits
from refund_worker.domain.new_credit import Scale, credits_known
from refund_worker.domain.policy import Policy
from refund_worker.domain.unusual import Usual, Weight, lines_of

POLICY = Policy(unusual_multiple=3, unusual_floor_customers=10, unusual_floor_minor={"usd": 1_000, "jpy": 100})


def nights(*customers: int, usd: int = 0) -> tuple[Weight, ...]:
    """Past nights of so many customers, each with the same sum."""
    return tuple(Weight(customers=count, credit_minor={"usd": usd} if usd else {}) for count in customers)


@pytest.mark.parametrize(
    ("past", "limit"),
    [
        ((), 10),
        ((3,), 10),
        ((4,), 12),
        ((4, 100), 156),
        ((4, 5), 13),  # three times 4.5
        ((1, 4, 1_000), 12),
        ((0, 0, 0, 50), 10),
        ((20,) * 7 + (30,) * 7, 75),
    ],
)
def test_more_customers_than_a_multiple_of_the_median_are_unusual(past: tuple[int, ...], limit: int) -> None:
    """Never fewer than the floor; of an even number of nights the mean of the two in the middle."""
    usual = Usual(past=nights(*past), policy=POLICY)
    assert usual.customers_limit() == limit
    assert [usual.weigh(Weight(customers=found)).unusual for found in (limit - 1, limit, limit + 1)] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(("usd", "limit"), [(0, 1_000), (333, 1_000), (334, 1_002), (90_000, 270_000)])
def test_a_larger_sum_than_a_multiple_of_the_median_is_unusual(usd: int, limit: int) -> None:
    """In each currency by itself; one that no night had before has its floor only."""
    usual = Usual(past=nights(1, 1, 1, usd=usd), policy=POLICY)
    assert usual.credit_limit("usd") == limit
    assert usual.credit_limit("jpy") == 100
    for found, unusual in ((limit - 1, False), (limit, False), (limit + 1, True)):
        assert usual.weigh(Weight(customers=1, credit_minor={"usd": found, "jpy": 100})).unusual is unusual


def test_the_default_floors_are_the_policys() -> None:
    """1,000 customers and 100,000.00 of a currency, until 14 nights are known: then 50 and 5,000.00."""

    def limits(known: int) -> tuple[int, int, int]:
        usual = Usual(past=nights(*[1] * known, usd=100), policy=Policy())
        return usual.customers_limit(), usual.credit_limit("usd"), usual.credit_limit("jpy")

    assert limits(0) == limits(13) == (1_000, 10_000_000, 100_000)
    assert limits(14) == (50, 500_000, 5_000)


def test_a_floor_of_the_policy_stands_whatever_is_known() -> None:
    """Named floors are taken from the first night on."""
    policy = Policy(unusual_floor_customers=7, unusual_floor_minor={"usd": 70})
    for past in ((), nights(*[1] * 14)):
        usual = Usual(past=past, policy=policy)
        assert (usual.customers_limit(), usual.credit_limit("usd")) == (7, 70)


def test_the_lines_say_what_is_unusual_what_is_usual_and_the_limit() -> None:
    """Number and sum, and on how many nights the median rests."""
    usual = Usual(past=nights(4, 5, usd=50_000), policy=POLICY)
    told = lines_of(usual.weigh(Weight(customers=14, credit_minor={"usd": 150_001, "jpy": 101})))
    assert told == (
        "14 customers with new credit; the median of the last 2 nights is 4.5, the limit 13",
        "101 JPY of new credit; the median of the last 2 nights is 0 JPY, the limit 100 JPY",
        "1500.01 USD of new credit; the median of the last 2 nights is 500.00 USD, the limit 1500.00 USD",
    )
    first = Usual(past=(), policy=POLICY).weigh(Weight(customers=11))
    assert lines_of(first) == ("11 customers with new credit; there is no earlier night to compare with, the limit 10",)
    second = Usual(past=nights(3), policy=POLICY).weigh(Weight(customers=11))
    assert lines_of(second) == ("11 customers with new credit; last night's figure is 3, the limit 10",)


def test_what_is_admitted_all_day_is_held_against_the_same_limits() -> None:
    """One more case, and one more cent."""
    usual = Usual(past=nights(4, usd=500), policy=POLICY)

    def beyond(cases: int, booked: int, planned: int) -> list[str | None]:
        weight = Weight(customers=cases, credit_minor={"usd": booked})
        return [one.currency for one in usual.excesses_with(weight, currency="usd", planned_minor=planned)]

    assert beyond(11, 0, 10) == []
    assert beyond(12, 0, 10) == [None]
    assert beyond(0, 1_400, 100) == []
    assert beyond(0, 1_400, 101) == ["usd"]


def test_unchanged_credit_of_a_hold_is_not_new() -> None:
    """A cent more or less is; so is another currency's."""
    scale = Scale()
    standing = {"usd": frozenset({500, 700})}
    for credit in ({"usd": 500}, {"usd": 700}, {"usd": 501}, {"usd": 499, "eur": 40}, {"usd": 500, "eur": 2}, {}):
        scale.add(credit, standing=standing)
    assert scale.weight == Weight(customers=3, credit_minor={"usd": 1_000, "eur": 42})


def test_pending_items_count_where_they_are_a_credit_in_the_sum() -> None:
    """Of each subscription by itself, beside the balance."""

    def item(minor: int, subscription: str | None, currency: str = "usd") -> PendingItem:
        return PendingItem(id="ii", customer="cus", amount_minor=minor, currency=currency, subscription=subscription)

    customer = Customer(id="cus", currency="usd", credit_minor=100, other_credits={"eur": 30, "gbp": -5})
    items = (item(-500, "sub_1"), item(200, "sub_1"), item(900, "sub_2"), item(-7, None, "jpy"))
    assert credits_known(customer, items) == {"usd": 400, "eur": 30, "jpy": 7}
    assert credits_known(Customer(id="cus", currency="usd", credit_minor=-100), ()) == {}


def test_funds_fit_to_the_cent() -> None:
    """What is booked is taken off; below zero nothing fits."""
    assert [fits(available_minor=100, booked_minor=40, needed_minor=needed) for needed in (59, 60, 61)] == [
        True,
        True,
        False,
    ]
    assert not fits(available_minor=-1, booked_minor=0, needed_minor=1)
    line = Shortage(currency="usd", available=-100, booked=0, needed=5_000).line()
    assert line.startswith("not enough money in the Stripe balance in USD: -1.00 USD available, 0.00 USD booked")
    assert "50.00 USD needed" in line
