"""Credit of other origins beside a downgrade's: goodwill stays on the balance and only the downgrade's part leaves.

Most of these customers go from $100 to $10 in the middle of the month: $45 of credit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.life import DAY_S, Life
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator

_NOT_REFUNDABLE = Expected(
    outcome="skipped", reason="no_refundable_credit", credit=2_500, excluded=2_500, refundable=0, ending_balance=-2_500
)


def _subscribed(life: Life) -> Generator[int, None, tuple[str, str]]:
    """$100 for this month; ends after a quarter of it."""
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000)
    yield life.share_of_period(plan, 1, 4)
    return customer, plan


def _downgrade_at_half(life: Life, plan: str) -> Generator[int, None, None]:
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)


@scenario(story="Support gives $25 of goodwill.", expected=_NOT_REFUNDABLE)
def goodwill_only(life: Life) -> Story:
    customer, _ = yield from _subscribed(life)
    life.adjust(customer, -2_500, why="Sorry for the outage")
    return customer


@scenario(
    story="$30 of goodwill, then the downgrade, then an invoice of $20: it uses the older credit, the goodwill.",
    # $75 - $20: $10 of goodwill are left, and all of the downgrade
    expected=Expected(
        outcome="refunded", credit=5_500, excluded=1_000, refundable=4_500, refunds=((1, 4_500),),
        ending_balance=-1_000,
    ),
)  # fmt: skip
def goodwill_partly_used(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.adjust(customer, -3_000, why="Sorry for the outage")
    yield from _downgrade_at_half(life, plan)
    yield life.sandbox.clock.now + DAY_S
    life.invoice_act(life.bill(customer, 2_000), "finalize")
    return customer


@scenario(
    story="The downgrade, then $30 of goodwill, then an invoice of $20: it uses the older credit, the downgrade's.",
    # $75 - $20: $25 of the downgrade are left, and all of the goodwill
    expected=Expected(
        outcome="refunded", credit=5_500, excluded=3_000, refundable=2_500, refunds=((1, 2_500),),
        ending_balance=-3_000,
    ),
)  # fmt: skip
def downgrade_partly_used(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    yield from _downgrade_at_half(life, plan)
    yield life.sandbox.clock.now + DAY_S
    life.adjust(customer, -3_000, why="Sorry for the outage")
    life.invoice_act(life.bill(customer, 2_000), "finalize")
    return customer


@scenario(
    story="A pending goodwill item of $15 is swept onto the downgrade's negative invoice.",
    # the invoice's total is -$60, of which -$45 are proration
    expected=Expected(
        outcome="refunded", credit=6_000, excluded=1_500, refundable=4_500, refunds=((1, 4_500),),
        ending_balance=-1_500,
    ),
)  # fmt: skip
def goodwill_on_the_negative_invoice(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.sandbox.post(
        "/v1/invoiceitems",
        {"customer": customer, "amount": -1_500, "currency": "usd", "description": "Sorry for the outage"},
    )
    yield from _downgrade_at_half(life, plan)
    return customer


@scenario(
    story="A goodwill item of $15 for the very subscription is swept onto the downgrade's negative invoice.",
    # the line names the subscription and is no proration
    expected=Expected(
        outcome="refunded", credit=6_000, excluded=1_500, refundable=4_500, refunds=((1, 4_500),),
        ending_balance=-1_500,
    ),
)  # fmt: skip
def goodwill_for_the_subscription(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.sandbox.post(
        "/v1/invoiceitems",
        {
            "customer": customer, "amount": -1_500, "currency": "usd", "subscription": plan,
            "description": "Sorry for the outage",
        },
    )  # fmt: skip
    yield from _downgrade_at_half(life, plan)
    return customer


@scenario(
    story="A goodwill item of $10 beside a cancellation whose line shows the full price and the discount apart.",
    # the line says -$50, its discount takes $12.50 back; the invoice's total is -$47.50
    expected=Expected(
        outcome="refunded", credit=4_750, excluded=1_000, refundable=3_750, refunds=((1, 3_750),),
        ending_balance=-1_000,
    ),
)  # fmt: skip
def goodwill_beside_a_discount(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    coupon = life.sandbox.post("/v1/coupons", {"percent_off": "25", "duration": "forever"})
    mode = {"type": "flexible", "flexible": {"proration_discounts": "itemized"}}
    plan = life.subscribe(customer, 10_000, discounts=[{"coupon": coupon["id"]}], billing_mode=mode)
    yield life.share_of_period(plan, 1, 2)
    life.sandbox.post(
        "/v1/invoiceitems",
        {"customer": customer, "amount": -1_000, "currency": "usd", "description": "Sorry for the outage"},
    )
    life.cancel(plan)
    return customer


@scenario(
    story="After the downgrade an invoice of $70 uses all the credit; it is never paid and voided: the credit returns.",
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((1, 4_500),), ending_balance=0
    ),
)  # fmt: skip
def unapplied_by_a_voided_invoice(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    yield from _downgrade_at_half(life, plan)
    life.pays(customer, "waits")
    invoice = life.bill(customer, 7_000)
    life.invoice_act(invoice, "finalize")
    yield life.sandbox.clock.now + DAY_S
    life.invoice_act(invoice, "void")
    return customer


@scenario(story="A credit note gives $25 of a paid invoice back to the balance.", expected=_NOT_REFUNDABLE)
def credit_note(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.sandbox.post(
        "/v1/credit_notes", {"invoice": life.newest_invoice(plan), "amount": 2_500, "credit_amount": 2_500}
    )
    return customer


@scenario(story="The customer was created with an opening credit of $25.", expected=_NOT_REFUNDABLE)
def opening_balance(life: Life) -> Story:
    yield life.days_before_end(12)
    return life.newcomer(balance=-2_500)


@scenario(story="A credit of $25 was brought along from another billing system.", expected=_NOT_REFUNDABLE)
def migrated_balance(life: Life) -> Story:
    customer, _ = yield from _subscribed(life)
    life.sandbox.build.movement(customer, amount=-2_500, kind="migration")
    return customer


@scenario(
    story="The customer owed $12 on the balance before the downgrade: it is paid off first.",
    expected=Expected(
        outcome="refunded", credit=3_300, refundable=3_300, refunds=((1, 3_300),), ending_balance=0
    ),
)  # fmt: skip
def positive_before_the_downgrade(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.adjust(customer, 1_200, why="Replacement of a lost access card")
    yield from _downgrade_at_half(life, plan)
    return customer


@scenario(
    story="A day after the downgrade support refunds $20 by hand and takes the same from the credit.",
    expected=Expected(
        outcome="refunded", credit=2_500, refundable=2_500, refunds=((1, 2_500),), ending_balance=0
    ),
)  # fmt: skip
def refunded_by_hand_and_debited(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    yield from _downgrade_at_half(life, plan)
    yield life.sandbox.clock.now + DAY_S
    life.refund_by_hand(life.newest_charge(customer), 2_000)
    life.adjust(customer, 2_000, why="Refunded to the card")
    return customer
