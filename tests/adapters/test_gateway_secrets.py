"""Nothing secret or personal leaves the gateway: not in errors, not in their chains, not in logs, not on a terminal."""

import json
import logging
import traceback
import warnings
from collections.abc import Mapping

import pytest
import stripe
import structlog

from refund_worker.adapters.stripe_gateway.redaction import LENGTH_MAX, one_line
from refund_worker.domain.errors import StripeError
from tests.adapters.canned import Canned
from tests.adapters.gateways import Bench, freely, in_process, over_http
from tests.adapters.scripted_server import Reply, ScriptedServer, refusal
from tests.adapters.stripe_answers import CUSTOMER

KEY = "sk_test_planted4242secret"
MAIL = "planted.person+tag@example.com"
PLANTED = ("planted", "example.com")
TEXT = f"Key {KEY} of {MAIL}\nAuthorization: Bearer {KEY} whsec_planted rk_live_planted42 {MAIL.replace('@', '%40')}"
ANSWERS = [
    refusal(400, message=TEXT, param=MAIL, code="parameter_invalid"),
    refusal(400, kind="idempotency_error", message=TEXT),
    refusal(401, message=TEXT),
    refusal(403, message=f"{TEXT}. Having the 'rak_refund_write' permission would allow this request."),
    refusal(404, message=TEXT, code="resource_missing"),
    refusal(409, message=TEXT),
    refusal(429, message=TEXT),
    refusal(500, kind="api_error", message=TEXT),
    Reply(status=500, body=TEXT.encode()),
    Reply(status=404, body=f"<html>{TEXT}</html>".encode()),
    Reply(body=f'{{"id": "re_1", "email": "{MAIL}", "key": "{KEY}"'.encode()),
    Reply(body={"id": "re_1", "object": "refund", "receipt_email": MAIL, "metadata": {"key": KEY}, "amount": KEY}),
    Reply(body={"email": MAIL, "key": KEY}),
    Reply(body=f"{KEY}{MAIL}".encode(), announced=5_000),
    Reply(status=302, headers={"Location": f"http://127.0.0.1:9/{KEY}?{MAIL}"}),
]


def told(error: StripeError) -> str:
    """All that a log could show of an error."""
    return "\n".join(["".join(traceback.format_exception(error)), str(error), repr(error), repr(error.args)])


@pytest.mark.parametrize("answer", ANSWERS)
def test_nothing_planted_comes_out(
    answer: Reply, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A key and an address in any part of an answer, logs at their loudest: neither is told."""
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(answer) as server, structlog.testing.capture_logs() as logged:
        bench = over_http(server.base, key=KEY)
        errors = [failed_write(bench), failed_read(bench)]
        bench.api.close()
    for error in errors:
        assert error.__cause__ is None
        assert error.__context__ is None
        assert "\n" not in str(error)
    said = "\n".join([*map(told, errors), caplog.text, json.dumps(logged, default=str), *capfd.readouterr()])
    assert [word for word in PLANTED if word in said] == []


def failed_write(bench: Bench) -> StripeError:
    with pytest.raises(StripeError) as caught:
        bench.api.create_refund(charge="ch_1", amount_minor=5, metadata={"note": MAIL}, key="k", check=freely)
    return caught.value


def failed_read(bench: Bench) -> StripeError:
    with pytest.raises(StripeError) as caught:
        bench.api.customer("cus_1")
    return caught.value


def test_the_vendors_debug_switch_is_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """STRIPE_LOG=debug would print whole answers: it has no effect, nor has a root logger at debug."""
    monkeypatch.setattr("stripe._util.STRIPE_LOG", "debug")
    caplog.set_level(logging.DEBUG)
    in_process(Canned(CUSTOMER | {"email": MAIL}), key=KEY).api.customer("cus_1")
    assert [record for record in caplog.records if record.name.startswith("stripe")] == []
    assert "".join(capfd.readouterr()) == ""


def test_no_telemetry_is_sent() -> None:
    """Neither timings of earlier requests nor the platform leave with a request."""
    seen: list[dict[str, str]] = []

    class Listening(Canned):
        def request(
            self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object = None, **_: object
        ) -> tuple[str, int, Mapping[str, str]]:
            seen.append(dict(headers or {}))
            return super().request(method, url, headers, post_data)

    api = in_process(Listening(CUSTOMER, headers={"Request-Id": "req_1"})).api
    api.customer("cus_1")
    api.customer("cus_1")
    assert stripe.enable_telemetry is False
    assert all("X-Stripe-Client-Telemetry" not in headers for headers in seen)
    assert all("platform" not in json.loads(headers["X-Stripe-Client-User-Agent"]) for headers in seen)
    assert {headers["Stripe-Version"] for headers in seen} == {"2026-10-28.endive"}


def test_a_notice_is_logged_once_and_warns_nobody() -> None:
    """`Stripe-Notice` comes with every answer; as a Python warning it would end a strict program."""
    canned = Canned(CUSTOMER, headers={"Stripe-Notice": f"Ask {MAIL} about this version."})
    with warnings.catch_warnings(), structlog.testing.capture_logs() as logged:
        warnings.simplefilter("error")
        api = in_process(canned).api
        for _ in range(3):
            api.customer("cus_1")
    assert logged == [{"event": "stripe_notice", "text": "Ask [e-mail] about this version.", "log_level": "warning"}]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("No such customer: 'cus_1'", "No such customer: 'cus_1'"),
        ("Invalid API Key provided: sk_test_*****4242", "Invalid API Key provided: [key]"),
        ("a\n  b\tc", "a b c"),
        ("mail a.b@c.de, x%40y.org.", "mail [e-mail], [e-mail]"),
        ("Höhe <mü@beispiel.de>", "Höhe <[e-mail]>"),
        ("task_id and risk_level stay", "task_id and risk_level stay"),
        ("whsec_abc pk_live_1 rk_test_2", "[key] [key] [key]"),
    ],
)
def test_one_safe_line(text: str, safe: str) -> None:
    """Keys and addresses are replaced, everything else is kept."""
    assert one_line(text) == safe


def test_a_long_text_is_cut() -> None:
    """A message is a line of a table, not a page."""
    assert len(one_line("x " * 1_000)) == LENGTH_MAX
