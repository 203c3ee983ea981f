"""How answers are read: unknown keys tolerated; what is needed and missing or mistyped is named, for that case only."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.domain.errors import UnreadableAnswer
from refund_worker.domain.facts import Customer, InvoiceLine
from tests.adapters.canned import Canned, page
from tests.adapters.gateways import in_process
from tests.adapters.stripe_answers import CHARGE, CUSTOMER, DISPUTE, INVOICE, ITEM, LINE, MOVEMENT, SUBSCRIPTION

Read = Callable[[StripeApi], object]
READS: dict[str, tuple[dict[str, Any], Read]] = {
    "customer": (CUSTOMER, lambda api: list(api.customers())),
    "charge": (CHARGE, lambda api: api.charges("cus_1")),
    "invoice": (INVOICE, lambda api: api.invoices("cus_1")),
    "movement": (MOVEMENT, lambda api: list(api.customer_balance_transactions("cus_1"))),
    "item": (ITEM, lambda api: list(api.pending_items("cus_1"))),
    "subscription": (SUBSCRIPTION, lambda api: api.subscriptions("cus_1")),
    "dispute": (DISPUTE, lambda api: api.disputes("ch_1")),
}


def changed(original: dict[str, Any], path: str, content: object) -> dict[str, Any]:
    """A copy with another content at a dotted path; `...` takes the key away."""
    result = copy.deepcopy(original)
    at: Any = result
    *steps, last = path.split(".")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if content is ...:
        del at[last]
    else:
        at[last] = content
    return result


def read(kind: str, answer: object) -> object:
    """What the gateway reads from a list that holds the answer."""
    return READS[kind][1](in_process(Canned(page(answer))).api)


def unreadable(kind: str, answer: object) -> str:
    """What the gateway says of it."""
    with pytest.raises(UnreadableAnswer) as caught:
        read(kind, answer)
    return str(caught.value)


NEEDED = [
    ("customer", "balance", "customer cus_1"),
    ("customer", "created", "customer cus_1"),
    ("charge", "amount_captured", "charge ch_1"),
    ("charge", "amount_refunded", "charge ch_1"),
    ("charge", "captured", "charge ch_1"),
    ("charge", "disputed", "charge ch_1"),
    ("charge", "status", "charge ch_1"),
    ("charge", "currency", "charge ch_1"),
    ("charge", "refunds", "charge ch_1"),
    ("charge", "refunds.has_more", "charge ch_1 refunds"),
    ("charge", "refunds.data", "charge ch_1 refunds"),
    ("charge", "refunds.data.0.amount", "refund re_1"),
    ("charge", "refunds.data.0.charge", "refund re_1"),
    ("invoice", "total", "invoice in_1"),
    ("invoice", "currency", "invoice in_1"),
    ("invoice", "automatic_tax", "invoice in_1"),
    ("invoice", "automatic_tax.enabled", "invoice in_1 automatic_tax"),
    ("invoice", "payments", "invoice in_1"),
    ("invoice", "lines", "invoice in_1"),
    ("invoice", "lines.has_more", "invoice in_1 lines"),
    ("invoice", "lines.data.0.amount", "line_item il_1"),
    ("invoice", "lines.data.0.period", "line_item il_1"),
    ("invoice", "lines.data.0.taxes.0.tax_behavior", "line_item il_1 taxes[0]"),
    ("invoice", "lines.data.0.discount_amounts.0.amount", "line_item il_1 discount_amounts[0]"),
    ("invoice", "lines.data.0.parent.subscription_item_details.proration", "subscription_item_details"),
    ("invoice", "payments.data.0.status", "invoice_payment inpay_1"),
    ("invoice", "payments.data.0.payment", "invoice_payment inpay_1"),
    ("invoice", "payments.data.0.payment.type", "invoice_payment inpay_1 payment"),
    ("movement", "amount", "customer_balance_transaction cbtxn_1"),
    ("movement", "ending_balance", "customer_balance_transaction cbtxn_1"),
    ("movement", "type", "customer_balance_transaction cbtxn_1"),
    ("movement", "currency", "customer_balance_transaction cbtxn_1"),
    ("item", "amount", "invoiceitem ii_1"),
    ("item", "currency", "invoiceitem ii_1"),
    ("item", "proration", "invoiceitem ii_1"),
    ("item", "period.start", "invoiceitem ii_1 period"),
    ("item", "tax_rates.0.inclusive", "invoiceitem ii_1 tax_rates[0]"),
    ("item", "proration_details.credited_items.type", "invoiceitem ii_1 proration_details credited_items"),
    ("item", "proration_details.credited_items.invoice_line_item_details.invoice", "invoice_line_item_details"),
    ("subscription", "status", "subscription sub_1"),
    ("subscription", "automatic_tax", "subscription sub_1"),
    ("subscription", "automatic_tax.enabled", "subscription sub_1 automatic_tax"),
    ("subscription", "items", "subscription sub_1"),
    ("subscription", "items.has_more", "subscription sub_1 items"),
    ("subscription", "default_tax_rates.0.inclusive", "subscription sub_1 default_tax_rates[0]"),
    ("dispute", "amount", "dispute dp_1"),
    ("dispute", "charge", "dispute dp_1"),
    ("dispute", "status", "dispute dp_1"),
    ("dispute", "is_charge_refundable", "dispute dp_1"),
]


@pytest.mark.parametrize(("kind", "path", "name"), NEEDED)
@pytest.mark.parametrize("fault", ["missing", "mistyped"])
def test_a_needed_key_is_missed_by_name(kind: str, path: str, name: str, fault: str) -> None:
    """The error names object and key, and not what stood there."""
    said = unreadable(kind, changed(READS[kind][0], path, ... if fault == "missing" else ("secret@example.com",)))
    assert name in said
    assert f"`{path.rsplit('.', 1)[-1]}" in said
    assert "secret" not in said


NOT_WHAT_IT_SEEMS: Iterable[tuple[str, str, object]] = [
    ("customer", "balance", True),
    ("customer", "balance", -500.0),
    ("customer", "balance", "-500"),
    ("customer", "balance", None),
    ("customer", "currency", 5),
    ("customer", "metadata", {"a": None}),
    ("customer", "metadata", []),
    ("customer", "invoice_credit_balance", {"cad": True}),
    ("customer", "livemode", True),
    ("customer", "object", "account"),
    ("customer", "id", ""),
    ("charge", "captured", 1),
    ("charge", "amount_refunded", False),
    ("charge", "payment_intent", {"object": "payment_intent"}),
    ("charge", "payment_method_details", "card"),
    ("charge", "customer", "cus_2"),
    ("charge", "refunds.data.0.object", "charge"),
    ("charge", "refunds.data.0.charge", "ch_2"),
    ("charge", "refunds.data.0", "re_1"),
    ("invoice", "customer", "cus_2"),
    ("invoice", "parent", "subscription_details"),
    ("invoice", "lines.data.0.taxes", {}),
    ("invoice", "payments.data.0.amount_paid", "100"),
    ("movement", "customer", "cus_2"),
    ("movement", "customer", None),
    ("movement", "invoice", 7),
    ("item", "customer", "cus_2"),
    ("item", "customer", None),
    ("item", "amount", "-5000"),
    ("item", "net_amount", -4000.0),
    ("item", "quantity", "1"),
    ("item", "tax_rates", ["txr_1"]),
    ("item", "discounts", "di_1"),
    ("item", "discounts", [5]),
    ("item", "metadata", {"a": {"b": "c"}}),
    ("item", "description", {"text": "x"}),
    ("item", "invoicing_rules", "defer"),
    ("item", "parent.subscription_details.subscription", 5),
    ("item", "object", "line_item"),
    ("subscription", "customer", "cus_2"),
    ("subscription", "items.data.0.object", "plan"),
    ("subscription", "items.data.0.tax_rates", "none"),
    ("dispute", "charge", "ch_2"),
    ("dispute", "is_charge_refundable", "true"),
    ("dispute", "livemode", True),
]


@pytest.mark.parametrize(("kind", "path", "content"), NOT_WHAT_IT_SEEMS)
def test_nothing_is_guessed(kind: str, path: str, content: object) -> None:
    """A number in quotes, a true that could be 1, another customer's object: no."""
    original = READS[kind][0]
    at, _, last = path.rpartition(".")
    answer = changed(original, at, [content]) if last.isdigit() else changed(original, path, content)
    assert unreadable(kind, answer)


@pytest.mark.parametrize("kind", READS)
def test_unknown_keys_are_tolerated(kind: str) -> None:
    """Real answers carry undocumented keys, also within objects."""
    original = READS[kind][0]
    assert read(kind, original | {"new": {"deep": [1]}, "other": None}) == read(kind, original)


@pytest.mark.parametrize(
    ("kind", "path", "content"),
    [
        ("customer", "currency", None),
        ("customer", "metadata", None),
        ("customer", "invoice_credit_balance", ...),
        ("charge", "customer", None),
        ("charge", "payment_intent", None),
        ("charge", "payment_method_details", None),
        ("charge", "payment_method_details.type", None),
        ("charge", "transfer_data", ...),
        ("charge", "livemode", ...),
        ("charge", "refunds.data.0.status", None),
        ("invoice", "status", None),
        ("invoice", "parent", None),
        ("invoice", "billing_reason", None),
        ("invoice", "automatically_finalizes_at", 9),
        ("invoice", "lines.data.0.parent", None),
        ("invoice", "lines.data.0.taxes", None),
        ("invoice", "lines.data.0.discount_amounts", None),
        ("invoice", "lines.data.0.parent.subscription_item_details.proration_details", None),
        ("invoice", "payments.data.0.amount_paid", None),
        ("invoice", "payments.data.0.payment.payment_intent", {"id": "pi_1", "object": "payment_intent"}),
        ("movement", "metadata", None),
        ("movement", "credit_note", "cn_1"),
        ("item", "customer", {"id": "cus_1", "object": "customer"}),
        ("item", "parent", None),
        ("item", "pricing", None),
        ("item", "pricing.price_details", None),
        ("item", "proration_details", ...),
        ("item", "proration_details.credited_items", None),
        ("item", "invoicing_rules", ...),
        ("item", "discounts", None),
        ("item", "tax_rates", None),
        ("item", "metadata", None),
        ("item", "description", None),
        ("item", "net_amount", ...),
        ("item", "quantity_decimal", ...),
        ("subscription", "default_tax_rates", None),
        ("subscription", "items.data.0.tax_rates", None),
        ("dispute", "charge", {"id": "ch_1", "object": "charge"}),
    ],
)
def test_what_stripe_may_leave_out_may_be_missing(kind: str, path: str, content: object) -> None:
    """Keys that Stripe's specification calls nullable, optional or expandable."""
    assert read(kind, changed(READS[kind][0], path, content))


def test_a_line_counts_net_of_discounts_and_with_exclusive_tax() -> None:
    """-10.00, less 1.50 of discount taken back, and 1.70 of tax on top; inclusive tax is in the amount already."""
    (invoice,) = in_process(Canned(page(INVOICE))).api.invoices("cus_1")
    assert invoice.lines == (
        InvoiceLine(
            id="il_1",
            amount_minor=-1000,
            discount_minor=-150,
            exclusive_tax_minor=-170,
            inclusive_tax_minor=-30,
            proration=True,
            subscription="sub_1",
            invoice_item="ii_1",
            period_start=10,
            period_end=20,
            credited_invoice="in_0",
            price="price_1",
            product="prod_1",
            quantity=2,
        ),
    )
    assert invoice.lines[0].net_minor == invoice.total_minor == -1020


def test_a_proration_that_was_pending_is_a_proration() -> None:
    """Such a line comes from an invoice item; goodwill items come from there too, and are none."""
    details = LINE["parent"]["subscription_item_details"]
    parent = {"type": "invoice_item_details", "subscription_item_details": None, "invoice_item_details": details}
    for proration in (True, False):
        line = LINE | {"parent": changed(parent, "invoice_item_details.proration", proration)}
        (invoice,) = in_process(Canned(page(INVOICE | {"lines": page(line)}))).api.invoices("cus_1")
        (found,) = invoice.lines
        assert (found.proration, found.subscription, found.invoice_item) == (proration, "sub_1", "ii_1")
        assert found.credited_invoice == "in_0"


@pytest.mark.parametrize(
    "key",
    [
        "transfer_data",
        "on_behalf_of",
        "application_fee",
        "application_fee_amount",
        "source_transfer",
        "transfer",
        "destination",
    ],
)
def test_each_trace_of_connect_is_seen(key: str) -> None:
    """Money that went to another account is not ours to give back."""
    for content in ("acct_2", {"amount": None, "destination": "acct_2"}, 0):
        (charge,) = in_process(Canned(page(CHARGE | {key: content}))).api.charges("cus_1")
        assert charge.connect
    (charge,) = in_process(Canned(page(CHARGE | {key: None}))).api.charges("cus_1")
    assert not charge.connect


def test_other_currencies_keep_the_sign_that_stripe_documents_for_them() -> None:
    """`invoice_credit_balance` counts the other way round than `balance`; zeros and the own currency are left out."""
    balances = {"usd": 500, "cad": 0, "eur": -20, "jpy": 300}
    (found,) = in_process(Canned(page(CUSTOMER | {"invoice_credit_balance": balances}))).api.customers()
    assert found == Customer(
        id="cus_1",
        created=5,
        currency="usd",
        credit_minor=500,
        metadata={"plan": "x"},
        other_credits={"eur": -20, "jpy": 300},
        credit_balances=balances,
    )
