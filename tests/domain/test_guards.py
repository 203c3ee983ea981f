"""Each hold by its reason and its numbers; and which one is named where several stand against a refund."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from refund_worker.domain.facts import CustomerFacts, Invoice, InvoiceLine, PendingItem
from refund_worker.domain.marks import Mark, write_mark
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from tests.domain.customers import (
    DAY,
    NOW,
    facts,
    hand_refund,
    in_words,
    planned,
    with_charge,
    with_invoice,
)

HISTORY = "invoice in_c -100: -100p@sub_1\nc1 -100 applied in_c"
CHARGES = "ch_1 9000 in_1@sub_1"
HOUR = 3600


def base(history: str = HISTORY) -> CustomerFacts:
    return facts(history, CHARGES)


def invoice(status: str, **others: object) -> Invoice:
    made = Invoice(id="in_x", status=status, created=NOW - DAY, currency="usd", total_minor=500)
    return replace(made, **others)  # type: ignore[arg-type]  # the tables name fields by keyword


def pending(found: CustomerFacts) -> CustomerFacts:
    items = (
        PendingItem(id="ii_1", customer="cus_1", amount_minor=500, currency="usd"),
        PendingItem(id="ii_2", customer="cus_1", amount_minor=-200, currency="usd"),
    )
    return replace(found, pending_items=items)


def crediting(found: CustomerFacts, credited: str | None) -> CustomerFacts:
    """Let the cancellation's line say which invoice it credits."""
    negative = next(one for one in found.invoices if one.id == "in_c")
    line = replace(negative.lines[0], credited_invoice=credited)
    return with_invoice(found, replace(negative, lines=(line,)))


def refunded(found: CustomerFacts, amount: int, *, created: int = NOW, status: str = "succeeded") -> CustomerFacts:
    charge = found.charges[0]
    refund = hand_refund(charge.id, amount, created=created, status=status)
    return with_charge(found, replace(charge, refunds=(refund,), refunded_minor=amount))


HOLDS: list[tuple[str, Callable[[], CustomerFacts], Reason | None, dict[str, int | str]]] = [
    ("nothing stands against it", base, None, {}),
    ("pending items", lambda: pending(base()), Reason.PENDING_ITEMS, {"items": 2, "net_minor": 300}),
    (
        "pending items without credit",
        lambda: pending(base("c1 -5 adjustment\nc2 +5 adjustment")),
        Reason.PENDING_ITEMS,
        {"items": 2, "net_minor": 300},
    ),
    (
        "an open invoice of anything",
        lambda: with_invoice(base(), invoice("open")),
        Reason.OPEN_INVOICE,
        {"invoice": "in_x", "invoices": 1},
    ),
    (
        "a draft that finalises by itself within the quiet hours",
        lambda: with_invoice(base(), invoice("draft", auto_advance=True, automatically_finalizes_at=NOW + 24 * HOUR)),
        Reason.DRAFT_INVOICE,
        {"invoice": "in_x", "finalises_at": NOW + 24 * HOUR},
    ),
    (
        "a draft that finalises after them",
        lambda: with_invoice(
            base(), invoice("draft", auto_advance=True, automatically_finalizes_at=NOW + 24 * HOUR + 1)
        ),
        None,
        {},
    ),
    (
        "a draft of which Stripe does not say when",
        lambda: with_invoice(base(), invoice("draft", auto_advance=True)),
        Reason.DRAFT_INVOICE,
        {"finalises_at": NOW - DAY + HOUR},
    ),
    ("a draft that a person finalises", lambda: with_invoice(base(), invoice("draft")), None, {}),
    (
        "credit for an invoice that was never paid",
        lambda: crediting(with_invoice(base(), invoice("uncollectible")), "in_x"),
        Reason.CREDITED_INVOICE_UNPAID,
        {"invoice": "in_x", "status": "uncollectible"},
    ),
    (
        "credit for a voided invoice",
        lambda: crediting(with_invoice(base(), invoice("void")), "in_x"),
        Reason.CREDITED_INVOICE_UNPAID,
        {"invoice": "in_x", "status": "void"},
    ),
    (
        "credit for an invoice that is not listed",
        lambda: crediting(base(), "in_gone"),
        Reason.CREDITED_INVOICE_UNPAID,
        {"invoice": "in_gone", "status": "missing"},
    ),
    (
        "credit beside a given up invoice of nothing",
        lambda: with_invoice(base(), invoice("uncollectible", subscription="sub_1", total_minor=0)),
        Reason.CREDITED_INVOICE_UNPAID,
        {"invoice": "in_x", "status": "uncollectible", "credited": "unknown"},
    ),
    (
        "credit beside a given up invoice that was a credit itself",
        lambda: with_invoice(base(), invoice("uncollectible", subscription="sub_1", total_minor=-1)),
        None,
        {},
    ),
    (
        "credit for a voided invoice that was a credit itself",
        lambda: crediting(with_invoice(base(), invoice("void", total_minor=-1)), "in_x"),
        None,
        {},
    ),
    (
        "a draft that will be a credit",
        lambda: with_invoice(base(), invoice("draft", auto_advance=True, total_minor=-500)),
        Reason.DRAFT_INVOICE,
        {"invoice": "in_x"},
    ),
    (
        "credit for a paid invoice, beside an unpaid one",
        lambda: crediting(with_invoice(base(), invoice("void", subscription="sub_1")), "in_1"),
        None,
        {},
    ),
    (
        "credit for an unknown invoice, beside an unpaid one",
        lambda: with_invoice(base(), invoice("void", subscription="sub_1")),
        Reason.CREDITED_INVOICE_UNPAID,
        {"invoice": "in_x", "status": "void"},
    ),
    (
        "credit for an unknown invoice, beside an unpaid one of another subscription",
        lambda: with_invoice(base(), invoice("void", subscription="sub_2")),
        None,
        {},
    ),
    (
        "tax on the invoice that booked the credit",
        lambda: with_invoice(base(), replace(base().invoices[0], automatic_tax=True)),
        Reason.AUTOMATIC_TAX,
        {"invoice": "in_c", "invoices": 1},
    ),
    (
        "tax on the invoice that the charge paid",
        lambda: with_invoice(base(), replace(base().invoices[1], automatic_tax=True)),
        Reason.AUTOMATIC_TAX,
        {"invoice": "in_1", "invoices": 1},
    ),
    ("tax on an invoice not concerned", lambda: with_invoice(base(), invoice("paid", automatic_tax=True)), None, {}),
    (
        "a refund by hand since the credit",
        lambda: refunded(base(), 40),
        Reason.REFUNDED_BY_HAND,
        {"refunded_minor": 40, "debited_minor": 0},
    ),
    ("a refund by hand before the credit", lambda: refunded(base(), 40, created=NOW - 2 * DAY), None, {}),
    ("a refund by hand that failed", lambda: refunded(base(), 40, status="failed"), None, {}),
    ("a refund by hand, and the debit for it", lambda: refunded(base(HISTORY + "\nc2 +40 adjustment"), 40), None, {}),
    (
        "a refund by hand above the debit for it",
        lambda: refunded(base(HISTORY + "\nc2 +39 adjustment"), 40),
        Reason.REFUNDED_BY_HAND,
        {"refunded_minor": 40, "debited_minor": 39},
    ),
    (
        "credit in another currency",
        lambda: replace(base(), customer=replace(base().customer, other_credits={"cad": 5, "gbp": 0})),
        None,
        {},
    ),
    (
        "a movement in another currency",
        lambda: replace(
            base(), transactions=base().transactions + facts("c9 -7 adjustment", currency="cad").transactions
        ),
        None,
        {},
    ),
    (
        "a reserve that nobody finished",
        lambda: base(HISTORY + "\nc2 +60 reserve c1:60\nc3 -20 give_back c2"),
        Reason.ORPHAN_RESERVATION,
        {"case": "case_1", "debit": "cbtxn_2", "rest_minor": 40, "may_be_live_until": NOW + 101},
    ),
    ("a reserve given back", lambda: base(HISTORY + "\nc2 +60 reserve c1:60\nc3 -60 give_back c2"), None, {}),
    (
        "more given back than reserved",
        lambda: base(HISTORY + "\nc2 +60 reserve c1:60\nc3 -61 give_back c2"),
        Reason.OVERDRAWN_RESERVATION,
        {"debit": "cbtxn_2", "rest_minor": -1},
    ),
    (
        "a give-back of which there is no reserve",
        lambda: base(HISTORY + "\nc3 -61 give_back c2"),
        Reason.OVERDRAWN_RESERVATION,
        {"debit": "cbtxn_2", "reserved_minor": 0, "rest_minor": -61},
    ),
    (
        "a give-back of which the reserve was not read",
        lambda: base("start 0\nc0 -61 give_back c9\nc7 +61 adjustment\n" + HISTORY),
        Reason.HISTORY_INCONSISTENT,
        {"debit": "cbtxn_9"},
    ),
    (
        "a mark with parts missing",
        lambda: _with_metadata(base(), {"refund_worker_case": "case_1"}),
        Reason.MARK_UNREADABLE,
        {"object": "cbtxn_1", "objects": 1},
    ),
    (
        "a refund's mark with parts missing",
        lambda: _with_refund_mark(base(), {"refund_worker_case": "case_1"}),
        Reason.MARK_UNREADABLE,
        {"object": "re_1"},
    ),
    (
        "a refund marked as something else",
        lambda: _with_refund_mark(base(), write_mark(Mark(case="case_1", run="run_1", step="reserve"))),
        Reason.MARK_UNREADABLE,
        {"object": "re_1"},
    ),
]


def _with_metadata(found: CustomerFacts, metadata: dict[str, str]) -> CustomerFacts:
    first, *rest = found.transactions
    return replace(found, transactions=(replace(first, metadata=metadata), *rest))


def _with_refund_mark(found: CustomerFacts, metadata: dict[str, str]) -> CustomerFacts:
    charge = refunded(found, 1).charges[0]
    return with_charge(found, replace(charge, refunds=(replace(charge.refunds[0], metadata=metadata),)))


@pytest.mark.parametrize(("case", "make", "reason", "numbers"), HOLDS, ids=[case for case, *_ in HOLDS])
def test_what_is_held(
    case: str, make: Callable[[], CustomerFacts], reason: Reason | None, numbers: dict[str, int | str]
) -> None:
    made = planned(make())
    assert (made.reason, made.held) == (reason, reason is not None), case
    assert {key: made.numbers.get(key) for key in numbers} == numbers


def test_a_held_plan_shows_what_would_be_refunded() -> None:
    assert in_words(planned(with_invoice(base(), invoice("open")))) == "held open_invoice: ch_1 100"


def test_a_reserve_older_than_a_day_is_nobodys() -> None:
    found = base(HISTORY + "\nc2 +60 reserve c1:60")
    assert "may_be_live_until" not in planned(found, now=NOW + DAY + HOUR).numbers


def test_tax_is_no_hold_where_the_policy_says_refund() -> None:
    found = with_invoice(base(), replace(base().invoices[0], automatic_tax=True))
    assert in_words(planned(found, policy=Policy(stripe_tax="refund"))) == "ch_1 100"


@pytest.mark.parametrize(
    ("excluded", "metadata", "expected"),
    [
        ({"refunds": "no"}, {"refunds": "no"}, "held excluded_customer: ch_1 100"),
        ({"refunds": "no"}, {"refunds": "yes"}, "ch_1 100"),
        ({"refunds": "*"}, {"refunds": "yes"}, "held excluded_customer: ch_1 100"),
        ({"refunds": "*"}, {}, "ch_1 100"),
    ],
)
def test_customers_excluded_by_metadata(excluded: dict[str, str], metadata: dict[str, str], expected: str) -> None:
    found = replace(base(), customer=replace(base().customer, metadata=metadata))
    assert in_words(planned(found, policy=Policy(excluded_metadata=excluded))) == expected


def test_the_most_telling_reason_is_named() -> None:
    """Every hold at once; each is named when those before it are gone."""
    taxed = with_invoice(base(), replace(base().invoices[0], automatic_tax=True))
    found = refunded(taxed, 9000)
    order: list[tuple[Callable[[CustomerFacts], CustomerFacts], Reason]] = [
        (lambda at: with_invoice(at, invoice("void", subscription="sub_1")), Reason.CREDITED_INVOICE_UNPAID),
        (lambda at: with_invoice(at, invoice("draft", id="in_y", auto_advance=True)), Reason.DRAFT_INVOICE),
        (lambda at: with_invoice(at, invoice("open", id="in_z")), Reason.OPEN_INVOICE),
        (pending, Reason.PENDING_ITEMS),
        (lambda at: _with_metadata(at, {"refund_worker_case": "x"}), Reason.MARK_UNREADABLE),
        (lambda at: replace(at, customer=replace(at.customer, credit_minor=99)), Reason.BALANCE_DISAGREES),
        (lambda at: replace(at, customer=replace(at.customer, deleted=True)), Reason.CUSTOMER_DELETED),
    ]
    assert planned(found).reason is Reason.AUTOMATIC_TAX
    assert planned(found, policy=Policy(stripe_tax="refund")).reason is Reason.REFUNDED_BY_HAND
    for change, reason in order:
        found = change(found)
        assert planned(found).reason is reason


def test_a_line_that_bills_says_nothing_of_what_is_credited() -> None:
    found = facts("invoice in_c -100: -150p@sub_1 +50p@sub_1\nc1 -100 applied in_c", CHARGES)
    negative = found.invoices[0]
    billing = InvoiceLine(id="il_1", amount_minor=50, proration=True, subscription="sub_1", credited_invoice="in_gone")
    paid = replace(negative.lines[0], credited_invoice="in_1")
    assert in_words(planned(with_invoice(found, replace(negative, lines=(paid, billing))))) == "ch_1 100"
