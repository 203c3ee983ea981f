"""Idempotency keys: replay, mismatch, in flight, what is not stored, and the end after 24 hours."""

from __future__ import annotations

import threading

import pytest

from refund_worker.sandbox import AnswerLost, Fault, Sandbox
from tests.sandbox.shop import DAY, Shop, Wire


@pytest.fixture
def path(shop: Shop) -> str:
    return f"/v1/customers/{shop.customer()}/balance_transactions"


_DEBIT = {"amount": 100, "currency": "usd"}


def test_the_same_key_replays_the_same_answer(wire: Wire, shop: Shop, path: str) -> None:
    first = wire.send("POST", path, _DEBIT, key="k")
    second = wire.send("POST", path, _DEBIT, key="k")
    assert second[:2] == first[:2]
    assert (first[2].get("Idempotent-Replayed"), second[2]["Idempotent-Replayed"]) == (None, "true")
    assert second[2]["Original-Request"] == first[2]["Request-Id"] != second[2]["Request-Id"]
    assert len(shop.sandbox.get(path)["data"]) == 1


def test_the_order_of_parameters_does_not_matter(wire: Wire, shop: Shop, path: str) -> None:
    wire.send("POST", path, _DEBIT, key="k")
    assert wire.send("POST", path, dict(reversed(_DEBIT.items())), key="k")[2]["Idempotent-Replayed"] == "true"


def test_other_parameters_are_a_mismatch(wire: Wire, path: str) -> None:
    wire.send("POST", path, _DEBIT, key="k")
    status, body, _ = wire.send("POST", path, {**_DEBIT, "amount": 101}, key="k")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_after_24_hours_the_key_executes_again(wire: Wire, shop: Shop, path: str) -> None:
    wire.send("POST", path, _DEBIT, key="k")
    shop.sandbox.clock.advance(DAY - 1)
    wire.send("POST", path, _DEBIT, key="k")
    assert shop.sandbox.get(path)["data"][0]["ending_balance"] == 100
    shop.sandbox.clock.advance(1)
    wire.send("POST", path, _DEBIT, key="k")
    assert shop.sandbox.get(path)["data"][0]["ending_balance"] == 200


@pytest.mark.parametrize("executed", [True, False])
def test_a_stored_500_is_replayed(wire: Wire, shop: Shop, path: str, executed: bool) -> None:
    shop.sandbox.faults.add(Fault(kind="stored_500", method="POST", executed=executed))
    assert wire.send("POST", path, _DEBIT, key="k")[0] == 500
    assert wire.send("POST", path, _DEBIT, key="k")[0] == 500
    assert len(shop.sandbox.get(path)["data"]) == (1 if executed else 0)


def test_an_answer_that_was_lost_is_replayed(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="answer_lost", method="POST"))
    with pytest.raises(AnswerLost):
        wire.send("POST", path, _DEBIT, key="k")
    assert wire.send("POST", path, _DEBIT, key="k")[2]["Idempotent-Replayed"] == "true"
    assert len(shop.sandbox.get(path)["data"]) == 1


def test_refusals_found_by_executing_are_stored(wire: Wire, shop: Shop) -> None:
    charge = shop.sandbox.build.charge(shop.customer(), amount=500)["id"]
    shop.sandbox.control.next_refund(status="pending", then=("failed", 60))
    shop.sandbox.post("/v1/refunds", {"charge": charge})
    assert (
        wire.send("POST", "/v1/refunds", {"charge": charge}, key="k")[1]["error"]["code"] == "charge_already_refunded"
    )
    shop.sandbox.clock.advance(60)  # the charge could be refunded now, but the key remembers
    status, body, headers = wire.send("POST", "/v1/refunds", {"charge": charge}, key="k")
    assert (status, body["error"]["code"], headers["Idempotent-Replayed"]) == (400, "charge_already_refunded", "true")
    assert wire.send("POST", "/v1/refunds", {"charge": charge}, key="other")[0] == 200


def test_validation_failures_are_not_stored(wire: Wire, path: str) -> None:
    assert wire.send("POST", path, {"amount": "x", "currency": "usd"}, key="k")[0] == 400
    assert wire.send("POST", path, _DEBIT, key="k")[0] == 200


def test_a_validation_failure_while_executing_frees_the_key(wire: Wire) -> None:
    """The same refusal again, and no conflict with a request that has long ended."""
    for _ in range(2):
        status, body, headers = wire.send("POST", "/v1/refunds", {"amount": 5}, key="k")
        assert (status, body["error"]["type"]) == (400, "invalid_request_error")
        assert "Idempotent-Replayed" not in headers


@pytest.mark.parametrize("kind", ["http_500", "lock_timeout", "rate_limited", "refused"])
def test_what_was_not_executed_is_not_stored(wire: Wire, shop: Shop, path: str, kind: str) -> None:
    shop.sandbox.faults.add(Fault(kind=kind, method="POST"))  # type: ignore[arg-type]  # parametrized words
    assert wire.send("POST", path, _DEBIT, key="k")[0] >= 400
    status, _, headers = wire.send("POST", path, _DEBIT, key="k")
    assert (status, headers.get("Idempotent-Replayed")) == (200, None)


def test_a_refusal_can_be_stored(wire: Wire, shop: Shop, path: str) -> None:
    shop.sandbox.faults.add(Fault(kind="refused", method="POST", status=402, code="card_declined", stored=True))
    for _ in range(2):
        status, body, _ = wire.send("POST", path, _DEBIT, key="k")
        assert (status, body["error"]["code"]) == (402, "card_declined")


def test_a_key_in_flight_is_a_conflict(path: str, shop: Shop) -> None:
    """While the first request waits, the second with its key is refused with 409; afterwards it is replayed."""
    began, go_on = threading.Event(), threading.Event()

    def wait(_seconds: float) -> None:
        began.set()
        go_on.wait(5)

    slow = Sandbox(sleep=wait)
    slow.adopt(shop.sandbox.snapshot())
    slow.faults.add(Fault(kind="delay", method="POST", seconds=1))
    wire = Wire(slow)
    answers = []
    first = threading.Thread(target=lambda: answers.append(wire.send("POST", path, _DEBIT, key="k")))
    first.start()
    assert began.wait(5)
    status, body, _ = wire.send("POST", path, _DEBIT, key="k")
    go_on.set()
    first.join()
    assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answers[0][0] == 200
    assert wire.send("POST", path, _DEBIT, key="k")[1] == answers[0][1]


def test_a_key_of_256_characters_is_too_long(wire: Wire, path: str) -> None:
    assert wire.send("POST", path, _DEBIT, key="k" * 255)[0] == 200
    status, body, _ = wire.send("POST", path, _DEBIT, key="k" * 256)
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_reads_take_no_notice_of_keys(wire: Wire, shop: Shop, path: str) -> None:
    assert wire.send("GET", path, key="k")[1]["data"] == []
    shop.sandbox.post(path, _DEBIT)
    assert len(wire.send("GET", path, key="k")[1]["data"]) == 1


def test_a_key_can_be_forgotten_early(wire: Wire, shop: Shop, path: str) -> None:
    wire.send("POST", path, _DEBIT, key="k")
    shop.sandbox.idempotency.forget("k")
    wire.send("POST", path, _DEBIT, key="k")
    assert len(shop.sandbox.get(path)["data"]) == 2
