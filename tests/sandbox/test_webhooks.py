"""Webhook endpoints and the delivery of events to them, over real sockets."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from refund_worker.sandbox import Sandbox, SandboxServer
from tests.sandbox.receiver import Arrived, Receiver, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.shop import Shop, Wire

_NOWHERE = "http://127.0.0.1:9/"
_ANY_AGE = 10**9


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def endpoint(server: SandboxServer, receiver: Receiver) -> dict[str, Any]:
    """An endpoint for all events of customers' creation and deletion."""
    wanted = ["customer.created", "customer.deleted"]
    return server.sandbox.post("/v1/webhook_endpoints", {"url": receiver.url, "enabled_events": wanted})


def ids(receiver: Receiver) -> list[str]:
    """The ids of the events that arrived."""
    return [json.loads(arrived.body)["id"] for arrived in receiver.arrived]


def settled(sandbox: Sandbox) -> None:
    until(lambda: sandbox.courier.waiting == 0)


def test_an_endpoint_shows_its_secret_once(client: stripe.StripeClient) -> None:
    made = client.v1.webhook_endpoints.create({"url": _NOWHERE, "enabled_events": ["*"], "description": "x"})
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert (made.status, made.url, made.enabled_events, made.api_version) == ("enabled", _NOWHERE, ["*"], None)
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id)
    assert [row.id for row in client.v1.webhook_endpoints.list().data] == [made.id]
    changed = client.v1.webhook_endpoints.update(made.id, {"disabled": True, "metadata": {"a": "b"}})
    assert (changed.status, changed.metadata.to_dict()) == ("disabled", {"a": "b"})
    assert client.v1.webhook_endpoints.update(made.id, {"disabled": False}).status == "enabled"
    assert client.v1.webhook_endpoints.delete(made.id).deleted is True
    assert client.v1.webhook_endpoints.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook_endpoint"):
        client.v1.webhook_endpoints.retrieve(made.id)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "http://example.com/", "http://127.0.0.1@example.com/", "http://10.0.0.1/", "127.0.0.1",
        "http://localhost.example.com/", "http://[::1]/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/",
        "http://ada@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/\u00e4", "ftp://127.0.0.1/",
    ],
)  # fmt: skip
def test_nothing_is_sent_off_this_machine(wire: Wire, url: str) -> None:
    status, code, param, message = wire.error("POST", "/v1/webhook_endpoints", {"url": url, "enabled_events": ["*"]})
    assert (status, code, param) == (400, "url_invalid", "url")
    assert "127.0.0.1 or localhost only" in message


@pytest.mark.parametrize("events", ["", ["charge.*"], ["customer"], ["Customer.Created"]])
def test_an_endpoint_needs_types_of_events(wire: Wire, events: Any) -> None:
    assert wire.error("POST", "/v1/webhook_endpoints", {"url": _NOWHERE, "enabled_events": events})[0] == 400


def test_an_event_arrives_signed(
    shop: Shop, endpoint: dict[str, Any], receiver: Receiver, client: stripe.StripeClient
) -> None:
    customer = shop.customer()
    shop.sandbox.post(f"/v1/customers/{customer}", {"name": "Ada"})  # an event it does not listen to
    until(lambda: len(receiver.arrived) == 1)
    arrived = receiver.arrived[0]
    assert arrived.headers["Content-Type"] == "application/json; charset=utf-8"
    assert arrived.headers["User-Agent"].startswith("Stripe/1.0")
    header = arrived.headers["Stripe-Signature"]
    assert header.startswith(f"t={shop.sandbox.clock.now},v1=")
    event = client.construct_event(arrived.body, header, endpoint["secret"], tolerance=_ANY_AGE)
    assert (event.type, event.data.object["id"], event.pending_webhooks) == ("customer.created", customer, 1)
    settled(shop.sandbox)
    shown = shop.sandbox.get(f"/v1/events/{event.id}")
    assert shown["pending_webhooks"] == 0
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(arrived.body, header, "whsec_other", tolerance=_ANY_AGE)


def test_the_signature_carries_the_sandboxs_time(
    shop: Shop, endpoint: dict[str, Any], receiver: Receiver, client: stripe.StripeClient
) -> None:
    """A receiver that checks the time against its own clock sees the sandbox's."""
    shop.sandbox.clock.advance(int(time.time()) - shop.sandbox.clock.now + 60)
    shop.sandbox.clock.tick()
    shop.customer()
    until(lambda: len(receiver.arrived) == 1)
    arrived = receiver.arrived[0]
    assert client.construct_event(arrived.body, arrived.headers["Stripe-Signature"], endpoint["secret"]).id


def test_what_is_not_accepted_is_sent_again(shop: Shop, endpoint: dict[str, Any], receiver: Receiver) -> None:
    assert endpoint["enabled_events"] == ["customer.created", "customer.deleted"]
    statuses = iter([500, 302, 400, 200])
    receiver.answer = lambda _arrived: next(statuses)
    shop.sandbox.courier.pauses_s = (0.0, 0.01, 0.02, 0.03)
    shop.customer()
    settled(shop.sandbox)
    seen = [(entry.attempt, entry.status, entry.outcome) for entry in shop.sandbox.courier.log()]
    assert seen == [(1, 500, "refused"), (2, 302, "refused"), (3, 400, "refused"), (4, 200, "accepted")]
    assert len(set(ids(receiver))) == 1
    assert shop.sandbox.courier.outcomes() == {"refused": 3, "accepted": 1}


def test_an_endpoint_that_never_accepts_is_given_up(shop: Shop, endpoint: dict[str, Any], receiver: Receiver) -> None:
    receiver.answer = lambda _arrived: 500
    shop.sandbox.courier.pauses_s = (0.0, 0.0)
    shop.customer()
    settled(shop.sandbox)
    assert [entry.attempt for entry in shop.sandbox.courier.log()] == [1, 2, 3]
    pending = shop.sandbox.get("/v1/events", {"delivery_success": False})["data"]
    assert [event["pending_webhooks"] for event in pending] == [1]
    assert shop.sandbox.get("/v1/events", {"delivery_success": True})["data"] == []


def test_nobody_listens_there(shop: Shop, server: SandboxServer) -> None:
    assert server.port
    shop.sandbox.post("/v1/webhook_endpoints", {"url": _NOWHERE, "enabled_events": ["*"]})
    shop.sandbox.courier.pauses_s = (0.0,)
    shop.customer()
    settled(shop.sandbox)
    assert [(entry.status, entry.outcome) for entry in shop.sandbox.courier.log()] == [(0, "unanswered")] * 2


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_an_endpoint_that_is_gone_is_told_nothing(
    shop: Shop, endpoint: dict[str, Any], receiver: Receiver, how: str
) -> None:
    """Not even what waited for its next attempt when it went."""
    receiver.answer = lambda _arrived: 500
    shop.sandbox.courier.pauses_s = (0.2,)
    shop.customer()
    until(lambda: len(receiver.arrived) == 1)
    one = f"/v1/webhook_endpoints/{endpoint['id']}"
    if how == "deleted":
        shop.sandbox.delete(one)
    else:
        shop.sandbox.post(one, {"disabled": True})
    shop.customer()
    settled(shop.sandbox)
    assert len(receiver.arrived) == 1


def test_each_endpoint_gets_its_events(shop: Shop, server: SandboxServer, receiver: Receiver) -> None:
    assert server.port
    for events in (["*"], ["customer.deleted"]):
        shop.sandbox.post("/v1/webhook_endpoints", {"url": receiver.url, "enabled_events": events})
    customer = shop.customer()
    shop.sandbox.delete(f"/v1/customers/{customer}")
    until(lambda: len(receiver.arrived) == 3)
    kinds = sorted(json.loads(arrived.body)["type"] for arrived in receiver.arrived)
    assert kinds == ["customer.created", "customer.deleted", "customer.deleted"]


def test_stopping_ends_deliveries_at_once(sandbox: Sandbox, receiver: Receiver) -> None:
    """Neither a receiver that hangs nor a retry that waits holds it up, and no thread is left."""
    hang = threading.Event()

    def hanging(_arrived: Arrived) -> int:
        hang.wait(10)
        return 200

    receiver.answer = hanging
    with SandboxServer(sandbox) as server:
        assert server.port
        sandbox.build.webhook_endpoint(receiver.url)
        for _ in range(20):
            sandbox.post("/v1/customers")
        until(lambda: len(receiver.arrived) == 8)
        began = time.perf_counter()
    assert time.perf_counter() - began < 1
    hang.set()
    assert sandbox.courier.waiting == 0
    assert [thread.name for thread in threading.enumerate() if thread.name == "sandbox-webhooks"] == []
    sandbox.post("/v1/customers")
    assert sandbox.courier.waiting == 0


def test_a_sandbox_that_is_not_served_delivers_nothing(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.build.webhook_endpoint(receiver.url)
    sandbox.post("/v1/customers")
    assert sandbox.get("/v1/events")["data"][0]["pending_webhooks"] == 0
    assert (sandbox.courier.waiting, receiver.arrived) == (0, [])


def test_a_restored_account_goes_on_delivering(shop: Shop, endpoint: dict[str, Any], receiver: Receiver) -> None:
    assert endpoint["id"]
    kept = shop.sandbox.snapshot()
    shop.customer()
    until(lambda: len(receiver.arrived) == 1)
    shop.sandbox.adopt(kept)
    shop.customer()
    until(lambda: len(receiver.arrived) == 2)
    assert len(set(ids(receiver))) == 1  # the same moment, lived through twice
