"""What a person must look at first, and what is nobody's case.

Most of these customers go from $100 to $10 in the middle of the month: $45 of credit, which is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.life import DAY_S, Life
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator

_MINUTE_S = 60


def _held(reason: str, *, credit: int = 4_500) -> Expected:
    """All of the credit is refundable, none leaves."""
    return Expected(outcome="held", reason=reason, credit=credit, refundable=credit, ending_balance=-credit)


def _subscribed(life: Life, *, automatic_tax: bool = False) -> Generator[int, None, tuple[str, str]]:
    """$100 for this month; ends after a quarter of it."""
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000, automatic_tax={"enabled": automatic_tax})
    yield life.share_of_period(plan, 1, 4)
    return customer, plan


def _downgrade_at_half(life: Life, plan: str) -> Generator[int, None, None]:
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)


@scenario(story="The day after the downgrade support refunds $20 by hand.", expected=_held("refunded_by_hand"))
def refunded_by_hand(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    yield from _downgrade_at_half(life, plan)
    yield life.sandbox.clock.now + DAY_S
    life.refund_by_hand(life.newest_charge(customer), 2_000)
    return customer


@scenario(story="An extra invoice of $80 is still open when the plan is downgraded.", expected=_held("open_invoice"))
def open_invoice(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.pays(customer, "fails")
    life.invoice_act(life.bill(customer, 8_000, auto_advance=True), "finalize")
    yield from _downgrade_at_half(life, plan)
    return customer


@scenario(
    story="A draft of $30 was written minutes ago and will finalise within the hour.", expected=_held("draft_invoice")
)
def draft_that_will_finalise(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    yield from _downgrade_at_half(life, plan)
    yield life.ends - 5 * _MINUTE_S
    life.bill(customer, 3_000, auto_advance=True)
    return customer


@scenario(
    story="A draft of $30 lies about that nobody will finalise: it holds nothing up.",
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((1, 4_500),), ending_balance=0
    ),
)  # fmt: skip
def draft_that_lies_about(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    yield from _downgrade_at_half(life, plan)
    life.bill(customer, 3_000)
    return customer


@scenario(story="Stripe Tax computes this plan's tax.", expected=_held("automatic_tax"))
def automatic_tax(life: Life) -> Story:
    customer, plan = yield from _subscribed(life, automatic_tax=True)
    yield from _downgrade_at_half(life, plan)
    return customer


@scenario(
    story="$1,200 a year, cancelled at mid-year: $600 need a person.", expected=_held("above_limit", credit=60_000)
)
def above_the_limit(life: Life) -> Story:
    yield life.days_before_end(190)
    customer = life.newcomer()
    plan = life.subscribe(customer, 120_000, every="year")
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    return customer


@scenario(
    story="A team gives a yearly seat back every week, six times; five refunds are enough for 90 days.",
    # 44/50 of $60 for the sixth seat
    expected=_held("refunded_often", credit=5_280),
)
def refunded_often(life: Life) -> Story:
    yield life.days_before_end(80)
    customer = life.newcomer()
    plan = life.subscribe(customer, 6_000, every="year", seats=7)
    for week in range(1, 7):
        yield life.share_of_period(plan, week, 50)
        life.change(plan, seats=7 - week)
        if week < 6:
            life.refunded_before(customer, number=week)
    return customer


@scenario(
    story="The customer was deleted after the cancellation: nobody is left to debit.",
    # half of $40
    expected=Expected(
        outcome="skipped", reason="customer_deleted", credit=2_000, refundable=2_000, left=2_000,
        ending_balance=-2_000, swept=False,
    ),
)  # fmt: skip
def deleted_customer(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)
    yield life.sandbox.clock.now + DAY_S
    life.sandbox.delete(f"/v1/customers/{customer}")
    return customer


@scenario(
    story="The customer pays every month and is owed nothing.",
    expected=Expected(
        outcome="skipped", reason="credit_gone", credit=0, refundable=0, ending_balance=0, swept=False
    ),
)  # fmt: skip
def zero_balance(life: Life) -> Story:
    yield life.months_before_end(2)
    customer = life.newcomer()
    life.subscribe(customer, 4_000)
    return customer


@scenario(
    story="The customer owes $15, which the next invoice will collect.",
    expected=Expected(
        outcome="skipped", reason="credit_gone", credit=0, refundable=0, ending_balance=1_500, swept=False
    ),
)  # fmt: skip
def positive_balance(life: Life) -> Story:
    customer, _ = yield from _subscribed(life)
    life.adjust(customer, 1_500, why="Replacement of a lost access card")
    return customer
