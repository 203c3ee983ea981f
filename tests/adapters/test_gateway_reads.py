"""The reads, against the sandbox: every page, every line, payment and refund, in Stripe's order."""

from itertools import islice

import pytest

from refund_worker.domain.errors import NotFound, Unauthorized
from refund_worker.domain.facts import Account, Customer, PendingItem
from refund_worker.sandbox import Fault, Sandbox
from tests.adapters.gateways import in_process

FIFTEEN_DAYS = 15 * 86_400


def customer_of(sandbox: Sandbox, **params: object) -> str:
    """A customer who pays by card."""
    customer = str(sandbox.post("/v1/customers", params)["id"])
    sandbox.build.payment_method(customer)
    return customer


def downgraded(sandbox: Sandbox) -> tuple[str, str]:
    """A customer who went from 100.00 to 10.00 a month in the middle of it; and the subscription."""
    customer = customer_of(sandbox)
    product = sandbox.post("/v1/products", {"name": "Plan"})["id"]
    large, small = (
        sandbox.post(
            "/v1/prices",
            {"product": product, "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}},
        )["id"]
        for amount in (10_000, 1_000)
    )
    subscription = sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": large}]})
    sandbox.clock.advance(FIFTEEN_DAYS)
    item = {"id": subscription["items"]["data"][0]["id"], "price": small}
    sandbox.post(f"/v1/subscriptions/{subscription['id']}", {"items": [item], "proration_behavior": "always_invoice"})
    return customer, str(subscription["id"])


def invoice_with(sandbox: Sandbox, customer: str, *amounts: int, pay: bool = True) -> str:
    """An invoice with a line for each amount."""
    invoice = str(sandbox.post("/v1/invoices", {"customer": customer, "auto_advance": False})["id"])
    for amount in amounts:
        sandbox.post(
            "/v1/invoiceitems", {"customer": customer, "invoice": invoice, "amount": amount, "currency": "usd"}
        )
    sandbox.post(f"/v1/invoices/{invoice}/finalize")
    if pay:
        sandbox.post(f"/v1/invoices/{invoice}/pay")
    return invoice


def test_a_downgrade_is_read_as_it_was_booked() -> None:
    """100.00 to 10.00 at mid-period: 45.00 credit on one negative invoice that names the invoice it credits."""
    sandbox = Sandbox()
    customer, subscription = downgraded(sandbox)
    api = in_process(sandbox).api
    negative, first = api.invoices(customer)
    (charge,) = api.charges(customer)
    (movement,) = api.customer_balance_transactions(customer)

    assert api.customer(customer).credit_minor == 4_500
    assert (movement.amount_minor, movement.ending_balance_minor, movement.invoice) == (-4_500, -4_500, negative.id)
    assert movement.type == "applied_to_invoice"
    assert (negative.status, negative.total_minor, negative.subscription) == ("paid", -4_500, subscription)
    credit, debit = sorted(negative.lines, key=lambda line: line.amount_minor)
    assert (credit.net_minor, debit.net_minor) == (-5_000, 500)
    assert credit.proration
    assert debit.proration
    assert credit.subscription == debit.subscription == subscription
    assert credit.credited_invoice == first.id
    assert credit.period_end - credit.period_start == FIFTEEN_DAYS
    (payment,) = first.payments
    assert (payment.status, payment.type, payment.amount_paid_minor) == ("paid", "payment_intent", 10_000)
    assert payment.payment_intent == charge.payment_intent
    assert (charge.captured, charge.captured_minor, charge.remaining_minor) == (True, 10_000, 10_000)
    assert (charge.method, charge.connect, charge.disputed) == ("card", False, False)


def test_three_lists_say_everything_in_the_common_case() -> None:
    """One call for the invoices, one for the charges, one for the movements."""
    sandbox = Sandbox()
    customer, _ = downgraded(sandbox)
    bench = in_process(sandbox)
    bench.api.invoices(customer)
    bench.api.charges(customer)
    tuple(bench.api.customer_balance_transactions(customer))
    assert bench.limiter.calls == [
        "GET /v1/invoices",
        "GET /v1/charges",
        "GET /v1/customers/{}/balance_transactions",
    ]


def test_all_of_150_invoices_newest_first() -> None:
    """Two pages; order as Stripe gives it."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    made = [invoice_with(sandbox, customer, 100 + number) for number in range(150)]
    bench = in_process(sandbox)
    found = bench.api.invoices(customer)
    assert [invoice.id for invoice in found] == made[::-1]
    assert [invoice.total_minor for invoice in found] == [100 + number for number in range(149, -1, -1)]
    assert len(bench.api.charges(customer)) == 150
    assert bench.limiter.calls == ["GET /v1/invoices"] * 2 + ["GET /v1/charges"] * 2


@pytest.mark.parametrize(("lines", "calls"), [(10, 1), (11, 2), (15, 2), (130, 3)])
def test_all_lines_of_an_invoice(lines: int, calls: int) -> None:
    """An invoice holds ten lines; the rest has pages of its own."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    invoice_with(sandbox, customer, *range(1, lines + 1))
    bench = in_process(sandbox)
    (invoice,) = bench.api.invoices(customer)
    assert sorted(line.amount_minor for line in invoice.lines) == list(range(1, lines + 1))
    assert sum(line.net_minor for line in invoice.lines) == invoice.total_minor
    assert len(bench.limiter.calls) == calls


def test_all_payments_of_an_invoice() -> None:
    """Twelve charges pay one invoice: more than the ten that an invoice holds."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    invoice_id = invoice_with(sandbox, customer, 1_200, pay=False)
    charges = [str(sandbox.build.charge(customer, amount=100)["id"]) for _ in range(12)]
    for charge in charges:
        sandbox.build.pay(invoice_id, charge=charge, amount=100)
    bench = in_process(sandbox)
    (invoice,) = bench.api.invoices(customer)
    paid = [payment for payment in invoice.payments if payment.status == "paid"]
    assert sum(payment.amount_paid_minor for payment in paid) == 1_200
    assert {payment.payment_intent for payment in paid} == {
        charge.payment_intent for charge in bench.api.charges(customer)
    }


def test_payments_of_other_kinds() -> None:
    """A legacy charge without a PaymentIntent, and money that never was at Stripe."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    legacy = str(sandbox.build.charge(customer, amount=100, legacy=True)["id"])
    sandbox.build.pay(invoice_with(sandbox, customer, 100, pay=False), charge=legacy)
    sandbox.build.pay(invoice_with(sandbox, customer, 100, pay=False))
    api = in_process(sandbox).api
    recorded, charged = (invoice.payments[0] for invoice in api.invoices(customer))
    assert (charged.type, charged.charge, charged.payment_intent) == ("charge", legacy, None)
    assert (recorded.type, recorded.charge, recorded.payment_intent) == ("payment_record", None, None)
    assert api.charge(legacy).payment_intent is None


def test_all_refunds_of_a_charge() -> None:
    """Twelve refunds: more than the ten that a charge holds; however the charge is reached."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    charge = sandbox.build.charge(customer, amount=1_200)
    for number in range(12):
        sandbox.post("/v1/refunds", {"charge": charge["id"], "amount": 50, "metadata": {"number": str(number)}})
    api = in_process(sandbox).api
    (listed,) = api.charges(customer)
    assert [refund.metadata["number"] for refund in listed.refunds] == [str(number) for number in range(11, -1, -1)]
    assert (listed.refunded_minor, listed.remaining_minor) == (600, 600)
    assert api.charge(listed.id) == listed
    assert api.charge_of_payment_intent(str(charge["payment_intent"])) == listed
    assert api.refunds(listed.id) == listed.refunds


def test_charges_that_cannot_be_refunded_are_told_apart() -> None:
    """Uncaptured, partly captured, failed, disputed, Connect, another method and currency: as they are."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    build = sandbox.build
    made = {
        "authorized": build.charge(customer, amount=100, captured=0),
        "partial": build.charge(customer, amount=100, captured=40),
        "failed": build.charge(customer, amount=100, outcome="fails"),
        "connect": build.charge(customer, amount=100, destination="acct_other"),
        "debit": build.charge(customer, amount=100, method="sepa_debit", currency="eur"),
        "disputed": build.charge(customer, amount=100),
    }
    sandbox.control.dispute(str(made["disputed"]["id"]))
    api = in_process(sandbox).api
    by_id = {charge.id: charge for charge in api.charges(customer)}
    found = {name: by_id[str(charge["id"])] for name, charge in made.items()}
    assert (found["authorized"].captured, found["authorized"].remaining_minor) == (False, 0)
    assert (found["partial"].captured_minor, found["partial"].remaining_minor) == (40, 40)
    assert found["failed"].status == "failed"
    assert [name for name, charge in found.items() if charge.connect] == ["connect"]
    assert (found["debit"].method, found["debit"].currency) == ("sepa_debit", "eur")
    assert [name for name, charge in found.items() if charge.disputed] == ["disputed"]
    assert api.charge_of_payment_intent(str(made["failed"]["payment_intent"])) is None


def test_customers_come_page_by_page() -> None:
    """Of 250 customers three are read: one page is asked for. All of them: three pages."""
    sandbox = Sandbox()
    sandbox.build.customers(250)
    bench = in_process(sandbox)
    assert len(tuple(islice(bench.api.customers(), 3))) == 3
    assert len(bench.limiter.calls) == 1
    assert len({customer.id for customer in bench.api.customers()}) == 250
    assert len(bench.limiter.calls) == 4


def test_movements_come_page_by_page_and_only_when_asked_for() -> None:
    """The hundredth movement still belongs to the first page."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    for number in range(120):
        sandbox.build.movement(customer, amount=-1 - number, kind="adjustment")
    bench = in_process(sandbox)
    movements = bench.api.customer_balance_transactions(customer)
    newest = next(movements)
    assert newest.amount_minor == -120
    assert len(tuple(islice(movements, 99))) == 99
    assert len(bench.limiter.calls) == 1
    assert [movement.amount_minor for movement in movements] == list(range(-20, 0))
    assert len(bench.limiter.calls) == 2


def test_the_sign_of_a_balance_is_flipped_once() -> None:
    """Stripe's -500 is a credit of 500; what a customer owes is negative; movements keep Stripe's sign."""
    sandbox = Sandbox()
    creditor, debtor = customer_of(sandbox, balance=-500), customer_of(sandbox, balance=700)
    api = in_process(sandbox).api
    assert api.customer(creditor).credit_minor == 500
    assert api.customer(debtor).credit_minor == -700
    assert [movement.amount_minor for movement in api.customer_balance_transactions(creditor)] == [-500]


def test_credit_in_another_currency_is_seen() -> None:
    """`customer.balance` shows only the default currency: the other one is read beside it, in list and single reads."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    sandbox.build.movement(customer, amount=-500, kind="adjustment", currency="usd")
    sandbox.build.movement(customer, amount=-300, kind="adjustment", currency="cad")
    api = in_process(sandbox).api
    found = api.customer(customer)
    assert (found.currency, found.credit_minor, dict(found.other_credits)) == ("usd", 500, {"cad": 300})
    assert list(api.customers()) == [found]


def test_a_refused_expansion_is_left_out_from_then_on() -> None:
    """That the list expands the credits is not documented: a refusal costs one call, once."""
    sandbox = Sandbox()
    customer = customer_of(sandbox, balance=-500)
    expansion = "data.invoice_credit_balance"
    message = f"This property cannot be expanded ({expansion})."
    sandbox.faults.add(Fault(kind="refused", params={"expand[0]": expansion}, times=0, message=message))
    bench = in_process(sandbox)
    assert [found.id for found in bench.api.customers()] == [customer]
    assert [found.id for found in bench.api.customers()] == [customer]
    assert bench.limiter.calls == ["GET /v1/customers"] * 3
    assert bench.api.customer(customer).credit_minor == 500
    assert len(bench.limiter.calls) == 4


def test_a_deleted_customer_is_read_as_deleted() -> None:
    """Stripe answers for a deleted customer, without a balance."""
    sandbox = Sandbox()
    customer = customer_of(sandbox, balance=-500)
    sandbox.delete(f"/v1/customers/{customer}")
    assert in_process(sandbox).api.customer(customer) == Customer(id=customer, deleted=True)


def test_a_sweep_goes_on_behind_a_customer_deleted_under_it() -> None:
    """The last row of a page was the cursor, and is gone when the next page is asked for."""
    sandbox = Sandbox()
    sandbox.build.customers(150)
    bench = in_process(sandbox)
    sweep = bench.api.customers()
    first = [customer.id for customer in islice(sweep, 100)]
    sandbox.faults.add(
        Fault(
            kind="refused",
            path="/v1/customers",
            params={"starting_after": first[-1]},
            code="resource_missing",
            param="starting_after",
            message=f"No such customer: '{first[-1]}'",
        )
    )
    rest = [customer.id for customer in sweep]
    assert len(set(first) | set(rest)) == 150


def test_pending_items_of_one_customer_and_of_all() -> None:
    """Items that no invoice has taken; those of an invoice are not among them."""
    sandbox = Sandbox()
    one, other = customer_of(sandbox), customer_of(sandbox)
    for customer, amount in ((one, -500), (other, 300)):
        sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": amount, "currency": "usd"})
    invoice_with(sandbox, customer_of(sandbox), 100)
    api = in_process(sandbox).api
    (item,) = api.pending_items(one)
    assert item == PendingItem(id=item.id, customer=one, amount_minor=-500, currency="usd")
    assert {(found.customer, found.amount_minor) for found in api.pending_items()} == {(one, -500), (other, 300)}


def test_changed_customers_are_those_whose_balance_or_refund_changed() -> None:
    """A balance that moved, a refund that failed later; not a new name, not a refund that went well; each once."""
    sandbox = Sandbox()
    before = customer_of(sandbox, balance=-100)
    sandbox.post(f"/v1/customers/{before}/balance_transactions", {"amount": 50, "currency": "usd"})
    sandbox.clock.advance(1_000)
    since = sandbox.clock.now
    moved, renamed, refunded, failed = (customer_of(sandbox) for _ in range(4))
    for amount in (-500, 200):
        sandbox.post(f"/v1/customers/{moved}/balance_transactions", {"amount": amount, "currency": "usd"})
    sandbox.post(f"/v1/customers/{renamed}", {"name": "New"})
    for customer, status in ((refunded, "succeeded"), (failed, "failed")):
        charge = sandbox.build.charge(customer, amount=100)
        refund = sandbox.post("/v1/refunds", {"charge": charge["id"], "amount": 50})
        sandbox.control.turn_refund(str(refund["id"]), status)
    assert sorted(in_process(sandbox).api.changed_customers(since=since)) == sorted([moved, failed])


def test_the_account_of_a_secret_key() -> None:
    """The mode is the key's."""
    sandbox = Sandbox(account="acct_9", keys={"sk_live_a": None}, livemode=True)
    assert in_process(sandbox, key="sk_live_a").api.account() == Account(id="acct_9", livemode=True)


def test_the_account_of_a_restricted_key_needs_no_permission() -> None:
    """Stripe's refusal names the account; that is enough."""
    sandbox = Sandbox(account="acct_9", keys={"rk_test_a": {"permissions": ["customer_read"]}})
    assert in_process(sandbox, key="rk_test_a").api.account() == Account(id="acct_9", livemode=False)


def test_an_unknown_key_has_no_account() -> None:
    """401, and said so."""
    with pytest.raises(Unauthorized, match="does not accept the key"):
        in_process(Sandbox(), key="sk_test_other").api.account()


def test_a_restricted_key_learns_what_it_lacks() -> None:
    """403 names the permission."""
    sandbox = Sandbox(keys={"rk_test_a": {"permissions": []}})
    api = in_process(sandbox, key="rk_test_a").api
    for read, permission in (
        (api.customers, "customer_read"),
        (lambda: api.customer("cus_1"), "customer_read"),
        (lambda: api.invoices("cus_1"), "invoice_read"),
        (lambda: api.charges("cus_1"), "charge_read"),
        (lambda: api.customer_balance_transactions("cus_1"), "customer_read"),
        (lambda: api.changed_customers(since=0), "event_read"),
    ):
        with pytest.raises(Unauthorized, match=f"lacks the permission rak_{permission}"):
            tuple(read())  # type: ignore[arg-type]  # a customer is no list, but there is none


def test_what_is_not_there_is_not_found() -> None:
    """Customer, charge and payment intent; and an id that is none is not even asked for."""
    bench = in_process(Sandbox())
    api = bench.api
    with pytest.raises(NotFound, match="No such customer"):
        api.customer("cus_missing")
    with pytest.raises(NotFound, match="No such charge"):
        api.charge("ch_missing")
    with pytest.raises(NotFound, match="No such payment_intent"):
        api.charge_of_payment_intent("pi_missing")
    assert len(bench.limiter.calls) == 3
    for malformed in ("", "..", "cus_1/balance_transactions", "cus_1?limit=1", "cus 1", "cus_1\n"):
        with pytest.raises(NotFound, match="the id may hold only"):
            api.customer(malformed)
    assert len(bench.limiter.calls) == 3
