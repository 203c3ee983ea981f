"""A shop to test with: prices, customers and subscriptions in a sandbox, a line each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from refund_worker.sandbox.forms import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox import Sandbox

KEY = "sk_test_sandbox"
DAY = 86_400


class Shop:
    """Acts on a sandbox the way a merchant's code would."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def price(self, amount: int, *, currency: str = "usd", interval: str = "month") -> str:
        made = self.sandbox.post(
            "/v1/prices",
            {
                "currency": currency,
                "unit_amount": amount,
                "recurring": {"interval": interval},
                "product_data": {"name": f"Plan {amount}"},
            },
        )
        return str(made["id"])

    def customer(self, **fields: Any) -> str:
        return str(self.sandbox.post("/v1/customers", {"email": "ada@example.com", **fields})["id"])

    def subscribe(self, customer: str, *prices: str, **fields: Any) -> dict[str, Any]:
        items = [{"price": price} for price in prices]
        return self.sandbox.post("/v1/subscriptions", {"customer": customer, "items": items, **fields})

    def subscribed(self, amount: int, **fields: Any) -> tuple[str, dict[str, Any]]:
        """A new customer with one subscription, its first period paid."""
        customer = self.customer()
        return customer, self.subscribe(customer, self.price(amount), **fields)

    def half_a_period(self, subscription: Mapping[str, Any]) -> None:
        item = subscription["items"]["data"][0]
        half = (item["current_period_end"] - item["current_period_start"]) // 2
        self.sandbox.clock.advance(item["current_period_start"] + half - self.sandbox.clock.now)

    def change(self, subscription: Mapping[str, Any], price: str, **fields: Any) -> dict[str, Any]:
        item = {"id": subscription["items"]["data"][0]["id"], "price": price}
        behavior = {"proration_behavior": "always_invoice", **fields}
        return self.sandbox.post(f"/v1/subscriptions/{subscription['id']}", {"items": [item], **behavior})

    def cancel(self, subscription: Mapping[str, Any]) -> dict[str, Any]:
        return self.sandbox.delete(f"/v1/subscriptions/{subscription['id']}", {"prorate": True, "invoice_now": True})

    def balance(self, customer: str) -> int:
        return int(self.sandbox.get(f"/v1/customers/{customer}")["balance"])

    def movements(self, customer: str) -> list[tuple[str, int, int]]:
        """(type, amount, ending balance), newest first."""
        rows = self.sandbox.get(f"/v1/customers/{customer}/balance_transactions", {"limit": 100})["data"]
        return [(row["type"], row["amount"], row["ending_balance"]) for row in rows]

    def invoices(self, customer: str, **filters: Any) -> list[dict[str, Any]]:
        found = self.sandbox.get("/v1/invoices", {"customer": customer, "limit": 100, **filters})["data"]
        assert isinstance(found, list)
        return found

    def charges(self, customer: str) -> list[dict[str, Any]]:
        found = self.sandbox.get("/v1/charges", {"customer": customer, "limit": 100})["data"]
        assert isinstance(found, list)
        return found


class Wire:
    """Requests as a client sends them, without a socket."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def send(
        self,
        method: str,
        target: str,
        params: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """(status, JSON, headers)."""
        sent = {"Authorization": f"Bearer {KEY}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Idempotency-Key"] = key
        form = encode(params or {})
        if method != "POST" and form:
            target = f"{target}?{form}"
        body = form.encode() if method == "POST" else b""
        answer = self.sandbox.dispatch(method=method, target=target, headers=sent, body=body)
        return answer.status, json.loads(answer.body), answer.headers

    def error(self, method: str, target: str, params: Mapping[str, Any] | None = None) -> tuple[int, Any, Any, str]:
        """(status, code, param, message) of a refusal."""
        status, body, _ = self.send(method, target, params)
        error = body["error"]
        return status, error.get("code"), error.get("param"), error["message"]
