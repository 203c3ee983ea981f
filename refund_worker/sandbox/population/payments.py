"""Odd payments - refunded, disputed, foreign, shared, outside Stripe - and which of them can take the credit.

Most of these customers pay $40 a month, twice, and cancel in the middle of the second month: $20 of credit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.life import DAY_S, Life
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator

_HOUR_S = 3_600


def _two_months(life: Life, *, renewal: str = "succeeds") -> Generator[int, None, tuple[str, str]]:
    """$40 a month, renewed once; `renewal` says how the second payment turns out. Ends two hours after the renewal."""
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    yield life.months_before_end(0) - 5 * DAY_S
    life.pays(customer, renewal)
    yield life.months_before_end(0) + 2 * _HOUR_S
    return customer, plan


def _cancel_at_half(life: Life, plan: str) -> Generator[int, None, None]:
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)


def _over_first_charge(*, fruitless: int = 0) -> Expected:
    return Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((1, 2_000),), fruitless=fruitless,
        ending_balance=0,
    )  # fmt: skip


@scenario(
    story="Support had refunded $25 of the newest charge before the cancellation.",
    # $15 is left on it; $5 more over the first
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((2, 1_500), (1, 500)), ending_balance=0
    ),
)
def partly_refunded_charge(life: Life) -> Story:
    customer, plan = yield from _two_months(life)
    yield life.share_of_period(plan, 1, 4)
    life.refund_by_hand(life.newest_charge(customer), 2_500)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(story="Support had refunded all of the newest charge before.", expected=_over_first_charge())
def fully_refunded_charge(life: Life) -> Story:
    customer, plan = yield from _two_months(life)
    yield life.share_of_period(plan, 1, 4)
    life.refund_by_hand(life.newest_charge(customer), 4_000)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="Of the second invoice a card pays $15 and a transfer the rest; a card's hold of $25 is never captured.",
    # charges: 1 the first month, 2 the $15, 3 the hold
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((2, 1_500), (1, 500)), ending_balance=0
    ),
)
def uncaptured_charge(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="waits")
    invoice = life.newest_invoice(plan)
    life.paid_by(invoice, customer, amount=1_500)
    yield life.sandbox.clock.now + _HOUR_S
    life.paid_by(invoice, customer, amount=2_500, captured=0)
    yield life.sandbox.clock.now + DAY_S
    life.sandbox.build.pay(invoice)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="The card is declined at the renewal; a day later another card pays.",
    # charges: 1 the first month, 2 the declined one, 3 the one that paid
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((3, 2_000),), ending_balance=0
    ),
)  # fmt: skip
def failed_charge(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="fails")
    yield life.sandbox.clock.now + DAY_S
    life.pays(customer)
    life.invoice_act(life.newest_invoice(plan), "pay")
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="The second invoice, in dollars, was paid by hand with a payment in euros.", expected=_over_first_charge()
)
def charge_in_another_currency(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="waits")
    life.paid_by(life.newest_invoice(plan), customer, amount=4_000, currency="eur")
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(story="The second invoice is paid in cash and marked so.", expected=_over_first_charge())
def paid_out_of_band(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="waits")
    life.invoice_act(life.newest_invoice(plan), "pay", paid_out_of_band=True)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(story="The second invoice is paid through another provider: a payment record.", expected=_over_first_charge())
def payment_record(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="waits")
    life.sandbox.build.pay(life.newest_invoice(plan))
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="An invoice of $100 is paid by two cards, $60 and a day later $40.",
    # half of $100 back: all of the newer payment, $10 of the older
    expected=Expected(
        outcome="refunded", credit=5_000, refundable=5_000, refunds=((2, 4_000), (1, 1_000)), ending_balance=0
    ),
)
def invoice_paid_by_two_payments(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    life.pays(customer, "waits")
    plan = life.subscribe(customer, 10_000)
    invoice = life.newest_invoice(plan)
    life.paid_by(invoice, customer, amount=6_000)
    yield life.sandbox.clock.now + DAY_S
    life.paid_by(invoice, customer, amount=4_000)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="One payment of $60 pays $20 of a $60 plan and all of a $40 plan; the $60 plan is cancelled after a quarter.",
    # 3/4 of $60 = $45 back: only the $20 that the shared charge paid for this plan, $25 of the month before
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((2, 2_000), (1, 2_500)), ending_balance=0
    ),
)
def payment_for_two_subscriptions(life: Life) -> Story:
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 6_000)
    yield life.months_before_end(0) - 5 * DAY_S
    life.pays(customer, "waits")
    yield life.months_before_end(0) + 2 * _HOUR_S
    invoice = life.newest_invoice(plan)
    other = life.newest_invoice(life.subscribe(customer, 4_000))
    shared = str(life.sandbox.build.charge(customer, amount=6_000)["id"])
    life.sandbox.build.pay(invoice, charge=shared, amount=2_000)
    life.sandbox.build.pay(invoice)
    life.sandbox.build.pay(other, charge=shared)
    yield life.share_of_period(plan, 1, 4)
    life.cancel(plan)
    return customer


@scenario(
    story="The second invoice was paid by an old-style charge without a PaymentIntent.",
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((2, 2_000),), ending_balance=0
    ),
)  # fmt: skip
def charge_without_payment_intent(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="waits")
    life.paid_by(life.newest_invoice(plan), customer, amount=4_000, legacy=True)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="The bank takes days to accept the refund: it is pending after the run.",
    expected=Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((2, 2_000),), pending=2_000, ending_balance=0
    ),
)
def refund_turns_pending(life: Life) -> Story:
    customer, plan = yield from _two_months(life)
    yield from _cancel_at_half(life, plan)
    charge = life.newest_charge(customer)
    life.sandbox.control.next_refund(charge, status="pending", then=("succeeded", 5 * DAY_S))
    return customer


@scenario(
    story="The newest charge refuses refunds for good; the next one takes the credit.",
    expected=_over_first_charge(fruitless=1),
)
def refund_refused(life: Life) -> Story:
    customer, plan = yield from _two_months(life, renewal="waits")
    life.paid_by(life.newest_invoice(plan), customer, amount=4_000, refundable=False)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="The refund of the newest charge is created and fails at once; the next charge takes the credit.",
    expected=_over_first_charge(fruitless=1),
)
def refund_fails_at_once(life: Life) -> Story:
    customer, plan = yield from _two_months(life)
    yield from _cancel_at_half(life, plan)
    life.sandbox.control.next_refund(life.newest_charge(customer), status="failed")
    return customer


@scenario(
    story="Every invoice was paid in cash: there is no charge that could give anything back.",
    expected=Expected(
        outcome="skipped", reason="no_charge", credit=2_000, refundable=2_000, left=2_000, ending_balance=-2_000
    ),
)
def no_charge(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    life.pays(customer, "waits")
    plan = life.subscribe(customer, 4_000)
    life.invoice_act(life.newest_invoice(plan), "pay", paid_out_of_band=True)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="The cancelled plan was paid in cash; the only charge paid another plan and gives nothing back for this one.",
    expected=Expected(
        outcome="skipped", reason="no_charge", credit=2_000, refundable=2_000, left=2_000, ending_balance=-2_000
    ),
)
def charge_of_another_subscription_only(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    life.pays(customer, "waits")
    plan = life.subscribe(customer, 4_000)
    life.invoice_act(life.newest_invoice(plan), "pay", paid_out_of_band=True)
    life.pays(customer)
    life.subscribe(customer, 9_000)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="In classic billing, $10 becomes $100 without proration and $10 again at half: credit for what nobody paid.",
    # half of $100 back, half of $10 to pay = $45; only $10 was ever charged
    expected=Expected(
        outcome="partly_refunded", reason="charges_exhausted", credit=4_500, refundable=4_500, refunds=((1, 1_000),),
        left=3_500, ending_balance=-3_500,
    ),
)  # fmt: skip
def credit_larger_than_all_charges(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 1_000, billing_mode={"type": "classic"})
    yield life.share_of_period(plan, 1, 4)
    life.change(plan, amount=10_000, proration="none")
    yield life.share_of_period(plan, 1, 2)
    life.change(plan, amount=1_000)
    return customer
