"""Credit for time that nobody paid: the credited invoice was given up, voided, or paid by goodwill.

Most of these customers pay $40 a month; the renewal fails and its invoice is closed; cancelling at half credits $20.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.life import DAY_S, Life
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator


def _held(credit: int = 2_000) -> Expected:
    return Expected(
        outcome="held", reason="credited_invoice_unpaid", credit=credit, refundable=credit, ending_balance=-credit
    )


def _renewal_unpaid(life: Life, act: str, *, credited: bool = True) -> Story:
    """The first month is paid; the second one's invoice is voided or given up (`act`).

    Args:
        credited: Whether the credit's line says which invoice it takes back.
    """
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    life.sandbox.build.prorations(plan, credited=credited)
    yield life.months_before_end(0) - 5 * DAY_S
    life.pays(customer, "fails")
    yield life.months_before_end(0) + DAY_S
    life.invoice_act(life.newest_invoice(plan), act)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="The credited month's invoice was given up as uncollectible: the credit is for time that nobody paid.",
    expected=_held(),
)
def credited_invoice_uncollectible(life: Life) -> Story:
    return (yield from _renewal_unpaid(life, "mark_uncollectible"))


@scenario(
    story="The credited month's invoice was voided: the credit is for time that nobody paid.",
    expected=_held(),
)
def credited_invoice_void(life: Life) -> Story:
    return (yield from _renewal_unpaid(life, "void"))


@scenario(
    story="The credited month's invoice was voided, and only the period says that it is the credited one.",
    expected=_held(),
)
def credited_by_its_period(life: Life) -> Story:
    return (yield from _renewal_unpaid(life, "void", credited=False))


@scenario(
    story="Last month's invoice was voided, this month's paid; the credit's period is this month's.",
    # charges: 1 the first month, 2 the declined one, 3 this month's, which gives half of $40 back
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((3, 2_000),), ending_balance=0
    ),
)  # fmt: skip
def another_period_unpaid(life: Life) -> Story:
    yield life.months_before_end(2)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    life.sandbox.build.prorations(plan, credited=False)
    yield life.months_before_end(1) - 5 * DAY_S
    life.pays(customer, "fails")
    yield life.months_before_end(1) + DAY_S
    life.invoice_act(life.newest_invoice(plan), "void")
    life.pays(customer)
    yield life.months_before_end(0) + DAY_S
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="An extra invoice was given up as uncollectible; the credited month itself was paid.",
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((1, 4_500),), ending_balance=0
    ),
)  # fmt: skip
def extra_invoice_uncollectible(life: Life) -> Story:
    customer, plan = yield from _paid_month(life)
    life.pays(customer, "waits")
    invoice = life.bill(customer, 8_000)
    life.invoice_act(invoice, "finalize")
    life.invoice_act(invoice, "mark_uncollectible")
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)
    return customer


def _paid_month(life: Life, *, goodwill: int = 0) -> Generator[int, None, tuple[str, str]]:
    """$100 for this month, so much of it paid by goodwill; ends after a quarter of it."""
    yield life.months_before_end(0)
    customer = life.newcomer()
    if goodwill:
        life.adjust(customer, -goodwill, why="Sorry for the outage")
    plan = life.subscribe(customer, 10_000)
    yield life.share_of_period(plan, 1, 4)
    return customer, plan


def _paid_by_goodwill(life: Life, goodwill: int) -> Story:
    """Cancelled at half: $50 of credit."""
    customer, plan = yield from _paid_month(life, goodwill=goodwill)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(story="Goodwill paid the whole month: cancelling it must not turn it into cash.", expected=_held(5_000))
def paid_by_goodwill(life: Life) -> Story:
    return (yield from _paid_by_goodwill(life, 10_000))


@scenario(
    story="Goodwill of $60 paid a part of the month: of the $50 credited only $40 were ever paid.",
    expected=_held(5_000),
)
def paid_by_goodwill_for_the_most_part(life: Life) -> Story:
    return (yield from _paid_by_goodwill(life, 6_000))


@scenario(
    story="Goodwill of $50 paid the used half of the month, and the card the other half, which is credited.",
    expected=Expected(
        outcome="refunded", credit=5_000, refundable=5_000, refunds=((1, 5_000),), ending_balance=0
    ),
)  # fmt: skip
def paid_by_goodwill_for_the_used_part(life: Life) -> Story:
    return (yield from _paid_by_goodwill(life, 5_000))
