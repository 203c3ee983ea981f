"""Faults of delivery: by chance with a seed, and on demand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from refund_worker.sandbox import DeliveryFaults, Sandbox, SandboxServer
from tests.sandbox.asking import asked
from tests.sandbox.receiver import Receiver, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refund_worker.sandbox.webhooks.delivering import Attempted
    from tests.sandbox.receiver import Arrived

_DAY = 86_400


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def secret(server: SandboxServer, receiver: Receiver) -> str:
    """The secret of an endpoint that hears all."""
    return str(server.sandbox.build.webhook_endpoint(receiver.url)["secret"])


def verdict(arrived: Arrived, secret: str, now: int) -> str:
    """What a receiver makes of a delivery that checks all that Stripe's documentation asks for."""
    try:
        event = stripe.Webhook.construct_event(
            arrived.body, arrived.headers.get("Stripe-Signature", ""), secret, tolerance=10**9
        )
    except UnicodeDecodeError:
        return "no text"
    except stripe.SignatureVerificationError:
        return "wrong signature"
    at = int(arrived.headers["Stripe-Signature"].partition(",")[0].removeprefix("t="))
    if abs(at - now) > 300:
        return "long ago" if at < now else "to come"
    return "too large" if len(arrived.body) > 256 * 1024 else str(event.id)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("forged", "wrong signature"),
        ("unsigned", "wrong signature"),
        ("old", "long ago"),
        ("future", "to come"),
        ("oversized", "too large"),
        ("truncated", "wrong signature"),
        ("not_utf8", "no text"),
        ("plain", ""),
    ],
)
def test_a_delivery_spoilt_on_demand(
    server: SandboxServer, receiver: Receiver, secret: str, how: str, expected: str
) -> None:
    sandbox = server.sandbox
    customer = sandbox.post("/v1/customers")["id"]
    until(lambda: len(receiver.arrived) == 1)
    event = sandbox.get("/v1/events")["data"][0]["id"]
    answered = asked(server, "POST", "webhooks/send", {"event": event, "how": how})
    assert (answered["event"], answered["how"], answered["status"]) == (event, how, 200)
    assert verdict(receiver.arrived[1], secret, sandbox.clock.now) == (expected or event)
    assert customer.encode() in receiver.arrived[1].body or how == "truncated"


def test_a_connection_that_ends_in_the_middle(sandbox: Sandbox, receiver: Receiver, secret: str) -> None:
    assert secret
    sandbox.post("/v1/customers")
    until(lambda: len(receiver.arrived) == 1)
    cut = sandbox.deliver(how="cut")
    whole, half = (len(arrived.body) for arrived in receiver.arrived)
    assert half == whole // 2
    assert int(receiver.arrived[1].headers["Content-Length"]) == whole
    assert cut.how == "cut"


@pytest.mark.parametrize("arguments", [{"how": "typo"}, {"event": "evt_none"}, {"endpoint": "we_none"}])
def test_what_cannot_be_sent_is_refused(sandbox: Sandbox, secret: str, arguments: dict[str, str]) -> None:
    assert secret
    sandbox.post("/v1/customers")
    with pytest.raises(ValueError, match=r"unknown kind|no event"):
        sandbox.deliver(**arguments)


def struck(receiver: Receiver, faults: DeliveryFaults, *, events: int = 40) -> tuple[Sandbox, list[Attempted]]:
    """A sandbox of its own through so many events; its log when all is delivered."""
    sandbox = Sandbox()
    with SandboxServer(sandbox):
        sandbox.build.webhook_endpoint(receiver.url)
        sandbox.courier.faults = faults
        for _ in range(events):
            sandbox.post("/v1/customers")
        until(lambda: sandbox.courier.waiting == 0)
    return sandbox, sandbox.courier.log()


def arrived_ids(receiver: Receiver) -> list[str]:
    return [json.loads(arrived.body)["id"] for arrived in receiver.arrived]


def test_lost_deliveries_are_in_the_events_alone(receiver: Receiver) -> None:
    sandbox, log = struck(receiver, DeliveryFaults(lost=0.5))
    lost = {entry.event for entry in log if entry.outcome == "lost"}
    assert 5 < len(lost) < 35
    kept = {event["id"] for event in sandbox.get("/v1/events", {"limit": 100})["data"]}
    assert len(kept) == 40
    assert set(arrived_ids(receiver)) == kept - lost


def test_doubled_deliveries(receiver: Receiver) -> None:
    _, log = struck(receiver, DeliveryFaults(doubled=0.5))
    doubled = {entry.event for entry in log if entry.how == "doubled"}
    arrived = arrived_ids(receiver)
    assert 5 < len(doubled) < 35
    assert {event for event in arrived if arrived.count(event) == 2} == doubled
    assert len(set(arrived)) == 40


def test_reordered_deliveries_all_arrive(receiver: Receiver) -> None:
    sandbox, _ = struck(receiver, DeliveryFaults(reordered=0.5, reorder_seconds=0.2))
    order = list(sandbox.world.store.ids("event"))
    arrived = arrived_ids(receiver)
    assert sorted(arrived) == sorted(order)
    assert arrived != order


def test_delayed_deliveries_come_later(receiver: Receiver) -> None:
    _, log = struck(receiver, DeliveryFaults(delayed=0.5, delay_seconds=0.6))
    began = min(entry.sent_at for entry in log)
    late = [entry for entry in log if entry.sent_at - began >= 0.55]
    assert 5 < len(late) < 35


def test_spoilt_deliveries_come_before_the_true_one(receiver: Receiver) -> None:
    receiver.answer = lambda arrived: 200 if verdict(arrived, secret, Sandbox().clock.now) in known else 400
    known: set[str] = set()
    secret = ""
    sandbox = Sandbox()
    with SandboxServer(sandbox):
        secret = str(sandbox.build.webhook_endpoint(receiver.url)["secret"])
        sandbox.courier.faults = DeliveryFaults(spoilt=1.0)
        for _ in range(30):
            with sandbox.lock:
                sandbox.post("/v1/customers")
                known.add(sandbox.world.store.ids("event")[-1])
        until(lambda: sandbox.courier.waiting == 0)
    log = sandbox.courier.log()
    plain = [entry for entry in log if entry.how == "plain"]
    assert {entry.event for entry in plain if entry.outcome == "accepted"} == known
    assert len(plain) == 30
    kinds = {entry.how for entry in log}
    assert len(kinds) > 5
    assert [entry for entry in log if entry.how != "plain" and entry.outcome == "accepted"] == []


def test_the_same_seed_gives_the_same_faults(receiver: Receiver) -> None:
    def lost(seed: int) -> list[str]:
        _, log = struck(receiver, DeliveryFaults(seed=seed, lost=0.3))
        return [entry.event for entry in log if entry.outcome == "lost"]

    assert lost(7) == lost(7) != lost(8)


@pytest.mark.parametrize("wrong", [{"lost": 1.1}, {"doubled": -0.1}, {"delay_seconds": -1}])
def test_shares_lie_between_none_and_all(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"share|negative"):
        DeliveryFaults(**wrong)


def test_controls_of_deliveries_over_http(
    sandbox: Sandbox, server: SandboxServer, receiver: Receiver, secret: str
) -> None:
    assert secret
    shown = asked(server, "POST", "webhooks/faults", {"doubled": 1.0, "seed": 3})
    assert (shown["faults"]["doubled"], shown["faults"]["seed"]) == (1.0, 3)
    sandbox.post("/v1/customers")
    until(lambda: len(receiver.arrived) == 2 and sandbox.courier.waiting == 0)
    assert asked(server, "GET", "webhooks")["attempts"] == {"accepted": 2}
    entry = asked(server, "GET", "webhooks/log")["deliveries"][0]
    assert (entry["status"], entry["type"], entry["attempt"]) == (200, "customer.created", 1)
    assert 0 < entry["latency_ms"] < 5_000
    assert asked(server, "DELETE", "webhooks/faults")["faults"]["doubled"] == 0.0
    assert asked(server, "DELETE", "webhooks/log") == {"deliveries": []}
    chosen = {"url": receiver.url, "secret": f"whsec_{sandbox.world.now}"}
    assert asked(server, "POST", "build/webhook_endpoint", chosen)["secret"] == chosen["secret"]


def test_what_falls_due_by_itself_is_delivered(sandbox: Sandbox, server: SandboxServer, receiver: Receiver) -> None:
    """Nobody asks the sandbox anything; the refund fails all the same when its time has come."""
    assert server.port
    customer = sandbox.post("/v1/customers")["id"]
    charge = sandbox.build.charge(customer, amount=500)["id"]
    sandbox.build.webhook_endpoint(receiver.url, enabled_events=["refund.failed"])
    sandbox.clock.tick()
    sandbox.control.next_refund(status="pending", then=("failed", 1))
    sandbox.post("/v1/refunds", {"charge": charge})
    until(lambda: len(receiver.arrived) == 1)
    assert json.loads(receiver.arrived[0].body)["data"]["object"]["failure_reason"] == "expired_or_canceled_card"
