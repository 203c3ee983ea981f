"""The account's own money: unlimited unless a test limits it, and then refunds wait for it or fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from refund_worker.sandbox import Sandbox
from tests.sandbox.asking import asked

if TYPE_CHECKING:
    from refund_worker.sandbox import SandboxServer
    from tests.sandbox.shop import Shop

_DAY_S = 86_400


@pytest.fixture
def charges(shop: Shop) -> list[str]:
    """Two card charges of 50.00."""
    customer = shop.customer()
    return [str(shop.sandbox.build.charge(customer, amount=5_000)["id"]) for _ in range(2)]


def available(shop: Shop) -> dict[str, int]:
    return {row["currency"]: row["amount"] for row in shop.sandbox.get("/v1/balance")["available"]}


def refund(shop: Shop, charge: str, amount: int) -> dict[str, Any]:
    return shop.sandbox.post("/v1/refunds", {"charge": charge, "amount": amount})


def test_without_a_limit_there_is_money_for_every_refund(shop: Shop, charges: list[str]) -> None:
    before = available(shop)["usd"]
    assert [refund(shop, charge, 5_000)["status"] for charge in charges] == ["succeeded"] * 2
    assert available(shop)["usd"] == before - 10_000 > 0


def test_what_is_limited_is_shown_and_used_up(shop: Shop, charges: list[str]) -> None:
    shop.sandbox.control.funds("usd", available=6_000)
    shop.sandbox.control.funds("chf", available=-30)
    assert available(shop) == {"usd": 6_000, "chf": -30}
    assert "refund_and_dispute_prefunding" not in shop.sandbox.get("/v1/balance")
    assert refund(shop, charges[0], 5_000)["status"] == "succeeded"
    assert available(shop)["usd"] == 1_000
    shop.sandbox.build.charge(shop.customer(), amount=9_000)
    assert available(shop)["usd"] == 1_000


def test_prefunding_is_used_after_what_is_available(shop: Shop, charges: list[str]) -> None:
    shop.sandbox.control.funds("usd", available=1_000, prefunding=5_000)
    assert refund(shop, charges[0], 3_000)["status"] == "succeeded"
    shown = shop.sandbox.get("/v1/balance")
    assert available(shop)["usd"] == 0
    aside = shown["refund_and_dispute_prefunding"]["available"]
    assert aside == [{"amount": 3_000, "currency": "usd", "source_types": {"card": 3_000}}]
    assert refund(shop, charges[1], 3_001)["status"] == "pending"


def test_a_card_refund_waits_for_money(shop: Shop, charges: list[str]) -> None:
    shop.sandbox.control.funds("usd", available=1_999)
    first, second = (refund(shop, charge, 2_000) for charge in charges)
    assert (first["status"], first["pending_reason"], first["balance_transaction"]) == (
        "pending", "insufficient_funds", None,
    )  # fmt: skip
    assert shop.sandbox.get(f"/v1/charges/{charges[0]}")["amount_refunded"] == 2_000
    shop.sandbox.control.funds("usd", available=2_500)
    shown = [shop.sandbox.get(f"/v1/refunds/{made['id']}") for made in (first, second)]
    assert [made["status"] for made in shown] == ["succeeded", "pending"]
    assert (shown[0]["balance_transaction"] is not None, available(shop)["usd"]) == (True, 500)
    shop.sandbox.control.funds("usd", available=None)
    assert shop.sandbox.get(f"/v1/refunds/{second['id']}")["status"] == "succeeded"


def test_money_that_never_comes_fails_the_refund(shop: Shop, charges: list[str]) -> None:
    shop.sandbox.control.funds("usd", available=0)
    made = refund(shop, charges[0], 2_000)["id"]
    shop.sandbox.clock.advance(30 * _DAY_S)
    failed = shop.sandbox.get(f"/v1/refunds/{made}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "insufficient_funds")
    assert shop.sandbox.get(f"/v1/charges/{charges[0]}")["amount_refunded"] == 0
    assert available(shop)["usd"] == 0


def test_other_methods_fail_at_once(shop: Shop) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=5_000, method="sepa_debit")["id"]
    shop.sandbox.control.funds("usd", available=4_999)
    made = refund(shop, charge, 5_000)
    assert (made["status"], made["failure_reason"]) == ("failed", "insufficient_funds")
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 0
    assert available(shop)["usd"] == 4_999
    assert refund(shop, charge, 4_999)["status"] == "succeeded"


def test_a_failed_refund_gives_the_money_back(shop: Shop, charges: list[str]) -> None:
    shop.sandbox.control.funds("usd", available=5_000)
    made = refund(shop, charges[0], 5_000)["id"]
    shop.sandbox.control.turn_refund(made, "failed")
    assert available(shop)["usd"] == 5_000


def test_a_snapshot_keeps_the_limit(shop: Shop) -> None:
    shop.sandbox.control.funds("usd", available=7)
    twin = Sandbox.restore(shop.sandbox.snapshot())
    shop.sandbox.control.funds("usd", available=8)
    assert twin.get("/v1/balance")["available"][0]["amount"] == 7


def test_over_http(server: SandboxServer, shop: Shop) -> None:
    assert asked(server, "POST", "control/funds", {"currency": "eur", "available": 12}) is None
    assert available(shop)["eur"] == 12
