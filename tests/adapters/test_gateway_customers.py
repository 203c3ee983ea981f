"""Customers, their movements, pending items and events, and whose key it is; against the sandbox."""

from itertools import islice

import pytest

from refund_worker.domain.errors import NotFound, Unauthorized
from refund_worker.domain.facts import Account, Customer
from refund_worker.sandbox import Fault, Sandbox
from tests.adapters.gateways import in_process
from tests.adapters.sandbox_customers import customer_of, invoice_with


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
    assert found.credit_balances == {"usd": 500, "cad": 300}
    assert list(api.customers()) == [found]
    assert api.statement(customer)[0] == found


def test_a_refused_expansion_is_left_out_from_then_on() -> None:
    """That the list expands the credits is not documented: a refusal costs one call, once; single reads go on."""
    sandbox = Sandbox()
    customer = customer_of(sandbox, balance=-500)
    expansion = "data.invoice_credit_balance"
    message = f"This property cannot be expanded ({expansion})."
    sandbox.faults.add(Fault(kind="refused", params={"expand[0]": expansion}, times=0, message=message))
    bench = in_process(sandbox)
    for _ in range(2):
        (found,) = bench.api.customers()
        assert (found.id, found.credit_minor, found.credit_balances) == (customer, 500, {})
    assert bench.limiter.calls == ["GET /v1/customers"] * 3
    assert bench.api.customer(customer).credit_balances == {"usd": 500}
    assert bench.api.statement(customer)[0].credit_balances == {"usd": 500}
    assert len(bench.limiter.calls) == 5


def test_a_customer_that_does_not_come_with_its_movements_is_read_beside_them() -> None:
    """Where the movements refuse to expand their customer's credits, the single read still tells of every currency."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    sandbox.build.movement(customer, amount=-500, kind="adjustment", currency="usd")
    sandbox.build.movement(customer, amount=-300, kind="adjustment", currency="cad")
    expansion = "data.customer.invoice_credit_balance"
    message = f"This property cannot be expanded ({expansion})."
    sandbox.faults.add(Fault(kind="refused", params={"expand[0]": expansion}, times=0, message=message))
    bench = in_process(sandbox)
    for _ in range(2):
        found, movements = bench.api.statement(customer)
        assert found.credit_balances == {"usd": 500, "cad": 300}
        assert [movement.amount_minor for movement in movements] == [-300, -500]
    listed, read = "GET /v1/customers/{}/balance_transactions", "GET /v1/customers/{}"
    assert bench.limiter.calls == [listed, read, listed, read, listed]


def test_a_customer_whose_credits_cannot_be_expanded_is_read_without_them() -> None:
    """Then nothing is known of other currencies; another refusal is none of that."""
    sandbox = Sandbox()
    customer = customer_of(sandbox, balance=-500)
    message = "This property cannot be expanded (invoice_credit_balance)."
    sandbox.faults.add(Fault(kind="refused", params={"expand[0]": "invoice_credit_balance"}, times=0, message=message))
    bench = in_process(sandbox)
    for _ in range(2):
        found = bench.api.customer(customer)
        assert (found.credit_minor, found.credit_balances) == (500, {})
    assert bench.limiter.calls == ["GET /v1/customers/{}"] * 3


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
    assert (item.customer, item.amount_minor, item.currency) == (one, -500, "usd")
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
