"""Credit that waits in pending invoice items: of subscriptions that have ended, and of those that go on.

Most of these customers cancel $100 a month in its middle, with proration but without an invoice: -$50 is pending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox.population.life import DAY_S
from refund_worker.sandbox.population.scenario import Expected, Story, scenario

if TYPE_CHECKING:
    from collections.abc import Generator

    from refund_worker.sandbox.population.life import Life


def _refunded(credit: int = 5_000, *, currency: str = "usd") -> Expected:
    """All of it is put on the balance and goes back over the first charge."""
    return Expected(
        outcome="refunded", credit=credit, refundable=credit, refunds=((1, credit),), ending_balance=0,
        currency=currency,
    )  # fmt: skip


def _stays(outcome: str, reason: str, *, pending: int, currency: str = "usd", swept: bool = True) -> Expected:
    """Nothing is put on the balance, which is empty."""
    return Expected(
        outcome="held" if outcome == "held" else "skipped", reason=reason, credit=0, refundable=0, ending_balance=0,
        pending_items=pending, currency=currency, swept=swept,
    )  # fmt: skip


def _subscribed(life: Life, amount: int = 10_000, **terms: Any) -> Generator[int, None, tuple[str, str]]:
    """Paid for this month; ends in the middle of it."""
    yield life.days_before_end(26)
    customer = life.newcomer()
    plan = life.subscribe(customer, amount, **terms)
    yield life.share_of_period(plan, 1, 2)
    return customer, plan


@scenario(story="The cancellation is prorated and not invoiced: its credit waits for ever.", expected=_refunded())
def cancelled_without_an_invoice(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="$100 becomes $10 at half without an invoice, and is cancelled so at three quarters.",
    # -$50 and $5 for the change, -$2.50 for the rest
    expected=_refunded(4_750),
)
def downgraded_and_cancelled_without_an_invoice(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.change(plan, amount=1_000, proration="create_prorations")
    yield life.share_of_period(plan, 3, 4)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="The downgrade is invoiced, the cancellation is not: a part of the credit is on the balance.",
    # $45 for the change at half, $2.50 of the $5 that it cost for the rest
    expected=_refunded(4_750),
)
def invoiced_and_pending_credit(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.change(plan, amount=1_000)
    yield life.share_of_period(plan, 3, 4)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="Two subscriptions are cancelled without an invoice: each credit goes back over its own charge.",
    # half of $50 and half of $30
    expected=Expected(
        outcome="refunded", credit=4_000, refundable=4_000, refunds=((2, 1_500), (1, 2_500)), ending_balance=0
    ),
)  # fmt: skip
def two_cancelled_without_an_invoice(life: Life) -> Story:
    yield life.months_before_end(0)
    customer = life.newcomer()
    plan = life.subscribe(customer, 5_000)
    yield life.sandbox.clock.now + 3_600
    other = life.subscribe(customer, 3_000)
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan, invoice=False)
    yield life.share_of_period(other, 1, 2)
    life.cancel(other, invoice=False)
    return customer


@scenario(
    story="€119 a month with 19 % tax in it, cancelled at half without an invoice: the item holds the tax.",
    expected=_refunded(5_950, currency="eur"),
)
def pending_credit_with_tax_in_it(life: Life) -> Story:
    rate = life.sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": True})
    customer, plan = yield from _subscribed(life, 11_900, currency="eur", default_tax_rates=[rate["id"]])
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="Beside the cancelled plan's pending credit waits goodwill of $15 for the same plan: it stays as credit.",
    # $65 are put on the balance, of which $50 are proration
    expected=Expected(
        outcome="refunded", credit=6_500, excluded=1_500, refundable=5_000, refunds=((1, 5_000),),
        ending_balance=-1_500,
    ),
)  # fmt: skip
def pending_goodwill_of_the_plan(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.pending_item(customer, -1_500, why="Sorry for the outage", subscription=plan)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="Goodwill of $15 waits for no plan in particular: it is left pending beside the cancelled plan's credit.",
    expected=Expected(
        outcome="refunded", credit=5_000, refundable=5_000, refunds=((1, 5_000),), ending_balance=0,
        pending_items=-1_500,
    ),
)  # fmt: skip
def pending_goodwill_of_no_plan(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.cancel(plan, invoice=False)
    life.pending_item(customer, -1_500, why="Sorry for the outage")
    return customer


@scenario(
    story="$1,200 a year, cancelled at mid-year without an invoice: $600 need a person, and stay where they are.",
    expected=Expected(
        outcome="held", reason="above_limit", credit=60_000, refundable=60_000, ending_balance=0,
        pending_items=-60_000,
    ),
)  # fmt: skip
def pending_credit_above_the_limit(life: Life) -> Story:
    yield life.days_before_end(190)
    customer = life.newcomer()
    plan = life.subscribe(customer, 120_000, every="year")
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="The downgrade's prorations wait for the next invoice of a plan that goes on: they are left to it.",
    expected=_stays("skipped", "pending_items_left", pending=-4_500),
)
def pending_prorations(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.change(plan, amount=1_000, proration="create_prorations")
    return customer


@scenario(
    story="The cancelled plan's pending credit names its plan, as documented: it goes back like that which does not.",
    expected=_refunded(),
)
def pending_credit_of_a_named_plan(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.sandbox.build.prorations(plan, named=True)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="The cancelled plan's pending credit is taken by an invoice made by hand, which books it on the balance.",
    expected=_refunded(),
)
def pending_credit_invoiced_by_hand(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.cancel(plan, invoice=False)
    life.invoice_act(life.bill_pending(customer), "finalize")
    return customer


@scenario(
    story="Two plans of one product begin and end in the same seconds: no item tells whose time it is for.",
    expected=_stays("skipped", "pending_items_left", pending=-10_000),
)
def pending_credit_of_twin_plans(life: Life) -> Story:
    yield life.days_before_end(26)
    customer = life.newcomer()
    plan = life.subscribe(customer, 10_000)
    twin = life.subscribe_to(customer, life.price_of(plan))
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan, invoice=False)
    life.cancel(twin, invoice=False)
    return customer


@scenario(
    story="After an invoiced downgrade a further one waits for the next invoice: the credit goes back, the item stays.",
    # $100 to $10 at half: $45; $10 to $5 at three quarters: $1.25 pending
    expected=Expected(
        outcome="refunded", credit=4_500, refundable=4_500, refunds=((1, 4_500),), ending_balance=0,
        pending_items=-125,
    ),
)  # fmt: skip
def credit_beside_pending_prorations(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.change(plan, amount=1_000)
    yield life.share_of_period(plan, 3, 4)
    life.change(plan, amount=500, proration="create_prorations")
    return customer


@scenario(
    story="After the downgrade $20 of extra work waits to be invoiced.",
    expected=Expected(
        outcome="held", reason="pending_items", credit=4_500, refundable=4_500, ending_balance=-4_500,
        pending_items=2_000,
    ),
)  # fmt: skip
def pending_debit(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.change(plan, amount=1_000)
    life.pending_item(customer, 2_000, why="Extra work")
    return customer


@scenario(
    story="$10 becomes $100 at half and is cancelled at three quarters, neither invoiced: $20 were never billed.",
    # -$5 and $50 for the change, -$25 for the rest
    expected=_stays("held", "pending_items", pending=2_000),
)
def pending_items_that_are_owed(life: Life) -> Story:
    customer, plan = yield from _subscribed(life, 1_000)
    life.change(plan, amount=10_000, proration="create_prorations")
    yield life.share_of_period(plan, 3, 4)
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="€100 a month and 19 % tax on top, cancelled at half without an invoice: the item lacks the tax.",
    expected=_stays("held", "pending_items_taxed", pending=-5_000, currency="eur"),
)
def pending_credit_without_its_tax(life: Life) -> Story:
    rate = life.sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": False})
    customer, plan = yield from _subscribed(life, currency="eur", default_tax_rates=[rate["id"]])
    life.cancel(plan, invoice=False)
    return customer


@scenario(
    story="Stripe defers the pending credit until what it credits is settled.",
    expected=_stays("held", "pending_items_deferred", pending=-5_000),
)
def pending_credit_deferred(life: Life) -> Story:
    customer, plan = yield from _subscribed(life)
    life.cancel(plan, invoice=False)
    item = life.sandbox.get("/v1/invoiceitems", {"customer": customer, "pending": True})["data"][0]
    life.sandbox.control.defer(item["id"])
    return customer


@scenario(
    story="The month's invoice was given up as uncollectible; the cancellation's pending credit is for unpaid time.",
    expected=Expected(
        outcome="held", reason="credited_invoice_unpaid", credit=2_000, refundable=2_000, ending_balance=0,
        pending_items=-2_000,
    ),
)  # fmt: skip
def pending_credit_for_unpaid_time(life: Life) -> Story:
    yield life.months_before_end(1)
    customer = life.newcomer()
    plan = life.subscribe(customer, 4_000)
    yield life.months_before_end(0) - 5 * DAY_S
    life.pays(customer, "fails")
    yield life.months_before_end(0) + DAY_S
    life.invoice_act(life.newest_invoice(plan), "mark_uncollectible")
    yield life.share_of_period(plan, 1, 2)
    life.cancel(plan, invoice=False)
    return customer
