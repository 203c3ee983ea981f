"""Charges that cannot, or not yet, give anything back: disputed ones, bank debits, those too old, those of others.

Most of these customers pay $40 a month, twice, and cancel in the middle of the second month: $20 of credit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.population.life import DAY_S, Life
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator


def _over(charge: int) -> Expected:
    """All of the credit goes back over the first or the second charge."""
    return Expected(
        outcome="refunded", credit=2_000, refundable=2_000, refunds=((charge, 2_000),), ending_balance=0
    )  # fmt: skip


def _left(reason: str, *, credit: int = 2_000, currency: str = "usd") -> Expected:
    """No charge can take the credit; it stays."""
    return Expected(
        outcome="skipped", reason=reason, credit=credit, refundable=credit, left=credit, ending_balance=-credit,
        currency=currency,
    )  # fmt: skip


def _held(reason: str, *, credit: int = 2_000, currency: str = "usd") -> Expected:
    """A person must look at it."""
    return Expected(
        outcome="held", reason=reason, credit=credit, refundable=credit, ending_balance=-credit, currency=currency
    )  # fmt: skip


def _two_months(life: Life, *, to: str | None = None) -> Generator[int, None, tuple[str, str]]:
    """$40 a month, renewed once, the second payment perhaps for a connected account; ends at a quarter of the month."""
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    yield life.months_before_end(0) - 5 * DAY_S
    life.pays(customer, to=to)
    yield life.months_before_end(0) + DAY_S
    yield life.share_of_period(plan, 1, 4)
    return customer, plan


def _one_month(life: Life, *, kind: str = "card", to: str | None = None) -> Generator[int, None, tuple[str, str]]:
    """$40 for this month alone; ends at a quarter of it."""
    yield life.months_before_end(0)
    customer = life.newcomer()
    life.pays(customer, kind=kind, to=to)
    plan = life.subscribe(customer, 4_000)
    yield life.share_of_period(plan, 1, 4)
    return customer, plan


def _cancel_at_half(life: Life, plan: str) -> Generator[int, None, None]:
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan)


def _disputed(life: Life, *statuses: str, refundable: bool | None = None) -> Story:
    """The newest charge is disputed, and the dispute goes through the statuses, a day each."""
    customer, plan = yield from _two_months(life)
    charge = life.newest_charge(customer)
    dispute = str(life.sandbox.control.dispute(charge, status=statuses[0], refundable=refundable)["id"])
    for status in statuses[1:]:
        yield life.sandbox.clock.now + DAY_S
        life.sandbox.control.turn_dispute(dispute, status, refundable=refundable)
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(story="The cardholder disputes the newest charge: another one takes the credit.", expected=_over(1))
def disputed_charge(life: Life) -> Story:
    return (yield from _disputed(life, "needs_response"))


@scenario(story="The company won the dispute over the newest charge: it can be refunded again.", expected=_over(2))
def dispute_won(life: Life) -> Story:
    return (yield from _disputed(life, "needs_response", "under_review", "won"))


@scenario(story="The dispute was won, but Stripe takes no refunds over the charge.", expected=_over(1))
def dispute_won_without_refunds(life: Life) -> Story:
    return (yield from _disputed(life, "needs_response", "won", refundable=False))


@scenario(
    story="The dispute was lost: the cardholder has the money of the month that is credited already.",
    expected=_held("credited_invoice_unpaid"),
)
def dispute_lost(life: Life) -> Story:
    return (yield from _disputed(life, "needs_response", "lost"))


@scenario(story="The bank inquires about the newest charge; a partial refund would not end that.", expected=_over(1))
def inquiry(life: Life) -> Story:
    return (yield from _disputed(life, "warning_needs_response"))


@scenario(story="The inquiry about the newest charge ended without a dispute.", expected=_over(2))
def inquiry_closed(life: Life) -> Story:
    return (yield from _disputed(life, "warning_needs_response", "warning_under_review", "warning_closed"))


@scenario(
    story="The only charge is disputed: nothing is left that could take the credit.", expected=_left("charge_disputed")
)
def only_charge_disputed(life: Life) -> Story:
    customer, plan = yield from _one_month(life)
    life.sandbox.control.dispute(life.newest_charge(customer))
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(story="The money of the second month was transferred to a connected account.", expected=_over(1))
def connect_charge(life: Life) -> Story:
    customer, plan = yield from _two_months(life, to="acct_1SbConnected00")
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(story="All that the customer ever paid went to a connected account.", expected=_left("connect_charge"))
def connect_charge_only(life: Life) -> Story:
    customer, plan = yield from _one_month(life, to="acct_1SbConnected00")
    yield from _cancel_at_half(life, plan)
    return customer


def _year(life: Life, *, kind: str, days: int, currency: str) -> Generator[int, None, tuple[str, str]]:
    """120.00 a year, begun so many days before the end."""
    yield life.days_before_end(days)
    customer = life.newcomer()
    life.pays(customer, kind=kind)
    return customer, life.subscribe(customer, 12_000, currency=currency, every="year")


@scenario(
    story="A year paid by iDEAL is cancelled at its middle: after 180 days iDEAL takes no refunds.",
    expected=_left("refund_window_closed", credit=6_000, currency="eur"),
)
def refund_window_closed(life: Life) -> Story:
    customer, plan = yield from _year(life, kind="ideal", days=190, currency="eur")
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="A year paid by iDEAL is cancelled after a third of it: there is time enough for a refund.",
    expected=Expected(
        outcome="refunded", credit=8_000, refundable=8_000, refunds=((1, 8_000),), ending_balance=0, currency="eur"
    ),
)
def refund_window_open(life: Life) -> Story:
    customer, plan = yield from _year(life, kind="ideal", days=175, currency="eur")
    yield life.share_of_period(plan, 1, 3)
    life.cancel(plan)
    return customer


@scenario(
    story="A SEPA direct debit was cancelled at half the month: the bank would still take it back.",
    expected=_held("bank_debit_disputable"),
)
def bank_debit_disputable(life: Life) -> Story:
    customer, plan = yield from _one_month(life, kind="sepa_debit")
    yield from _cancel_at_half(life, plan)
    return customer


@scenario(
    story="A year paid from an American bank account is cancelled after a quarter: 60 days for a dispute are over.",
    expected=Expected(
        outcome="refunded", credit=9_000, refundable=9_000, refunds=((1, 9_000),), ending_balance=0
    ),
)  # fmt: skip
def bank_debit_no_longer_disputable(life: Life) -> Story:
    customer, plan = yield from _year(life, kind="us_bank_account", days=100, currency="usd")
    yield life.share_of_period(plan, 1, 4)
    life.cancel(plan)
    return customer
