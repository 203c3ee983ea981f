"""Downgrades, cancellations and fewer seats: credit that goes back to the cards it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from refund_worker.sandbox.population.life import Life


@scenario(
    story="A British customer upgrades from £100 to £150 after a fifth of the month and cancels after a third.",
    # the upgrade costs 4/5 of £50 = £40; the cancellation credits 2/3 of £150 = £100, newest charge first
    expected=Expected(
        outcome="refunded", credit=10_000, refundable=10_000, refunds=((2, 4_000), (1, 6_000)),
        ending_balance=0, currency="gbp",
    ),
)  # fmt: skip
def article_example(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000, currency="gbp")
    yield life.share_of_period(plan, 1, 5)
    life.change(plan, amount=15_000)
    yield life.share_of_period(plan, 1, 3)
    life.cancel(plan)
    return customer


@scenario(
    story="A customer goes from $100 to $10 a month in the middle of the month.",
    # unused half of $100 = $50, half of $10 = $5 to pay
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((1, 4_500),), ending_balance=0
    ),
)  # fmt: skip
def downgrade_at_mid_period(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)
    return customer


@scenario(
    story="A customer of €30 a month cancels after a third of the second month: the newest charge covers the credit.",
    # 2/3 of €30
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((2, 2_000),), ending_balance=0, currency="eur"
    ),
)
def charge_larger_than_credit(life: Life) -> Story:
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 3_000, currency="eur")
    yield life.months_before_end(0)
    yield life.share_of_period(plan, 1, 3)
    life.cancel(plan)
    return customer


@scenario(
    story="A customer of $60 a month for most of a year cancels at once when three fifths of a month are over.",
    # 2/5 of $60, over the eleventh charge
    expected=Expected(
        outcome="refunded", credit=2_400, refundable=2_400, refunds=((11, 2_400),), ending_balance=0
    ),
)  # fmt: skip
def cancelled_with_invoice_now(life: Life) -> Story:
    yield life.months_before_end(10)
    customer = life.newcomer()
    plan = life.subscribe(customer, 6_000)
    yield life.months_before_end(0)
    yield life.share_of_period(plan, 3, 5)
    life.cancel(plan)
    return customer


@scenario(
    story="The invoice of a cancellation is a draft for an hour; then its credit is there.",
    # half of $60
    expected=Expected(
        outcome="refunded", credit=3_000, refundable=3_000, refunds=((1, 3_000),), ending_balance=0
    ),
)  # fmt: skip
def cancelled_by_a_draft(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 6_000)
    life.sandbox.build.prorations(plan, draft=True)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="The customer cancelled minutes ago: the invoice that will bring the credit is still a draft.",
    expected=Expected(
        outcome="skipped", reason="credit_gone", credit=0, refundable=0, ending_balance=0, swept=False
    ),
)  # fmt: skip
def cancelled_minutes_ago(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 6_000)
    life.sandbox.build.prorations(plan, draft=True)
    yield life.ends - 600
    life.cancel(plan)
    return customer


@scenario(
    story="A team goes from ten seats at $5 to four in the middle of the month.",
    # half of $50 back, half of $20 to pay
    expected=Expected(
        outcome="refunded", credit=1_500, refundable=1_500, refunds=((1, 1_500),), ending_balance=0
    ),
)  # fmt: skip
def fewer_seats(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 500, seats=10)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, seats=4)
    return customer


@scenario(
    story="A team of ten at $5 becomes one of four at $3 in the middle of the month.",
    # half of $50 back, half of $12 to pay
    expected=Expected(
        outcome="refunded", credit=1_900, refundable=1_900, refunds=((1, 1_900),), ending_balance=0
    ),
)  # fmt: skip
def fewer_seats_at_a_lower_price(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 500, seats=10)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=300, seats=4)
    return customer


def _growing_team(life: Life, *, seats: int) -> Story:
    """A team with one seat at $60 a year adds another after each tenth of the year, and cancels after a third.

    What the added seats cost: $54, $48, $42. The cancellation credits $40 a seat.
    """
    yield life.days_before_end(140)
    customer = life.newcomer()
    plan = life.subscribe(customer, 6_000, every="year")
    for added in range(1, seats):
        yield life.share_of_period(plan, added, 10)
        life.change(plan, seats=added + 1)
    yield life.share_of_period(plan, 1, 3)
    life.cancel(plan)
    return customer


@scenario(
    story="A team with one yearly seat adds a second and cancels after a third of the year.",
    # $80 over charges of $54 and $60
    expected=Expected(
        outcome="refunded", credit=8_000, refundable=8_000, refunds=((2, 5_400), (1, 2_600)), ending_balance=0
    ),
)
def credit_over_two_charges(life: Life) -> Story:
    return (yield from _growing_team(life, seats=2))


@scenario(
    story="A team with one yearly seat adds two, one at a time, and cancels after a third of the year.",
    # $120 over charges of $48, $54 and $60
    expected=Expected(
        outcome="refunded", credit=12_000, refundable=12_000, refunds=((3, 4_800), (2, 5_400), (1, 1_800)),
        ending_balance=0,
    ),
)  # fmt: skip
def credit_over_three_charges(life: Life) -> Story:
    return (yield from _growing_team(life, seats=3))


@scenario(
    story="A team with one yearly seat adds three, one at a time, and cancels after a third of the year.",
    # $160 over charges of $42, $48, $54 and $60
    expected=Expected(
        outcome="refunded", credit=16_000, refundable=16_000,
        refunds=((4, 4_200), (3, 4_800), (2, 5_400), (1, 1_600)), ending_balance=0,
    ),
)  # fmt: skip
def credit_over_four_charges(life: Life) -> Story:
    return (yield from _growing_team(life, seats=4))


@scenario(
    story="Of two subscriptions the older one is downgraded; the newest charge paid the other one and is left alone.",
    # half of $50 back, half of $10 to pay: $20, over the charge of the first subscription
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((1, 2_000),), ending_balance=0
    ),
)  # fmt: skip
def one_of_two_subscriptions(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 5_000)
    yield life.share_of_period(plan, 1, 4)
    life.subscribe(customer, 3_000)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)
    return customer


@scenario(
    story="Two subscriptions are cancelled: each part of the credit goes back over its own subscription's charge.",
    # half of $50 and half of $30
    expected=Expected(
        outcome="refunded", credit=4_000, refundable=4_000, refunds=((2, 1_500), (1, 2_500)), ending_balance=0
    ),
)
def two_subscriptions_cancelled(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 5_000)
    yield life.sandbox.clock.now + 3_600
    other = life.subscribe(customer, 3_000)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    yield life.share_of_period(other, 1, 2)
    life.cancel(other)
    return customer


@scenario(
    story="A customer goes from $100 to $50 at half and to $10 at three quarters: two credits over one charge.",
    # half of $50 = $25, then a quarter of $40 = $10
    expected=Expected(
        outcome="refunded", credit=3_500, refundable=3_500, refunds=((1, 3_500),), ending_balance=0
    ),
)  # fmt: skip
def downgraded_twice(life: Life) -> Story:
    yield life.days_before_end(26)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=5_000)
    yield life.share_of_period(plan, 3, 4)
    life.change(plan, amount=1_000)
    return customer


@scenario(
    story="After a downgrade from $100 to $10 the renewal is paid from the credit; what is left goes back.",
    # $45 - $10
    expected=Expected(
        outcome="refunded", credit=3_500, refundable=3_500, refunds=((1, 3_500),), ending_balance=0
    ),
)  # fmt: skip
def renewal_paid_from_the_credit(life: Life) -> Story:
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)
    return customer


@scenario(
    story="A customer of $1,000 a year cancels at mid-year: exactly what may leave without a person's word.",
    expected=Expected(
        outcome="refunded", credit=50_000, refundable=50_000, refunds=((1, 50_000),), ending_balance=0
    ),
)  # fmt: skip
def exactly_the_limit(life: Life) -> Story:
    yield life.days_before_end(190)
    customer = life.newcomer()
    plan = life.subscribe(customer, 100_000, every="year")
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer
