"""Whose unused time a proration credits where it names nobody: each mark of it, on both sides of its threshold."""

from dataclasses import replace

import pytest

from refund_worker.domain.attribution import invoices_attributed, items_attributed
from refund_worker.domain.facts import Invoice, InvoiceLine, PendingItem, Subscription, SubscriptionItem
from tests.domain.customers import DAY, NOW, facts, in_words, planned

ENDED, PAID_UNTIL = NOW - 2 * DAY, NOW + 13 * DAY
HAD = SubscriptionItem(price="gold", product="plan", quantity=1, period_start=NOW - 17 * DAY, period_end=PAID_UNTIL)
GONE = Subscription(id="sub_1", customer="cus_1", status="canceled", ended_at=ENDED, items=(HAD,))
ITEM = PendingItem(
    id="ii_1",
    customer="cus_1",
    amount_minor=-1500,
    currency="usd",
    proration=True,
    period_start=ENDED,
    period_end=PAID_UNTIL,
    price="gold",
    product="plan",
    quantity=1,
)


def found(item: PendingItem, *subscriptions: Subscription) -> str | None:
    (attributed,) = items_attributed([item], subscriptions)
    assert replace(attributed, subscription=item.subscription) == item, "nothing else changes"
    return attributed.subscription


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "sub_1"),
        ({"period_start": ENDED - 1}, None),
        ({"period_start": ENDED + 1}, None),
        ({"period_end": PAID_UNTIL - 1}, None),
        ({"period_end": PAID_UNTIL + 1}, None),
        # The price that was billed, while the subscription ended at another of the same product.
        ({"price": "silver"}, "sub_1"),
        ({"product": None}, "sub_1"),
        ({"product": "other"}, "sub_1"),
        ({"product": "other", "price": "silver"}, None),
        ({"product": None, "price": None}, None),
        # Goodwill is of nobody; what names a subscription keeps it.
        ({"proration": False}, None),
        ({"subscription": "sub_2"}, "sub_2"),
    ],
)
def test_the_second_the_period_and_the_product_tell(change: dict[str, object], expected: str | None) -> None:
    assert found(replace(ITEM, **change), GONE) == expected  # type: ignore[arg-type]  # named by keyword


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "incomplete_expired"}, "sub_1"),
        ({"status": "active"}, None),
        ({"ended_at": None}, None),
        ({"ended_at": ENDED - 1}, None),
        ({"items": ()}, None),
        ({"items": (replace(HAD, period_end=None),)}, None),
        ({"items": (replace(HAD, product=None, price=None),)}, None),
        # Its period and its product must be those of one and the same item.
        ({"items": (replace(HAD, period_end=NOW), replace(HAD, product="other", price="silver"))}, None),
        ({"items": (replace(HAD, product="other", price="silver"), HAD)}, "sub_1"),
    ],
)
def test_only_a_subscription_that_ended_then_is_found(change: dict[str, object], expected: str | None) -> None:
    assert found(ITEM, replace(GONE, **change)) == expected  # type: ignore[arg-type]  # named by keyword


def test_of_two_that_fit_neither_is_found() -> None:
    twin = replace(GONE, id="sub_2")
    assert found(ITEM, GONE, twin) is None
    assert found(ITEM, GONE, replace(twin, ended_at=ENDED + 1)) == "sub_1"
    assert found(ITEM) is None


def _invoice(*lines: InvoiceLine, total_minor: int = -1500) -> Invoice:
    return Invoice(
        id="in_c", status="paid", created=NOW - DAY, currency="usd", total_minor=total_minor, subscription="sub_2",
        lines=lines,
    )  # fmt: skip


@pytest.mark.parametrize(("later", "expected"), [(0, "sub_1"), (1, None)])
def test_lines_that_took_such_an_item_are_not_of_the_invoice_s_own_subscription(
    later: int, expected: str | None
) -> None:
    line = InvoiceLine(
        id="il_1", amount_minor=-1500, proration=True, period_start=ENDED + later, period_end=PAID_UNTIL,
        product="plan",
    )  # fmt: skip
    extra = InvoiceLine(id="il_2", amount_minor=100, period_start=ENDED, period_end=PAID_UNTIL, product="plan")
    (changed,) = invoices_attributed([_invoice(line, extra)], [GONE])
    assert [one.subscription for one in changed.lines] == [expected, None]
    # It put no credit on the balance: nothing asks whose its lines are.
    paid = _invoice(line, total_minor=500)
    assert invoices_attributed([paid], [GONE]) == (paid,)


@pytest.mark.parametrize(("later", "expected"), [(0, "ch_1 1500"), (1, "skipped no_refundable_credit:")])
def test_credit_that_such_an_invoice_booked_leaves_only_where_its_subscription_is_found(
    later: int, expected: str
) -> None:
    known = facts("invoice in_c -1500: -1500p\nc1 -1500 applied in_c", "ch_1 10000 in_1@sub_1")
    invoices = tuple(
        replace(
            one,
            lines=tuple(
                replace(line, period_start=ENDED + later, period_end=PAID_UNTIL, product="plan") for line in one.lines
            ),
        )
        for one in known.invoices
    )
    assert in_words(planned(replace(known, invoices=invoices_attributed(invoices, [GONE])))) == expected
