"""The real stripe-python against the sandbox's server, on loopback."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from refund_worker.sandbox import Fault, RateLimits, Sandbox, SandboxServer, serve
from tests.sandbox.asking import asked

if TYPE_CHECKING:
    from tests.sandbox.shop import Shop


def test_the_articles_way_by_hand(client: stripe.StripeClient, shop: Shop) -> None:
    """Downgrade, read the credit, debit it, refund the charge; the balance ends at zero."""
    customer, subscription = shop.subscribed(10_000)
    shop.half_a_period(subscription)
    shop.change(subscription, shop.price(1_000))
    credit = -(client.v1.customers.retrieve(customer).balance or 0)
    invoices = client.v1.invoices.list({"customer": customer, "expand": ["data.payments"]}).data
    intent = invoices[-1].payments.data[0].payment.payment_intent  # type: ignore[union-attr]  # expanded above
    charge = next(row for row in client.v1.charges.list({"customer": customer}).data if row.payment_intent == intent)
    debit = client.v1.customers.balance_transactions.create(customer, {"amount": credit, "currency": "usd"})
    refund = client.v1.refunds.create({"charge": charge.id, "amount": credit, "metadata": {"why": "downgrade"}})
    assert (credit, debit.ending_balance, refund.status) == (4_500, 0, "succeeded")
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 4_500


def test_pages_are_followed(client: stripe.StripeClient, shop: Shop) -> None:
    shop.sandbox.build.customers(25)
    found = [customer.id for customer in client.v1.customers.list({"limit": 10}).auto_paging_iter()]
    assert len(found) == len(set(found)) == 25


def test_errors_become_the_clients_exceptions(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=500)["id"]
    with pytest.raises(stripe.InvalidRequestError) as more:
        client.v1.refunds.create({"charge": charge, "amount": 501})
    assert (more.value.code, more.value.param, more.value.http_status) == (None, "amount", 400)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.charges.retrieve("ch_nope")
    assert (unknown.value.code, unknown.value.http_status) == ("resource_missing", 404)
    client.v1.customers.create({}, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "x"}, {"idempotency_key": "k"})
    with pytest.raises(stripe.AuthenticationError):
        client.v1.customers.list({}, {"api_key": "sk_test_other"})


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("before_execution", stripe.APIConnectionError),
        ("answer_lost", stripe.APIConnectionError),
        ("cut_body", stripe.APIConnectionError),
        ("malformed_body", stripe.APIError),
        ("stored_500", stripe.APIError),
        ("rate_limited", stripe.RateLimitError),
    ],
)
def test_faults_reach_the_client(client: stripe.StripeClient, sandbox: Sandbox, kind: Any, error: Any) -> None:
    sandbox.faults.add(Fault(kind=kind, method="POST"))
    with pytest.raises(error):
        client.v1.customers.create({"name": "x"})
    assert client.v1.customers.create({"name": "y"}).name == "y"


def test_an_answer_that_was_lost_is_replayed_to_the_client(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind="answer_lost", method="POST"))
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "x"}, {"idempotency_key": "k"})
    made = client.v1.customers.create({"name": "x"}, {"idempotency_key": "k"})
    assert made.last_response is not None
    assert made.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.customers.list().data) == 1


def test_the_other_resources_answer(client: stripe.StripeClient, shop: Shop) -> None:
    customer, subscription = shop.subscribed(6_000)
    shop.cancel(subscription)
    v1 = client.v1
    assert v1.accounts.retrieve_current().id == "acct_1SandboxKXBGcbg"
    assert v1.balance.retrieve().available[0].currency == "usd"
    assert v1.invoice_items.list({"customer": customer}).data[0].amount == -6_000
    assert v1.invoice_payments.list({"status": "paid"}).data[0].amount_paid == 6_000
    assert v1.events.list({"type": "customer.updated"}).data[0].type == "customer.updated"
    assert v1.payment_intents.list({"customer": customer}).data[0].amount == 6_000
    assert v1.subscriptions.retrieve(subscription["id"]).status == "canceled"
    assert v1.invoices.line_items.list(subscription["latest_invoice"]).data[0].amount == 6_000
    assert v1.credit_notes.list().data == v1.disputes.list().data == []


def test_32_threads_wait_side_by_side(sandbox: Sandbox) -> None:
    """Latency is slept outside the lock: 64 requests of 100 ms take two rounds, not 64."""
    sandbox.latency_ms = 100
    headers = {"Authorization": "Bearer sk_test_sandbox"}

    def twice() -> None:
        for _ in range(2):
            sandbox.dispatch(method="GET", target="/v1/customers", headers=headers)

    began = time.perf_counter()
    threads = [threading.Thread(target=twice) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.2 <= time.perf_counter() - began < 2


@pytest.mark.parametrize(("announced", "status"), [("-1", 400), ("many", 400), ("9999999", 413)])
def test_a_body_that_cannot_be_read_is_refused(server: SandboxServer, announced: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"POST /v1/customers HTTP/1.1\r\nContent-Length: {announced}\r\n\r\n".encode())
        assert connection.recv(1024).startswith(f"HTTP/1.1 {status} ".encode())


def test_only_loopback_is_bound(server: SandboxServer) -> None:
    assert server.base_url.startswith("http://127.0.0.1:")


def test_a_taken_port_is_an_error(server: SandboxServer, sandbox: Sandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            SandboxServer(sandbox, port=taken.getsockname()[1])


def test_controls_over_http(server: SandboxServer, client: stripe.StripeClient, shop: Shop) -> None:
    customer = shop.customer()
    now = asked(server, "GET", "clock")["now"]
    assert asked(server, "POST", "clock/advance", {"seconds": 60})["now"] == now + 60
    charge = asked(server, "POST", "build/charge", {"customer": customer, "amount": 500})["id"]
    asked(server, "POST", "control/next_refund", {"charge": charge, "status": "pending", "then": ["failed", 60]})
    refund = client.v1.refunds.create({"charge": charge})
    asked(server, "POST", "clock/advance", {"seconds": 60})
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert asked(server, "POST", "control/dispute", {"charge": charge})["charge"] == charge
    assert asked(server, "POST", "faults", {"kind": "http_500", "method": "GET"}) == {"armed": 1}
    assert asked(server, "GET", "faults")["armed"][0]["kind"] == "http_500"
    assert asked(server, "DELETE", "faults") == {"armed": 0}
    assert asked(server, "GET", "books")["books"][0]["refunds"][0]["status"] == "failed"
    assert asked(server, "GET", "counters")["per_endpoint"]["POST /v1/refunds"] == 1
    assert asked(server, "GET", "requests")["requests"][0]["path"] == "/v1/refunds"
    assert asked(server, "GET", "state")["objects"]["charge"] == 1
    asked(server, "POST", "idempotency/forget", {})
    asked(server, "DELETE", "requests")
    assert asked(server, "GET", "requests")["requests"] == []


@pytest.mark.parametrize(
    ("method", "name", "arguments", "status"),
    [
        ("POST", "nothing", {}, 404),
        ("POST", "control/nothing", {}, 400),
        ("POST", "clock/advance", {"seconds": -1}, 400),
        ("POST", "clock/advance", {}, 400),
        ("POST", "faults", {"kind": "typo"}, 400),
        ("POST", "build/charge", {"customer": "cus_1"}, 400),
    ],
)
def test_wrong_controls_are_refused(
    server: SandboxServer, method: str, name: str, arguments: dict[str, Any], status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(server, method, name, arguments)
    with refused.value as answer:
        assert answer.code == status


def test_serving_a_scenario() -> None:
    with serve(scenario="idle", customers=3, rate_limits=RateLimits()) as server:
        assert asked(server, "GET", "state")["objects"] == {"customer": 3}
    with pytest.raises(ValueError, match="unknown scenario 'typo': one of"):
        serve(scenario="typo")
