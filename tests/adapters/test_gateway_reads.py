"""Invoices and charges, against the sandbox: every page, line, payment and refund, in Stripe's order."""

import pytest

from refund_worker.sandbox import Sandbox
from tests.adapters.gateways import in_process
from tests.adapters.sandbox_customers import FIFTEEN_DAYS, customer_of, downgraded, invoice_with


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
