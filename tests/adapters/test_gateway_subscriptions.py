"""Subscriptions, disputes and the funds, over HTTP and from answers the sandbox never gives."""

from collections.abc import Iterator
from typing import Any

import pytest

from refund_worker.domain.errors import NotFound, UnreadableAnswer
from refund_worker.sandbox import Sandbox
from tests.adapters.canned import Canned, page
from tests.adapters.gateways import Bench, in_process, served
from tests.adapters.sandbox_customers import customer_of, downgraded
from tests.adapters.stripe_answers import BALANCE, SUBSCRIPTION

ON_TOP = {"id": "txr_2", "object": "tax_rate", "inclusive": False}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def bench(sandbox: Sandbox) -> Iterator[Bench]:
    """A gateway that speaks HTTP to the sandbox."""
    with served(sandbox) as found:
        yield found


def test_ended_subscriptions_are_listed_too(sandbox: Sandbox, bench: Bench) -> None:
    """Without `status=all` Stripe leaves out what was cancelled; those of others are not among them."""
    customer, ended = downgraded(sandbox)
    downgraded(sandbox)
    price = sandbox.get(f"/v1/subscriptions/{ended}")["items"]["data"][0]["price"]["id"]
    sandbox.delete(f"/v1/subscriptions/{ended}")
    active = sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": price}]})["id"]
    found = {one.id: (one.customer, one.status, one.ended) for one in bench.api.subscriptions(customer)}
    assert found == {ended: (customer, "canceled", True), active: (customer, "active", False)}
    assert bench.api.subscription(ended).ended
    assert bench.api.subscriptions(customer_of(sandbox)) == ()
    with pytest.raises(NotFound):
        bench.api.subscription("sub_nobody")
    assert bench.limiter.calls[0] == "GET /v1/subscriptions"
    assert bench.limiter.calls[-1] == "GET /v1/subscriptions/{}"


def _taxed(**changes: Any) -> bool:
    return in_process(Canned(SUBSCRIPTION | changes)).api.subscription("sub_1").exclusive_tax


def test_tax_on_top_is_seen_wherever_it_is_set() -> None:
    """Rates of the subscription, rates of one of its items, Stripe's own calculation; not rates that are included."""
    assert not _taxed()
    assert _taxed(default_tax_rates=[*SUBSCRIPTION["default_tax_rates"], ON_TOP])
    assert _taxed(automatic_tax={"enabled": True})
    plain = {"id": "si_1", "object": "subscription_item", "tax_rates": SUBSCRIPTION["default_tax_rates"]}
    assert not _taxed(items=page(plain))
    assert _taxed(items=page(plain, {"id": "si_2", "object": "subscription_item", "tax_rates": [ON_TOP]}))


def test_all_items_of_a_subscription_are_looked_at() -> None:
    """The first ones come with it, the rest has pages of its own."""
    plain = {"id": "si_1", "object": "subscription_item", "tax_rates": None}
    rest = page(plain, {"id": "si_11", "object": "subscription_item", "tax_rates": [ON_TOP]})
    canned = Canned(SUBSCRIPTION | {"items": page(plain, more=True)}, rest)
    assert in_process(canned).api.subscription("sub_1").exclusive_tax
    assert canned.asked[1].startswith("GET /v1/subscription_items?")
    assert "subscription=sub_1" in canned.asked[1]


def test_disputes_of_a_charge_and_of_no_other(sandbox: Sandbox, bench: Bench) -> None:
    """Newest first, with Stripe's own word whether the charge can still be refunded."""
    customer = customer_of(sandbox)
    charge, other, calm = (str(sandbox.build.charge(customer, amount=900)["id"]) for _ in range(3))
    inquiry = sandbox.control.dispute(charge, status="warning_needs_response", amount=400)["id"]
    sandbox.control.dispute(other)
    sandbox.clock.advance(60)
    sandbox.control.turn_dispute(inquiry, "warning_closed")
    lost = sandbox.control.dispute(charge)["id"]
    sandbox.control.turn_dispute(lost, "lost")
    found = [(one.id, one.charge, one.amount_minor, one.status) for one in bench.api.disputes(charge)]
    assert found == [(lost, charge, 900, "lost"), (inquiry, charge, 400, "warning_closed")]
    for one in bench.api.disputes(charge):
        assert one.refundable is sandbox.get(f"/v1/disputes/{one.id}")["is_charge_refundable"]
    assert {one.refundable for one in bench.api.disputes(charge)} == {True, False}
    assert bench.api.disputes(calm) == ()
    assert set(bench.limiter.calls) == {"GET /v1/disputes"}


def test_the_funds_are_what_is_available_and_what_is_set_aside(sandbox: Sandbox, bench: Bench) -> None:
    """Per currency, minor units; what is pending cannot be refunded from."""
    sandbox.build.charge(customer_of(sandbox), amount=900)
    sandbox.control.funds("usd", available=-250)
    sandbox.control.funds("eur", available=300, prefunding=1_000)
    assert dict(bench.api.available()) == {"usd": -250, "eur": 1_300}
    assert bench.limiter.calls == ["GET /v1/balance"]


def test_a_currency_that_is_listed_twice_counts_once_with_its_sum() -> None:
    """And one that is only set aside counts too."""
    aside = {"available": [{"amount": 5, "currency": "usd"}, {"amount": 7, "currency": "cad"}], "pending": []}
    rows = [*BALANCE["available"], {"amount": -1, "currency": "usd"}]
    canned = Canned(BALANCE | {"available": rows, "refund_and_dispute_prefunding": aside})
    assert in_process(canned).api.available() == {"usd": 704, "cad": 7}


@pytest.mark.parametrize(
    "changes",
    [
        {"available": None},
        {"available": 700},
        {"available": [{"amount": "700", "currency": "usd"}]},
        {"available": [{"amount": 700}]},
        {"refund_and_dispute_prefunding": []},
        {"livemode": True},
        {"object": "account"},
    ],
)
def test_funds_that_are_not_told_are_not_guessed(changes: dict[str, object]) -> None:
    """Nothing is available for certain only where Stripe says so."""
    with pytest.raises(UnreadableAnswer):
        in_process(Canned(BALANCE | changes)).api.available()
