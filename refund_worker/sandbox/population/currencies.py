"""Credit in several currencies: each is a case of its own, over the charges of its own currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator

    from refund_worker.sandbox.population.life import Life

_EUROS = Expected(
    outcome="refunded", credit=3_000, refundable=3_000, refunds=((1, 3_000),), ending_balance=0, currency="eur"
)


def _moved_to_euros(life: Life, *, credited: bool) -> Generator[int, None, str]:
    """$40 for last month, ended at its half; then €60 for this month, cancelled at half: €30 of credit.

    Args:
        credited: Whether the unused half of the dollars is credited.
    """
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    yield life.share_of_period(plan, 1, 2)
    if credited:
        life.cancel(plan)
    else:
        life.end(plan)
    yield life.months_before_end(0)
    euros = life.subscribe(customer, 6_000, currency="eur")
    yield life.share_of_period(euros, 1, 2)
    life.cancel(euros)
    return customer


@scenario(story="A customer of dollars goes over to euros and cancels: the credit is in euros alone.", expected=_EUROS)
def credit_in_a_second_currency(life: Life) -> Story:
    return (yield from _moved_to_euros(life, credited=False))


@scenario(
    story="A plan in dollars and a later one in euros are cancelled: each credit goes back over its own charge.",
    # half of $40 and half of €60
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((1, 2_000),), ending_balance=0
    ),
    others=(_EUROS,),
)  # fmt: skip
def credit_in_both_currencies(life: Life) -> Story:
    return (yield from _moved_to_euros(life, credited=True))


@scenario(
    story="Beside the downgrade's credit there is goodwill of €10: the dollars go back, the euros stay.",
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((1, 4_500),), ending_balance=0
    ),
    others=(
        Expected(
            outcome="skipped", reason="no_refundable_credit", credit=1_000, excluded=1_000, refundable=0,
            ending_balance=-1_000, currency="eur",
        ),
    ),
)  # fmt: skip
def goodwill_in_a_second_currency(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000)
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)
    life.adjust(customer, -1_000, currency="eur", why="Sorry for the outage")
    return customer
