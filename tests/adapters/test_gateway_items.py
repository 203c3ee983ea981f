"""Pending invoice items as Stripe shows them, over HTTP: what they credit, who taxes them, and where they are now."""

from collections.abc import Iterator

import pytest

from refund_worker.domain.errors import NotFound, Rejected
from refund_worker.domain.facts import ItemState, PendingItem
from refund_worker.sandbox import Sandbox
from tests.adapters.gateways import Bench, freely, served
from tests.adapters.sandbox_customers import cancelled_later, customer_of


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def bench(sandbox: Sandbox) -> Iterator[Bench]:
    """A gateway that speaks HTTP to the sandbox."""
    with served(sandbox) as found:
        yield found


def _item_of(sandbox: Sandbox, customer: str, *, amount: int = -500, **params: object) -> str:
    made = sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": amount, "currency": "usd", **params})
    return str(made["id"])


def test_a_cancellation_without_an_invoice_leaves_its_credit_pending(sandbox: Sandbox, bench: Bench) -> None:
    """Half a month of 100.00, of the very invoice that billed it; the balance is untouched."""
    customer, subscription = cancelled_later(sandbox, named=True)
    (item,) = bench.api.pending_items(customer)
    (invoice,) = bench.api.invoices(customer)
    shown = sandbox.get(f"/v1/invoiceitems/{item.id}")
    assert item == PendingItem(
        id=item.id,
        customer=customer,
        amount_minor=shown["amount"],
        currency="usd",
        subscription=subscription,
        proration=True,
        period_start=shown["period"]["start"],
        period_end=shown["period"]["end"],
        price=invoice.lines[0].price,
        product=invoice.lines[0].product,
        quantity=1,
        credited_invoice=invoice.id,
        record=item.record,
    )
    assert -5_200 < item.amount_minor < -4_800
    assert None not in {item.price, item.product}
    assert bench.api.customer(customer).credit_minor == 0
    assert [(found.id, found.ended) for found in bench.api.subscriptions(customer)] == [(subscription, True)]


def test_an_item_that_names_no_subscription_can_be_found_its_own(sandbox: Sandbox, bench: Bench) -> None:
    """What is left to tell whose it is: the second of the end, the end of the period, the product and the price."""
    customer, subscription = cancelled_later(sandbox)
    (item,) = bench.api.pending_items(customer)
    (ended,) = bench.api.subscriptions(customer)
    (had,) = ended.items
    assert (item.subscription, item.proration, item.credited_invoice) == (None, True, None)
    assert (ended.id, ended.ended_at, had.period_end) == (subscription, item.period_start, item.period_end)
    assert (had.product, had.price, had.quantity) == (item.product, item.price, item.quantity)
    assert had.period_start is not None
    assert had.period_start < item.period_start
    assert None not in {item.product, item.price}
    assert bench.api.subscription(subscription) == ended


def test_a_downgrade_leaves_a_credit_and_a_debit_of_an_active_subscription(sandbox: Sandbox, bench: Bench) -> None:
    """Stripe's default, `create_prorations`: the next invoice will take them."""
    customer = customer_of(sandbox)
    product = sandbox.post("/v1/products", {"name": "Plan"})["id"]
    monthly = {"product": product, "currency": "usd", "recurring": {"interval": "month"}}
    large, small = (
        str(sandbox.post("/v1/prices", {**monthly, "unit_amount": amount})["id"]) for amount in (10_000, 1_000)
    )
    made = sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": large, "quantity": 2}]})
    sandbox.clock.advance(15 * 86_400)
    change = {"items": [{"id": made["items"]["data"][0]["id"], "price": small, "quantity": 3}]}
    sandbox.post(f"/v1/subscriptions/{made['id']}", change)
    credit, debit = sorted(bench.api.pending_items(customer), key=lambda item: item.amount_minor)
    assert credit.amount_minor < 0 < debit.amount_minor
    assert (credit.price, credit.quantity, credit.proration) == (large, 2, True)
    assert (debit.price, debit.quantity, debit.proration) == (small, 3, True)
    assert credit.credited_invoice is not None
    assert debit.credited_invoice is None
    assert not bench.api.subscription(made["id"]).ended


def test_exclusive_tax_and_deferral_are_told(sandbox: Sandbox, bench: Bench) -> None:
    """Of the item's own rates one on top is enough; an included one changes nothing."""
    customer = customer_of(sandbox)
    rates = [
        sandbox.post("/v1/tax_rates", {"display_name": "VAT", "percentage": 20, "inclusive": inclusive})["id"]
        for inclusive in (True, False)
    ]
    on_top = _item_of(sandbox, customer, tax_rates=rates)
    included = _item_of(sandbox, customer, tax_rates=rates[:1])
    deferred = _item_of(sandbox, customer)
    sandbox.control.defer(deferred)
    found = {item.id: (item.exclusive_tax, item.deferred) for item in bench.api.pending_items(customer)}
    assert found == {on_top: (True, False), included: (False, False), deferred: (False, True)}


def test_an_item_is_pending_then_on_a_draft_then_on_an_invoice(sandbox: Sandbox, bench: Bench) -> None:
    """On a draft it is attached already, though Stripe would still delete it."""
    customer = customer_of(sandbox)
    item = _item_of(sandbox, customer, amount=700)
    now = bench.api.item(item)
    assert (now.id, now.state) == (item, ItemState.PENDING)
    assert [now.item] == list(bench.api.pending_items(customer))
    taken = {"customer": customer, "auto_advance": False, "pending_invoice_items_behavior": "include"}
    draft = sandbox.post("/v1/invoices", taken)["id"]
    assert bench.api.item(item).state is ItemState.ATTACHED
    sandbox.post(f"/v1/invoices/{draft}/finalize")
    now = bench.api.item(item)
    assert now.state is ItemState.ATTACHED
    assert now.item is not None
    assert now.item.amount_minor == 700
    assert list(bench.api.pending_items(customer)) == []


def test_an_item_is_deleted_once(sandbox: Sandbox, bench: Bench) -> None:
    """One request without a key; deleted again it is not found, which is a definite answer; the other one stays."""
    customer = customer_of(sandbox)
    item, other = _item_of(sandbox, customer), _item_of(sandbox, customer)
    answer = bench.api.delete_item(item=item, check=freely)
    assert answer.item == item
    assert answer.request_id is not None
    assert answer.request_id.startswith("req_")
    assert bench.limiter.calls == ["DELETE /v1/invoiceitems/{}"]
    assert bench.api.item(item).state is ItemState.GONE
    assert bench.api.item(item).item is None
    with pytest.raises(NotFound) as caught:
        bench.api.delete_item(item=item, check=freely)
    assert (caught.value.code, caught.value.http_status) == ("resource_missing", 404)
    deletions = [entry for entry in sandbox.request_log if entry.method == "DELETE"]
    assert [entry.idempotency_key for entry in deletions] == [None, None]
    assert [found.id for found in bench.api.pending_items(customer)] == [other]


def test_an_item_of_an_invoice_is_not_deleted(sandbox: Sandbox, bench: Bench) -> None:
    """A definite no, which is not "gone"; it is still there."""
    customer = customer_of(sandbox)
    invoice = str(sandbox.post("/v1/invoices", {"customer": customer, "auto_advance": False})["id"])
    item = _item_of(sandbox, customer, amount=300, invoice=invoice)
    sandbox.post(f"/v1/invoices/{invoice}/finalize")
    with pytest.raises(Rejected, match="no longer editable") as caught:
        bench.api.delete_item(item=item, check=freely)
    assert not isinstance(caught.value, NotFound)
    assert bench.api.item(item).state is ItemState.ATTACHED


def test_more_than_a_page_of_them(sandbox: Sandbox, bench: Bench) -> None:
    """Of the whole account, each once; the path is told without the ids in it."""
    customers = [customer_of(sandbox) for _ in range(2)]
    made = {_item_of(sandbox, customers[number % 2], amount=-1 - number) for number in range(130)}
    assert {item.id for item in bench.api.pending_items()} == made
    bench.api.item(next(iter(made)))
    assert bench.limiter.calls == ["GET /v1/invoiceitems"] * 2 + ["GET /v1/invoiceitems/{}"]
