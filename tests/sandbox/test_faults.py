"""Faults: each kind, and which request it strikes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from refund_worker.sandbox import AnswerLost, Fault
from tests.sandbox.shop import KEY, Shop, Wire


@pytest.fixture
def path(shop: Shop) -> str:
    return f"/v1/customers/{shop.customer()}/balance_transactions"


_DEBIT = {"amount": 100, "currency": "usd"}


def count(shop: Shop, path: str) -> int:
    return len(shop.sandbox.get(path)["data"])


@pytest.mark.parametrize(("kind", "executed"), [("before_execution", False), ("answer_lost", True)])
def test_a_dropped_connection(wire: Wire, shop: Shop, path: str, kind: Any, executed: bool) -> None:
    shop.sandbox.faults.add(Fault(kind=kind, method="POST", path="/v1/customers/{customer}/balance_transactions"))
    with pytest.raises(AnswerLost):
        wire.send("POST", path, _DEBIT)
    assert count(shop, path) == executed
    assert wire.send("POST", path, _DEBIT)[0] == 200


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("http_500", (500, None, None)),
        ("lock_timeout", (429, "lock_timeout", None)),
        ("rate_limited", (429, "rate_limit", "endpoint-rate")),
        ("refused", (400, None, None)),
        ("unauthorized", (401, None, None)),
        ("forbidden", (403, None, None)),
    ],
)
def test_what_is_not_executed(wire: Wire, shop: Shop, path: str, kind: Any, expected: tuple[Any, ...]) -> None:
    shop.sandbox.faults.add(Fault(kind=kind, method="POST"))
    got, body, headers = wire.send("POST", path, _DEBIT)
    assert (got, body["error"].get("code"), headers.get("Stripe-Rate-Limited-Reason")) == expected
    assert ("Request-Id" in headers) == (kind != "lock_timeout")
    assert count(shop, path) == 0


@pytest.mark.parametrize("kind", ["cut_body", "malformed_body"])
def test_a_spoiled_body_was_executed(shop: Shop, path: str, kind: Any) -> None:
    shop.sandbox.faults.add(Fault(kind=kind))
    answer = shop.sandbox.dispatch(
        method="POST", target=path, headers={"Authorization": f"Bearer {KEY}"}, body=b"amount=100&currency=usd"
    )
    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)
    assert count(shop, path) == 1


def test_the_permission_that_is_lacking_is_named(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="forbidden", method="POST"))
    assert "'rak_customer_write'" in wire.error("POST", path, _DEBIT)[3]


@pytest.fixture
def item(shop: Shop) -> str:
    """The address of a pending invoice item."""
    asked = {"customer": shop.customer(), "amount": -100, "currency": "usd"}
    return f"/v1/invoiceitems/{shop.sandbox.post('/v1/invoiceitems', asked)['id']}"


def deletions(shop: Shop) -> list[int]:
    """The statuses of all deletions, 0 for an answer that was lost."""
    return [entry.status for entry in shop.sandbox.request_log if entry.method == "DELETE"]


def is_there(shop: Shop) -> bool:
    return bool(shop.sandbox.get("/v1/invoiceitems", {"pending": True})["data"])


@pytest.mark.parametrize(
    ("fault", "status", "deleted"),
    [
        ({"kind": "http_500"}, 500, False),
        ({"kind": "stored_500"}, 500, False),
        ({"kind": "stored_500", "executed": True}, 500, True),
        ({"kind": "lock_timeout"}, 429, False),
        ({"kind": "rate_limited"}, 429, False),
        ({"kind": "unauthorized"}, 401, False),
        ({"kind": "forbidden"}, 403, False),
        ({"kind": "refused", "status": 409, "code": "lock_timeout"}, 409, False),
        ({"kind": "delay", "seconds": 0.001}, 200, True),
    ],
)
def test_a_deletion_that_goes_wrong(
    wire: Wire, shop: Shop, item: str, *, fault: dict[str, Any], status: int, deleted: bool
) -> None:
    """A deletion has no key: nothing is stored, and sent again it says that the item is gone, or deletes it."""
    shop.sandbox.faults.add(Fault(method="DELETE", path="/v1/invoiceitems/{invoiceitem}", **fault))
    got, body, _ = wire.send("DELETE", item, key="k")
    assert (got, is_there(shop)) == (status, not deleted)
    if status == 403:
        assert "'rak_invoice_write'" in body["error"]["message"]
    again = wire.send("DELETE", item, key="k")[0]
    assert again == (404 if deleted else 200)
    assert deletions(shop) == [status, again]
    assert not is_there(shop)


@pytest.mark.parametrize(("kind", "deleted"), [("before_execution", False), ("answer_lost", True)])
def test_a_deletion_whose_answer_is_lost(wire: Wire, shop: Shop, item: str, kind: Any, deleted: bool) -> None:
    shop.sandbox.faults.add(Fault(kind=kind, method="DELETE", path=item))
    with pytest.raises(AnswerLost):
        wire.send("DELETE", item)
    assert (is_there(shop), deletions(shop)) == (not deleted, [0])


def test_the_nth_request_and_so_many_times(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="http_500", path=path, nth=2, times=2))
    assert [wire.send("GET", path)[0] for _ in range(5)] == [200, 500, 500, 200, 200]
    assert shop.sandbox.faults.armed() == ()


def test_always(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="http_500", path=path, times=0))
    assert [wire.send("GET", path)[0] for _ in range(3)] == [500, 500, 500]
    shop.sandbox.faults.clear()
    assert wire.send("GET", path)[0] == 200


def test_a_replay_counts_and_can_be_lost_again(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="answer_lost", method="POST", times=2))
    for _ in range(2):
        with pytest.raises(AnswerLost):
            wire.send("POST", path, _DEBIT, key="k")
    assert wire.send("POST", path, _DEBIT, key="k")[0] == 200
    assert count(shop, path) == 1


def test_a_fault_can_look_at_parameters_and_keys(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="http_500", params={"amount": "7"}))
    shop.sandbox.faults.add(Fault(kind="http_500", key="reserve"))
    assert wire.send("POST", path, _DEBIT, key="give_back:1")[0] == 200
    assert wire.send("POST", path, {**_DEBIT, "amount": 7})[0] == 500
    assert wire.send("POST", path, _DEBIT, key="reserve:1")[0] == 500


def test_convenience_calls_are_spared(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="http_500"))
    shop.sandbox.post(path, _DEBIT)
    assert wire.send("GET", path)[0] == 500


@pytest.mark.parametrize("wrong", [{"kind": "typo"}, {"kind": "delay", "nth": 0}, {"kind": "delay", "times": -1}])
def test_a_fault_that_could_not_strike_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|nth"):
        Fault(**wrong)
