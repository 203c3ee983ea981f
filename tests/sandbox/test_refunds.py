"""Refunds: what is refused, and how they turn out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shop import DAY, Shop, Wire


@pytest.fixture
def charge(shop: Shop) -> str:
    """A charge of 50.00."""
    customer = shop.customer()
    return str(shop.sandbox.build.charge(customer, amount=5_000)["id"])


def refund(shop: Shop, charge: str, **fields: Any) -> dict[str, Any]:
    return shop.sandbox.post("/v1/refunds", {"charge": charge, **fields})


def test_without_an_amount_the_rest_is_refunded(shop: Shop, charge: str) -> None:
    assert refund(shop, charge, amount=1_500)["status"] == "succeeded"
    assert refund(shop, charge)["amount"] == 3_500
    shown = shop.sandbox.get(f"/v1/charges/{charge}", {"expand": ["refunds"]})
    assert (shown["amount_refunded"], shown["refunded"]) == (5_000, True)
    assert [row["amount"] for row in shown["refunds"]["data"]] == [3_500, 1_500]


def test_more_than_remains_is_refused_without_a_code(shop: Shop, wire: Wire, charge: str) -> None:
    refund(shop, charge, amount=2_500)
    assert wire.error("POST", "/v1/refunds", {"charge": charge, "amount": 3_000}) == (
        400, None, "amount", "Refund amount ($30.00) is greater than unrefunded amount on charge ($25.00)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        ({}, 400, "charge_already_refunded"),
        ({"captured": 0}, 400, "charge_not_refundable"),
        ({"outcome": "fails"}, 400, "charge_not_refundable"),
        ({"outcome": "pending"}, 400, "charge_not_refundable"),
        ({"refundable": False}, 400, "charge_not_refundable"),
    ],
)
def test_what_cannot_be_refunded(shop: Shop, wire: Wire, make: dict[str, Any], status: int, code: str) -> None:
    made = shop.sandbox.build.charge(shop.customer(), amount=500, **make)["id"]
    if not make:
        refund(shop, made)
    assert wire.error("POST", "/v1/refunds", {"charge": made})[:2] == (status, code)


def test_a_disputed_charge_is_refused(shop: Shop, wire: Wire, charge: str) -> None:
    shop.sandbox.control.dispute(charge)
    assert shop.sandbox.get(f"/v1/charges/{charge}")["disputed"] is True
    assert wire.error("POST", "/v1/refunds", {"charge": charge})[:2] == (400, "charge_disputed")


@pytest.mark.parametrize(
    ("status", "refundable", "code"),
    [
        ("needs_response", None, "charge_disputed"),
        ("under_review", None, "charge_disputed"),
        ("lost", None, "charge_disputed"),
        ("lost", True, None),
        ("won", None, None),
        ("won", False, "refund_disputed_payment"),
        ("prevented", None, None),
        ("warning_needs_response", None, None),
        ("warning_under_review", None, None),
        ("warning_closed", None, None),
        ("warning_closed", False, "refund_disputed_payment"),
    ],
)
def test_what_a_dispute_leaves_to_be_refunded(
    shop: Shop, wire: Wire, charge: str, *, status: str, refundable: bool | None, code: str | None
) -> None:
    made = shop.sandbox.control.dispute(charge)["id"]
    shop.sandbox.control.turn_dispute(made, status, refundable=refundable)
    (shown,) = shop.sandbox.get("/v1/disputes", {"charge": charge})["data"]
    assert (shown["status"], shown["is_charge_refundable"]) == (status, code is None)
    assert shop.sandbox.get(f"/v1/charges/{charge}")["disputed"] is True
    if code is None:
        assert refund(shop, charge)["status"] == "succeeded"
    else:
        assert wire.error("POST", "/v1/refunds", {"charge": charge})[:2] == (400, code)


def test_one_dispute_of_several_is_enough(shop: Shop, wire: Wire, charge: str) -> None:
    shop.sandbox.control.dispute(charge, amount=100)
    shop.sandbox.control.dispute(charge, status="won", amount=200)
    assert wire.error("POST", "/v1/refunds", {"charge": charge})[:2] == (400, "charge_disputed")
    found = shop.sandbox.get("/v1/disputes", {"charge": charge})["data"]
    assert [row["amount"] for row in found] == [200, 100]


def test_a_dispute_knows_its_words_alone(shop: Shop, charge: str) -> None:
    with pytest.raises(ValueError, match="no status of a dispute"):
        shop.sandbox.control.dispute(charge, status="done")


def test_an_inquiry_still_takes_refunds(shop: Shop, charge: str) -> None:
    shop.sandbox.control.dispute(charge, status="warning_needs_response", refundable=True)
    assert refund(shop, charge)["amount"] == 5_000


def test_only_what_was_captured_can_be_refunded(shop: Shop) -> None:
    made = shop.sandbox.build.charge(shop.customer(), amount=5_000, captured=2_000)["id"]
    assert refund(shop, made)["amount"] == 2_000


def test_a_pending_refund_counts_until_it_fails(shop: Shop, charge: str) -> None:
    shop.sandbox.control.next_refund(charge, status="pending", then=("failed", 3 * DAY))
    made = refund(shop, charge, amount=1_000)
    assert (made["status"], made["pending_reason"]) == ("pending", "processing")
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 1_000
    shop.sandbox.clock.advance(3 * DAY)
    failed = shop.sandbox.get(f"/v1/refunds/{made['id']}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 0
    kinds = [event["type"] for event in shop.sandbox.get("/v1/events", {"limit": 3})["data"]]
    assert "refund.failed" in kinds


def test_a_pending_refund_that_succeeds(shop: Shop, charge: str) -> None:
    shop.sandbox.control.next_refund(status="pending", then=("succeeded", DAY))
    made = refund(shop, charge)
    shop.sandbox.clock.advance(DAY)
    assert shop.sandbox.get(f"/v1/refunds/{made['id']}")["status"] == "succeeded"
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 5_000


def test_only_refunds_that_wait_for_the_customer_can_be_cancelled(shop: Shop, wire: Wire, charge: str) -> None:
    sent = refund(shop, charge, amount=100)["id"]
    assert wire.error("POST", f"/v1/refunds/{sent}/cancel")[3] == "Canceling this refund is unsupported."
    shop.sandbox.control.next_refund(status="requires_action")
    waiting = refund(shop, charge, amount=200)["id"]
    assert shop.sandbox.post(f"/v1/refunds/{waiting}/cancel")["status"] == "canceled"
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 100


def test_a_refund_that_fails_at_once_gives_nothing(shop: Shop, charge: str) -> None:
    shop.sandbox.control.next_refund(charge, status="failed", reason="lost_or_stolen_card")
    made = refund(shop, charge)
    assert (made["status"], made["failure_reason"]) == ("failed", "lost_or_stolen_card")
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 0


def test_a_refund_that_failed_stays_failed(shop: Shop, charge: str) -> None:
    made = refund(shop, charge)["id"]
    shop.sandbox.control.turn_refund(made, "failed")
    shop.sandbox.control.turn_refund(made, "succeeded")
    assert shop.sandbox.get(f"/v1/refunds/{made}")["status"] == "failed"
    assert shop.sandbox.get(f"/v1/charges/{charge}")["amount_refunded"] == 0


def test_refunds_are_listed_by_charge_and_by_payment_intent(shop: Shop, charge: str) -> None:
    other = shop.sandbox.build.charge(shop.customer(), amount=900)["id"]
    mine, foreign = refund(shop, charge, amount=1)["id"], refund(shop, other)["id"]
    intent = shop.sandbox.get(f"/v1/charges/{charge}")["payment_intent"]
    for filters, expected in (
        ({"charge": charge}, [mine]),
        ({"payment_intent": intent}, [mine]),
        ({}, [foreign, mine]),
    ):
        assert [row["id"] for row in shop.sandbox.get("/v1/refunds", filters)["data"]] == expected


def test_refunding_moves_the_accounts_balance(shop: Shop, charge: str) -> None:
    before = shop.sandbox.get("/v1/balance")["available"][0]["amount"]
    refund(shop, charge, amount=1_000)
    assert shop.sandbox.get("/v1/balance")["available"][0]["amount"] == before - 1_000


def test_metadata_is_merged(shop: Shop, charge: str) -> None:
    made = refund(shop, charge, metadata={"a": "1", "b": "2"})["id"]
    assert shop.sandbox.post(f"/v1/refunds/{made}", {"metadata": {"b": "", "c": "3"}})["metadata"] == {
        "a": "1",
        "c": "3",
    }


def test_a_refund_that_waits_for_the_customer_moves_money_later(shop: Shop, charge: str) -> None:
    shop.sandbox.control.next_refund(status="requires_action")
    made = refund(shop, charge)
    assert (made["status"], made["balance_transaction"]) == ("requires_action", None)
    assert made["next_action"]["display_details"]["expires_at"] > shop.sandbox.clock.now
    before = shop.sandbox.get("/v1/balance")["available"][0]["amount"]
    shop.sandbox.control.turn_refund(made["id"], "pending")
    shop.sandbox.control.turn_refund(made["id"], "succeeded")
    done = shop.sandbox.get(f"/v1/refunds/{made['id']}")
    assert (done["status"], done.get("next_action"), done.get("pending_reason")) == ("succeeded", None, None)
    assert shop.sandbox.get("/v1/balance")["available"][0]["amount"] == before - 5_000
    assert shop.sandbox.get(f"/v1/balance_transactions/{done['balance_transaction']}")["amount"] == -5_000


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_succeeded_and_is_undone(shop: Shop, charge: str, status: str) -> None:
    before = shop.sandbox.get("/v1/balance")["available"][0]["amount"]
    made = refund(shop, charge)["id"]
    assert shop.sandbox.get(f"/v1/charges/{charge}")["refunded"] is True
    undone = shop.sandbox.control.turn_refund(made, status, reason="declined")
    assert undone.get("failure_reason") == ("declined" if status == "failed" else None)
    back = shop.sandbox.get(f"/v1/balance_transactions/{undone['failure_balance_transaction']}")
    assert (back["amount"], back["type"]) == (5_000, "refund_failure")
    assert shop.sandbox.get("/v1/balance")["available"][0]["amount"] == before
    shown = shop.sandbox.get(f"/v1/charges/{charge}")
    assert (shown["amount_refunded"], shown["refunded"]) == (0, False)


@pytest.mark.parametrize(
    ("card", "first", "last"),
    [("pm_card_refundFail", "succeeded", "failed"), ("pm_card_pendingRefund", "pending", "succeeded")],
)
def test_the_test_cards_of_refunds(shop: Shop, card: str, first: str, last: str) -> None:
    customer = shop.customer()
    shop.sandbox.post(f"/v1/payment_methods/{card}/attach", {"customer": customer})
    shop.subscribe(customer, shop.price(5_000))
    made = refund(shop, shop.charges(customer)[0]["id"])
    assert made["status"] == first
    shop.sandbox.clock.advance(60)
    assert shop.sandbox.get(f"/v1/refunds/{made['id']}")["status"] == last


def test_a_refund_knows_its_words_alone(shop: Shop, charge: str) -> None:
    made = refund(shop, charge)["id"]
    with pytest.raises(ValueError, match="no status of a refund"):
        shop.sandbox.control.turn_refund(made, "done")
