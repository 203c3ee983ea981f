"""What the cluster's tests and demo ask of a served sandbox: a population, cancellations, limits, keys, the date."""

from __future__ import annotations

import urllib.error
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
import stripe

from refund_worker.sandbox import POPULATIONS, RateLimits, Sandbox, SandboxServer
from tests.sandbox.asking import asked
from tests.sandbox.receiver import Receiver, until
from tests.sandbox.shop import DAY, KEY, Shop

if TYPE_CHECKING:
    from tests.sandbox.shop import Wire


def populated(seed: int, customers: int = 12) -> Sandbox:
    sandbox = Sandbox(seed=seed)
    POPULATIONS["cluster"](sandbox, customers)
    return sandbox


def test_a_cluster_of_paying_customers() -> None:
    sandbox = populated(1)
    began = sandbox.get("/v1/subscriptions", {"limit": 100})["data"]
    assert len({row["customer"] for row in began}) == 12
    assert {row["status"] for row in began} == {"active"}
    assert all(5 * DAY <= sandbox.clock.now - row["created"] <= 25 * DAY for row in began)
    assert [charge["paid"] for charge in sandbox.get("/v1/charges", {"limit": 100})["data"]] == [True] * 12
    assert {book.balance for book in sandbox.books()} == {0}
    again, other = (
        [row["created"] for row in populated(seed).get("/v1/subscriptions", {"limit": 100})["data"]] for seed in (1, 2)
    )
    assert again == [row["created"] for row in began] != other


def test_cancelling_some_of_them_sends_the_webhooks() -> None:
    sandbox = populated(1)
    with Receiver() as receiver, SandboxServer(sandbox) as server:
        wanted = ["customer.subscription.deleted", "customer.updated"]
        sandbox.build.webhook_endpoint(receiver.url, enabled_events=wanted)
        canceled = asked(server, "POST", "cancel", {"count": 5})["canceled"]
        until(lambda: len(receiver.arrived) == 10)
    assert len({row["customer"] for row in canceled}) == 5
    for row in canceled:
        assert sandbox.get(f"/v1/subscriptions/{row['subscription']}")["status"] == "canceled"
        assert sandbox.get(f"/v1/customers/{row['customer']}")["balance"] < 0
    assert len(sandbox.get("/v1/subscriptions", {"limit": 100})["data"]) == 7


def test_cancelling_without_an_invoice_leaves_the_credit_pending() -> None:
    sandbox = populated(1)
    with SandboxServer(sandbox) as server:
        canceled = asked(server, "POST", "cancel", {"count": 2, "invoice": False})["canceled"]
    waiting = sandbox.get("/v1/invoiceitems", {"pending": True})["data"]
    assert {row["customer"] for row in waiting} == {row["customer"] for row in canceled}
    assert {book.balance for book in sandbox.books()} == {0}


def test_cancelling_more_than_there_are() -> None:
    sandbox = populated(1, 2)
    with SandboxServer(sandbox) as server:
        assert len(asked(server, "POST", "cancel", {"count": 5})["canceled"]) == 2


def test_the_limits_change_while_it_runs(sandbox: Sandbox, server: SandboxServer, wire: Wire) -> None:
    def passed() -> int:
        return sum(wire.send("GET", "/v1/customers")[0] == 200 for _ in range(30))

    assert asked(server, "GET", "limits") == {"limits": None}
    assert passed() == 30
    slow = {"global_per_second": 2, "endpoint_per_second": 2, "burst_seconds": 1}
    assert asked(server, "POST", "limits", slow) == {"limits": slow}
    assert passed() <= 3
    assert asked(server, "DELETE", "limits") == {"limits": None}
    assert passed() == 30


def test_what_was_used_stays_used_when_the_limits_change() -> None:
    wire_limits = RateLimits(global_per_second=100, endpoint_per_second=100)
    sandbox = Sandbox(rate_limits=wire_limits)
    headers = {"Authorization": f"Bearer {KEY}"}
    answers = [sandbox.dispatch(method="GET", target="/v1/customers", headers=headers).status for _ in range(100)]
    assert answers.count(200) >= 99
    sandbox.limit(RateLimits(global_per_second=50, endpoint_per_second=50))
    refused = sandbox.dispatch(method="GET", target="/v1/customers", headers=headers)
    assert (refused.status, refused.headers["Stripe-Rate-Limited-Reason"]) == (429, "endpoint-rate")


def test_the_date_of_an_answer_is_the_sandboxs(server: SandboxServer) -> None:
    def date() -> int:
        answer = requests.get(f"{server.base_url}/v1/customers", headers={"Authorization": f"Bearer {KEY}"}, timeout=10)
        return int(parsedate_to_datetime(answer.headers["Date"]).timestamp())

    began = server.sandbox.clock.now
    assert date() == began
    server.sandbox.clock.advance(3 * DAY + 1)
    assert date() == began + 3 * DAY + 1


def test_the_latency_changes_while_it_runs(sandbox: Sandbox, server: SandboxServer) -> None:
    assert asked(server, "POST", "latency", {"ms": 7}) == {"ms": 7}
    assert sandbox.latency_ms == 7
    assert asked(server, "POST", "latency", {"ms": 0}) == {"ms": 0}


@pytest.mark.parametrize(
    ("permission", "method", "target", "params", "status"),
    [
        ("webhook_read", "GET", "/v1/webhook_endpoints", {}, 200),
        ("webhook_read", "POST", "/v1/webhook_endpoints", {}, 403),
        ("charge_write", "POST", "/v1/refunds", {"charge": "ch_none"}, 404),
        ("charge_read", "POST", "/v1/refunds", {"charge": "ch_none"}, 403),
        (
            "customer_write",
            "POST",
            "/v1/customers/cus_none/balance_transactions",
            {"amount": 1, "currency": "usd"},
            404,
        ),
        ("customer_write", "POST", "/v1/customers/cus_none/balance_transactions", {}, 400),
        ("customer_read", "POST", "/v1/customers/cus_none/balance_transactions", {}, 403),
    ],
)
def test_permissions_show_without_writing(  # noqa: PLR0917  # a table's columns
    server: SandboxServer, wire: Wire, permission: str, method: str, target: str, params: dict[str, Any], status: int
) -> None:
    """What is lacking is told before the object is looked for."""
    asked(server, "POST", "keys", {"rk_test_doctor": {"permissions": [permission]}})
    before = server.sandbox.world.store.counts()
    assert wire.send(method, target, params, Authorization="Bearer rk_test_doctor")[0] == status
    assert server.sandbox.world.store.counts() == before


def test_the_customer_in_a_page(client: stripe.StripeClient, shop: Shop) -> None:
    customer, subscription = shop.subscribed(6_000)
    shop.cancel(subscription)
    moves = client.v1.customers.balance_transactions.list(customer, {"expand": ["data.customer"]}).data
    bills = client.v1.invoices.list({"customer": customer, "expand": ["data.customer", "data.payments"]}).data
    for expanded in (*(row.customer for row in moves), *(row.customer for row in bills)):
        assert isinstance(expanded, stripe.Customer)
        assert (expanded.id, expanded.balance) == (customer, -6_000)
    assert len(moves) == 1
    assert len(bills) == 2


def test_the_page_of_a_customer_who_is_gone(wire: Wire, shop: Shop) -> None:
    """One that never was is 404; a deleted one's movements are still shown, and say that it is deleted."""
    customer = shop.customer(balance=-5)
    shop.sandbox.delete(f"/v1/customers/{customer}")
    path = "/v1/customers/{}/balance_transactions?expand[]=data.customer"
    assert wire.send("GET", path.format("cus_none"))[0] == 404
    status, body, _ = wire.send("GET", path.format(customer))
    assert (status, body["data"][0]["customer"]) == (200, {"id": customer, "object": "customer", "deleted": True})
    assert (
        wire.send("POST", f"/v1/customers/{customer}/balance_transactions", {"amount": 1, "currency": "usd"})[0] == 404
    )


def test_unknown_words_of_a_control_are_refused(server: SandboxServer) -> None:
    for name, arguments in (("cancel", {"typo": 1}), ("limits", {"typo": 1}), ("webhooks/faults", {"lost": 2})):
        with pytest.raises(urllib.error.HTTPError) as refused:
            asked(server, "POST", name, arguments)
        with refused.value as answer:
            assert answer.code == 400
