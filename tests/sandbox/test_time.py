"""The clock: renewals, drafts that finalise, snapshots, and the same seed giving the same world."""

from __future__ import annotations

import time

import pytest

from refund_worker.sandbox import Fault, Sandbox
from tests.sandbox.shop import DAY, Shop, Wire


def test_subscriptions_renew_for_years(shop: Shop) -> None:
    customer, subscription = shop.subscribed(1_000)
    shop.sandbox.clock.advance(150 * 31 * DAY)
    found = shop.sandbox.get("/v1/invoices", {"subscription": subscription["id"], "limit": 100})
    assert found["has_more"] is True
    assert len(shop.sandbox.world.store.ids("charge", "customer", customer)) == 153
    reasons = {invoice["billing_reason"] for invoice in found["data"]}
    assert reasons == {"subscription_cycle"}


def test_a_month_is_a_calendar_month(sandbox: Sandbox) -> None:
    """A subscription of 31 January renews on 28 February and 31 March."""
    sandbox.clock.advance(70 * DAY)  # 22 November 2026 + 70 days = 31 January 2027
    shop = Shop(sandbox)
    _, subscription = shop.subscribed(1_000)
    ends = []
    for _ in range(2):
        item = sandbox.get(f"/v1/subscriptions/{subscription['id']}")["items"]["data"][0]
        ends.append((item["current_period_end"] - item["current_period_start"]) // DAY)
        sandbox.clock.advance(item["current_period_end"] - sandbox.clock.now)
    assert ends == [28, 31]


def test_a_renewal_that_is_declined_is_past_due_until_it_is_paid(shop: Shop) -> None:
    customer, subscription = shop.subscribed(1_000)
    shop.sandbox.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", {"customer": customer})
    shop.sandbox.clock.advance(31 * DAY)
    path = f"/v1/subscriptions/{subscription['id']}"
    assert shop.sandbox.get(path)["status"] == "past_due"
    shop.sandbox.post(f"/v1/invoices/{shop.invoices(customer)[0]['id']}/pay", {"paid_out_of_band": True})
    assert shop.sandbox.get(path)["status"] == "active"


def test_renewals_can_be_left_out() -> None:
    shop = Shop(Sandbox(renewals=False))
    customer, _ = shop.subscribed(1_000)
    shop.sandbox.clock.advance(100 * DAY)
    assert len(shop.invoices(customer)) == 1


def test_a_subscription_ends_at_its_period_end_when_told_to(shop: Shop) -> None:
    customer, subscription = shop.subscribed(1_000)
    path = f"/v1/subscriptions/{subscription['id']}"
    shop.sandbox.post(path, {"cancel_at_period_end": True})
    shop.sandbox.clock.advance(31 * DAY)
    assert shop.sandbox.get(path)["status"] == "canceled"
    assert len(shop.invoices(customer)) == 1


def test_a_draft_that_advances_finalises_after_an_hour_and_uses_credit(shop: Shop) -> None:
    customer = shop.customer(balance=-700)
    shop.sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": 5_000, "currency": "usd"})
    draft = shop.sandbox.post(
        "/v1/invoices", {"customer": customer, "auto_advance": True, "pending_invoice_items_behavior": "include"}
    )
    shop.sandbox.clock.advance(3_599)
    assert (shop.invoices(customer)[0]["status"], shop.balance(customer)) == ("draft", -700)
    shop.sandbox.clock.advance(1)
    assert (shop.invoices(customer)[0]["status"], shop.balance(customer)) == ("paid", 0)
    assert shop.charges(customer)[0]["amount"] == 4_300
    assert draft["automatically_finalizes_at"] == draft["created"] + 3_600


def test_deleting_a_draft_deletes_its_items(shop: Shop) -> None:
    customer = shop.customer()
    shop.sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": 5_000, "currency": "usd"})
    draft = shop.sandbox.post("/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    gone = shop.sandbox.delete(f"/v1/invoices/{draft['id']}")
    assert gone == {"id": draft["id"], "object": "invoice", "deleted": True}
    assert shop.sandbox.get("/v1/invoiceitems", {"customer": customer})["data"] == []


def test_time_does_not_run_back(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="forward"):
        sandbox.clock.advance(-1)


def test_real_time_ticks_from_where_the_simulation_stopped(sandbox: Sandbox) -> None:
    sandbox.clock.advance(5)
    before = sandbox.clock.now
    sandbox.clock.tick()
    assert 0 <= sandbox.clock.now - before <= 5
    sandbox.clock.advance(3_600)
    assert sandbox.clock.now - before >= 3_600


def test_a_sandbox_can_live_in_real_time() -> None:
    """What is due happens with the next request, without anyone advancing the clock."""
    shop = Shop(Sandbox(clock="real"))
    assert abs(shop.sandbox.clock.now - time.time()) <= 2
    shop.sandbox.control.next_refund(status="pending", then=("failed", 0))
    charge = shop.sandbox.build.charge(shop.customer(), amount=500)["id"]
    refund = shop.sandbox.post("/v1/refunds", {"charge": charge})
    assert shop.sandbox.get(f"/v1/refunds/{refund['id']}")["status"] == "failed"


def test_a_snapshot_can_be_restored_many_times(shop: Shop) -> None:
    customer, subscription = shop.subscribed(6_000)
    shop.half_a_period(subscription)
    shop.sandbox.control.next_refund(status="pending", then=("failed", DAY))
    shop.sandbox.faults.add(Fault(kind="http_500", nth=2))
    Wire(shop.sandbox).send("POST", "/v1/customers", key="k")
    snapshot = shop.sandbox.snapshot()
    ends = []
    for _ in range(2):
        twin = Shop(Sandbox.restore(snapshot))
        twin.cancel(subscription)
        refund = twin.sandbox.post("/v1/refunds", {"charge": twin.charges(customer)[0]["id"]})
        twin.sandbox.clock.advance(2 * DAY)
        wire = Wire(twin.sandbox)
        statuses = [wire.send("GET", "/v1/customers")[0]]
        ends.append((twin.balance(customer), refund, twin.sandbox.get(f"/v1/refunds/{refund['id']}"), statuses))
    assert ends[0] == ends[1]
    assert ends[0][0] == -3_000
    assert ends[0][2]["status"] == "failed"
    assert ends[0][3] == [500]
    assert shop.balance(customer) == 0
    assert Wire(Sandbox.restore(snapshot)).send("POST", "/v1/customers", key="k")[2] is not None


def _life(seed: int) -> list[dict[str, object]]:
    shop = Shop(Sandbox(seed=seed))
    _, subscription = shop.subscribed(6_000)
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    events: list[dict[str, object]] = shop.sandbox.get("/v1/events", {"limit": 100})["data"]
    return events


def test_the_same_seed_gives_the_same_objects() -> None:
    assert _life(7) == _life(7)
    assert {event["id"] for event in _life(7)}.isdisjoint(event["id"] for event in _life(8))


def test_ids_never_repeat(sandbox: Sandbox) -> None:
    assert len({sandbox.world.ids.take("cus") for _ in range(20_000)}) == 20_000


def test_reading_does_not_shift_the_ids_of_objects() -> None:
    first, second = Sandbox(), Sandbox()
    Wire(second).send("GET", "/v1/customers")
    assert first.post("/v1/customers")["id"] == second.post("/v1/customers")["id"]


def test_events_tell_what_changed_and_are_kept_for_30_days(shop: Shop) -> None:
    customer, subscription = shop.subscribed(6_000)
    shop.half_a_period(subscription)
    shop.cancel(subscription)
    event = shop.sandbox.get("/v1/events", {"type": "customer.updated", "limit": 1})["data"][0]
    assert event["data"]["object"]["balance"] == -3_000
    assert event["data"]["previous_attributes"] == {"balance": 0}
    assert event["data"]["object"]["id"] == customer
    kinds = {"types": ["refund.failed", "customer.subscription.deleted"]}
    assert [row["type"] for row in shop.sandbox.get("/v1/events", kinds)["data"]] == ["customer.subscription.deleted"]
    assert len(shop.sandbox.get("/v1/events", {"type": "customer.*"})["data"]) == 4
    shop.sandbox.clock.advance(31 * DAY)
    assert shop.sandbox.get("/v1/events")["data"] == []


def test_an_event_names_the_request_that_caused_it(shop: Shop, wire: Wire) -> None:
    _, _, headers = wire.send("POST", "/v1/customers", key="k")
    event = shop.sandbox.get("/v1/events")["data"][0]
    assert event["request"] == {"id": headers["Request-Id"], "idempotency_key": "k"}
