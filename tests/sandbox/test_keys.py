"""API keys, accounts, versions."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from refund_worker.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.sandbox.shop import Wire


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(
        account="acct_1Mine",
        keys={"sk_test_sandbox": None, "rk_test_reader": {"permissions": ["rak_customer_read", "charge_write"]}},
    )


def test_without_a_key(wire: Wire) -> None:
    status, body, _ = wire.send("GET", "/v1/customers", Authorization="")
    assert status == 401
    assert body["error"]["message"].startswith("You did not provide an API key.")


def test_an_unknown_key_is_shown_masked(wire: Wire) -> None:
    status, body, _ = wire.send("GET", "/v1/customers", Authorization="Bearer sk_test_1234567890")
    assert (status, body["error"]["message"]) == (401, "Invalid API Key provided: sk_test_******7890")


def test_basic_authentication(wire: Wire) -> None:
    credentials = base64.b64encode(b"sk_test_sandbox:").decode()
    assert wire.send("GET", "/v1/customers", Authorization=f"Basic {credentials}")[0] == 200
    assert wire.send("GET", "/v1/customers", Authorization="Basic ???")[0] == 401


def test_a_restricted_key_is_told_what_it_lacks(wire: Wire) -> None:
    reader = "Bearer rk_test_reader"
    assert wire.send("GET", "/v1/customers", Authorization=reader)[0] == 200
    assert wire.send("GET", "/v1/refunds", Authorization=reader)[0] == 200  # writing includes reading
    status, body, _ = wire.send("GET", "/v1/invoices", Authorization=reader)
    assert (status, body["error"]["message"]) == (
        403,
        (
            "The provided key 'rk_test_***' does not have the required permissions for this endpoint on account "
            "'acct_1Mine'. Having the 'rak_invoice_read' permission would allow this request to continue."
        ),
    )
    assert wire.send("POST", "/v1/customers", Authorization=reader)[0] == 403


def test_another_account_is_out_of_reach(wire: Wire) -> None:
    assert wire.send("GET", "/v1/customers", Stripe_Account="acct_1Mine")[0] == 200
    status, body, _ = wire.send("GET", "/v1/customers", Stripe_Account="acct_1Other")
    assert (status, body["error"]["code"]) == (403, "account_invalid")


def test_the_account_of_a_key(wire: Wire) -> None:
    assert wire.send("GET", "/v1/account")[1]["id"] == "acct_1Mine"


@pytest.mark.parametrize(("asked", "status"), [("2026-10-28.endive", 200), ("2024-06-20", 200), ("latest", 400)])
def test_versions(wire: Wire, asked: str, status: int) -> None:
    got, _, headers = wire.send("GET", "/v1/customers", Stripe_Version=asked)
    assert got == status
    if got == 200:
        assert headers["Stripe-Version"] == "2026-10-28.endive"


def test_live_mode_shows_in_objects() -> None:
    assert Sandbox(livemode=True).post("/v1/customers")["livemode"] is True
