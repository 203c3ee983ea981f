"""What each kind of answer means for a write: a definite no, nothing happened, or unknown; over real HTTP."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.adapters.stripe_gateway.errors import error_of
from refund_worker.adapters.stripe_gateway.transport import NO_HEAD
from refund_worker.domain.errors import (
    KeyParametersDiffer,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Retryable,
    StripeError,
    Unauthorized,
    UnreadableAnswer,
)
from tests.adapters.gateways import Bench, freely, over_http
from tests.adapters.in_process import dropped
from tests.adapters.scripted_server import Reply, ScriptedServer, Step, refusal

REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "charge": "ch_1",
    "created": 1795312800,
    "currency": "usd",
    "metadata": {"refund_worker_case": "c1"},
    "status": "succeeded",
}
MOVEMENT = {
    "id": "cbtxn_1",
    "object": "customer_balance_transaction",
    "amount": 500,
    "created": 1795312800,
    "currency": "usd",
    "customer": "cus_1",
    "ending_balance": 0,
    "livemode": False,
    "metadata": {},
    "type": "adjustment",
}
OTHER_PARAMETERS = "Keys for idempotent requests can only be used with the same parameters they were first used with."
NO_PERMISSION = (
    "The provided key 'rk_test_*****abcd' does not have the required permissions for this endpoint on account "
    "'acct_1'. Having the 'rak_refund_write' permission would allow this request to continue."
)


@contextmanager
def talking_to(*script: Step, read_timeout_s: float = 5.0) -> Iterator[tuple[ScriptedServer, Bench]]:
    """A scripted server and a gateway to it."""
    with ScriptedServer(*script) as server:
        bench = over_http(server.base, read_timeout_s=read_timeout_s)
        try:
            yield server, bench
        finally:
            bench.api.close()


def send_refund(api: StripeApi) -> None:
    api.create_refund(charge="ch_1", amount_minor=500, metadata={"refund_worker_case": "c1"}, key="k1", check=freely)


def refused(bench: Bench) -> StripeError:
    """The error that a refund ends with."""
    with pytest.raises(StripeError) as caught:
        send_refund(bench.api)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "family", "code"),
    [
        (refusal(400, message="Amount is more than remains.", param="amount"), Rejected, None),
        (refusal(400, code="charge_already_refunded", message="Refunded."), Rejected, "charge_already_refunded"),
        (refusal(400, kind="card_error", code="charge_disputed", message="No."), Rejected, "charge_disputed"),
        (refusal(402, kind="card_error", code="card_declined", message="No."), Rejected, "card_declined"),
        (refusal(404, code="resource_missing", message="No such charge"), NotFound, "resource_missing"),
        (refusal(404, message="Unrecognized request URL (POST: /v1/refunds)."), Rejected, None),
        (refusal(400, kind="idempotency_error", message=OTHER_PARAMETERS), KeyParametersDiffer, None),
        (refusal(401, message="Invalid API Key provided: sk_test_*****abcd"), Unauthorized, None),
        (refusal(403, message=NO_PERMISSION), Unauthorized, None),
        (refusal(409, code="idempotency_key_in_use", message="Busy."), Retryable, "idempotency_key_in_use"),
        (refusal(429, code="lock_timeout", message="Locked."), Retryable, "lock_timeout"),
        (refusal(429, code="rate_limit", message="Slow down."), Retryable, "rate_limit"),
        (refusal(429, message="Slow down."), Retryable, None),
        (refusal(400, code="rate_limit", message="Slow down."), Retryable, "rate_limit"),
        (refusal(409, message="Conflict."), OutcomeUnknown, None),
        (refusal(400, kind="api_error", message="Sorry."), OutcomeUnknown, None),
        (refusal(402, kind="api_error", message="Sorry."), OutcomeUnknown, None),
        (refusal(424, message="A partner failed."), OutcomeUnknown, None),
        (refusal(500, kind="api_error", message="Sorry."), OutcomeUnknown, None),
        (refusal(503, code="lock_timeout", message="Sorry."), OutcomeUnknown, "lock_timeout"),
        (Reply(status=502, body=b"<html>Bad gateway</html>"), OutcomeUnknown, None),
        (Reply(status=404, body=b"<html>Not found</html>"), UnreadableAnswer, None),
        (Reply(status=400, body={"error": "bad"}), UnreadableAnswer, None),
        (Reply(status=401, body={"message": "who are you"}), UnreadableAnswer, None),
        (Reply(status=401, body={"error": {"message": "who are you"}}), UnreadableAnswer, None),
        (Reply(status=403, body={"error": ["blocked"]}), UnreadableAnswer, None),
        (Reply(status=302, headers={"Location": "/v1/elsewhere"}, body=b""), UnreadableAnswer, None),
        (Reply(status=307, headers={"Location": "/v1/elsewhere"}, body={}), UnreadableAnswer, None),
        (Reply(body=b'{"id": "re_1", "object": "ref'), OutcomeUnknown, None),
        (Reply(body=b'{"id": "re_1"', announced=400), OutcomeUnknown, None),
        (Reply(body=b""), OutcomeUnknown, None),
        (Reply(body=b"\xff\xfe\x00"), OutcomeUnknown, None),
        (Reply(body=b"null"), OutcomeUnknown, None),
        (Reply(body=[REFUND]), OutcomeUnknown, None),
        (Reply(body="re_1"), OutcomeUnknown, None),
        (Reply(body=b"[" * 100_000), OutcomeUnknown, None),
        (Reply(body={"ok": True}), UnreadableAnswer, None),
        (Reply(body={"object": 7, "id": "re_1"}), UnreadableAnswer, None),
        ("reset", OutcomeUnknown, None),
        ("hang up", OutcomeUnknown, None),
    ],
)  # fmt: skip
def test_an_answer_to_a_refund_belongs_to_a_family(answer: Step, family: type[StripeError], code: str | None) -> None:
    """Every answer is a family of its own, and the refund was sent exactly once."""
    with talking_to(answer) as (server, bench):
        error = refused(bench)
        assert type(error) is family, error
        assert error.code == code
        assert len(server.requests) == 1
        assert bench.clock.slept == []


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 499},
        {"amount": True},
        {"amount": 500.0},
        {"charge": "ch_2"},
        {"charge": None},
        {"object": "charge"},
        {"id": None},
        {"currency": 5},
        {"metadata": []},
        {"metadata": {"a": 1}},
        {"created": "now"},
        {"livemode": True},
    ],
)
def test_a_refund_that_is_not_the_one_asked_for_is_unknown(changed: dict[str, object]) -> None:
    """A 200 about another charge, amount or mode, or with a key mistyped, says nothing of our refund."""
    answer = Reply(body=REFUND | changed, headers={"Request-Id": "req_7", "Idempotent-Replayed": "true"})
    with talking_to(answer) as (server, bench):
        error = refused(bench)
        assert isinstance(error, OutcomeUnknown)
        assert (error.request_id, error.replayed, error.http_status) == ("req_7", True, 200)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "changed", [{"amount": -500}, {"customer": "cus_2"}, {"currency": "eur"}, {"ending_balance": None}]
)
def test_a_movement_that_is_not_the_one_asked_for_is_unknown(changed: dict[str, object]) -> None:
    """The same for a movement: sign, customer, currency, and the balance it left."""
    with talking_to(Reply(body=MOVEMENT | changed)) as (_, bench), pytest.raises(OutcomeUnknown):
        bench.api.create_movement(
            customer="cus_1", amount_minor=500, currency="usd", description="d", metadata={}, key="k1", check=freely
        )


def test_silence_is_unknown() -> None:
    """No answer within the read timeout: it may have happened."""
    with talking_to("silence", read_timeout_s=0.2) as (server, bench):
        error = refused(bench)
        assert type(error) is OutcomeUnknown
        assert "timed out" in error.message
        assert len(server.requests) == 1


def test_a_refused_connection_is_retryable() -> None:
    """Nothing listens: nothing was sent."""
    with ScriptedServer(Reply()) as server:
        base = server.base
    bench = over_http(base)
    error = refused(bench)
    bench.api.close()
    assert type(error) is Retryable
    assert str(error) == f"cannot reach {base}: nothing accepts the connection"


def test_an_unknown_name_is_retryable() -> None:
    """DNS knows no such host: nothing was sent."""
    bench = over_http("https://stripe.invalid")
    error = refused(bench)
    bench.api.close()
    assert type(error) is Retryable
    assert str(error) == "cannot reach https://stripe.invalid: its name is unknown"


def test_a_failed_tls_handshake_is_retryable() -> None:
    """An address that does not speak TLS: the request was never sent."""
    with ScriptedServer(Reply(body=REFUND)) as server:
        bench = over_http(server.base.replace("http:", "https:"))
        error = refused(bench)
        bench.api.close()
        assert type(error) is Retryable
        assert "no TLS connection" in str(error)
        assert server.requests == []


def test_a_tls_error_after_the_handshake_is_unknown() -> None:
    """Only the handshake comes before sending; a TLS error without one in its trace is no proof."""
    broken = dropped("TLS")
    broken.__cause__ = ssl.SSLError(1, "decryption failed")
    error = error_of(broken, call="POST /v1/refunds", base="https://api.stripe.com", head=NO_HEAD)
    assert type(error) is OutcomeUnknown


def test_a_missing_permission_is_named() -> None:
    """The on-call must know which box to tick."""
    with talking_to(refusal(403, message=NO_PERMISSION)) as (_, bench):
        assert str(refused(bench)) == (
            "the key lacks the permission rak_refund_write, which POST /v1/refunds needs on account acct_1"
        )


def test_a_stored_refusal_is_told_from_a_fresh_one() -> None:
    """`Idempotent-Replayed` and the request id are kept on errors and on answers."""
    headers = {"Request-Id": "req_1", "Idempotent-Replayed": "true"}
    stored = refusal(500, kind="api_error", message="Sorry.", headers=headers)
    with talking_to(stored, Reply(status=500, body=b"oops", headers=headers), Reply(body=REFUND, headers=headers)) as (
        _,
        bench,
    ):
        for _attempt in range(2):
            error = refused(bench)
            assert (error.replayed, error.request_id, error.http_status) == (True, "req_1", 500)
        answer = bench.api.create_refund(
            charge="ch_1", amount_minor=500, metadata={"refund_worker_case": "c1"}, key="k1", check=freely
        )
        assert (answer.replayed, answer.request_id, answer.refund.id) == (True, "req_1", "re_1")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({"Stripe-Rate-Limited-Reason": "endpoint-rate"}, "endpoint-rate"), ({}, None)],
)
def test_the_limiter_learns_of_a_throttle(headers: dict[str, str], reason: str | None) -> None:
    """A 429 reaches the limiter with its reason; without the header it is a lock timeout."""
    with talking_to(refusal(429, code="rate_limit", message="Slow.", headers=headers)) as (_, bench):
        assert isinstance(refused(bench), Retryable)
        assert bench.limiter.calls == ["POST /v1/refunds"]
        assert bench.limiter.throttles == [("POST /v1/refunds", reason)]


def test_a_throttle_without_a_body_is_understood() -> None:
    """A 429 from Stripe's edge has the header but no envelope."""
    throttle = Reply(status=429, body=b"", headers={"Stripe-Rate-Limited-Reason": "global-rate"})
    with talking_to(throttle) as (_, bench):
        assert type(refused(bench)) is Retryable
        assert bench.limiter.throttles == [("POST /v1/refunds", "global-rate")]


def test_no_key_and_no_reason_reach_the_wire_but_ours() -> None:
    """A refund carries charge, amount, mark and idempotency key, nothing else."""
    with talking_to(Reply(body=REFUND)) as (server, bench):
        send_refund(bench.api)
        assert server.requests == ["POST /v1/refunds HTTP/1.1 charge=ch_1&amount=500&metadata[refund_worker_case]=c1"]


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_a_refund_of_nothing_is_not_sent(amount_minor: int) -> None:
    """Stripe reads a missing amount as 'all of it'; a mistake here must not come near that."""
    with talking_to(Reply(body=REFUND)) as (server, bench):
        with pytest.raises(ValueError, match="above zero"):
            bench.api.create_refund(charge="ch_1", amount_minor=amount_minor, metadata={}, key="k", check=freely)
        with pytest.raises(ValueError, match="zero"):
            bench.api.create_movement(
                customer="cus_1", amount_minor=0, currency="usd", description="d", metadata={}, key="k", check=freely
            )
        assert server.requests == []
