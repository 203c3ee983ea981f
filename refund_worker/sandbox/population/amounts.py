"""Currencies, taxes, discounts, the smallest amount, and invoices with much on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.life import DAY_S
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from refund_worker.sandbox.population.life import Life


def _refunded(credit: int, *, currency: str = "usd") -> Expected:
    """All of it over the first charge."""
    return Expected(
        outcome="refunded", credit=credit, refundable=credit, refunds=((1, credit),), ending_balance=0,
        currency=currency,
    )  # fmt: skip


def _yen(life: Life, amount: int) -> Story:
    """Cancelled after a third of the month: two thirds of the amount come back."""
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, amount, currency="jpy")
    yield life.share_of_period(plan, 1, 3)
    life.cancel(plan)
    return customer


@scenario(story="¥600 a month, cancelled after a third of the month.", expected=_refunded(400, currency="jpy"))
def zero_decimals(life: Life) -> Story:
    return (yield from _yen(life, 600))


@scenario(
    story="¥3,000 a month, cancelled after a third of the month: the limit of 500.00 is ¥500, ¥2,000 need a person.",
    expected=Expected(
        outcome="held", reason="above_limit", credit=2_000, refundable=2_000, ending_balance=-2_000, currency="jpy"
    ),
)
def zero_decimals_above_the_limit(life: Life) -> Story:
    return (yield from _yen(life, 3_000))


@scenario(
    story="30.000 Kuwaiti dinars a month, cancelled at half: 15.000 back.", expected=_refunded(15_000, currency="kwd")
)
def three_decimals(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 30_000, currency="kwd")
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="20.010 Kuwaiti dinars, cancelled at half: of 10.005 only 10.000 can be refunded, the last digit must be 0.",
    expected=Expected(
        outcome="partly_refunded", reason="charges_exhausted", credit=10_005, refundable=10_005,
        refunds=((1, 10_000),), left=5, ending_balance=-5, currency="kwd",
    ),
)  # fmt: skip
def three_decimals_with_a_rest(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 20_010, currency="kwd")
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="€100 a month and 19 % tax on top, cancelled at half: the tax comes back too.",
    # half of €100 and of €19
    expected=_refunded(5_950, currency="eur"),
)
def exclusive_tax(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    rate = life.sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": False})
    plan = life.subscribe(customer, 10_000, currency="eur", default_tax_rates=[rate["id"]])
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(story="€119 a month with 19 % tax in it, cancelled at half.", expected=_refunded(5_950, currency="eur"))
def inclusive_tax(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    rate = life.sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": True})
    plan = life.subscribe(customer, 11_900, currency="eur", default_tax_rates=[rate["id"]])
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="$100 a month with a quarter off for ever, cancelled at half.",
    # half of the $75 that were paid
    expected=_refunded(3_750),
)
def discount(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    coupon = life.sandbox.post("/v1/coupons", {"percent_off": "25", "duration": "forever"})
    plan = life.subscribe(customer, 10_000, discounts=[{"coupon": coupon["id"]}])
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="The same, where the credit's line shows the full price and the discount beside it.",
    # -$50 on the line, of which the discount takes $12.50 back
    expected=_refunded(3_750),
)
def itemized_discount(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    coupon = life.sandbox.post("/v1/coupons", {"percent_off": "25", "duration": "forever"})
    mode = {"type": "flexible", "flexible": {"proration_discounts": "itemized"}}
    plan = life.subscribe(customer, 10_000, discounts=[{"coupon": coupon["id"]}], billing_mode=mode)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(story="50 cents a month, cancelled when a fiftieth of it is left: one cent.", expected=_refunded(1))
def one_cent(life: Life) -> Story:
    yield life.days_before_end(33)
    customer = life.newcomer()
    plan = life.subscribe(customer, 50)
    yield life.share_of_period(plan, 49, 50)
    life.cancel(plan)
    return customer


@scenario(
    story="$120 a year by card, then 149 extra invoices paid in cash, cancelled after a third of the year.",
    # 2/3 of $120, over the oldest of 150 invoices: on the second page of the newest-first list
    expected=_refunded(8_000),
)
def hundred_and_fifty_invoices(life: Life) -> Story:
    yield life.days_before_end(130)
    customer = life.newcomer()
    plan = life.subscribe(customer, 12_000, every="year")
    life.pays(customer, "waits")
    for _ in range(149):
        yield life.sandbox.clock.now + 2 * DAY_S // 3
        invoice = life.bill(customer, 300, subscription=plan)
        life.invoice_act(invoice, "pay", paid_out_of_band=True)
    yield life.share_of_period(plan, 1, 3)
    life.cancel(plan)
    return customer


@scenario(
    story="One subscription to 15 plans of $2 to $16, cancelled at half: the credit's invoice has 15 lines.",
    # $2 + $3 + ... + $16 = $135
    expected=_refunded(6_750),
)
def fifteen_lines(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, *range(200, 1_700, 100))
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer
