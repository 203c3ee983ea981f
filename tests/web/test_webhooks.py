"""`POST /webhooks/stripe`: what is kept, what is dropped, what is refused."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refund_worker.adapters.stripe_gateway.webhooks import HEADER_MAX
from refund_worker.domain.facts import Account
from refund_worker.entrypoints.web.webhooks import BODY_MAX, BODY_WITHIN_S
from tests.web.asking import Answer
from tests.web.deliveries import MAIL, OTHER_SECRET, SECRET, body_of, digest, event, signature
from tests.web.ledgers import Web, bind, file_url, web

PATH = "/webhooks/stripe"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Web]:
    """The application on a ledger of its own."""
    with web(file_url(tmp_path)) as running:
        yield running


def deliver(shop: Web, told: object, **signed: Any) -> Answer:
    """Deliver what is told, rightly signed but for what is said otherwise."""
    body = told if isinstance(told, bytes) else body_of(told)
    return shop.asked.post(body, signature(body, **signed))


def test_a_signed_event_stands_in_the_inbox(shop: Web) -> None:
    """Received, answered 200, kept with its ids and without its payload."""
    answer = deliver(shop, event())
    assert (answer.status, answer.text, shop.received) == (200, "received", ["evt_1"])
    (kept,) = shop.rows
    assert (kept["type"], kept["customer"], kept["source"]) == ("customer.subscription.deleted", "cus_1", "webhook")
    assert MAIL not in str(kept)


def test_a_doubled_event_stands_once(shop: Web) -> None:
    """Stripe sends an event again until it is answered: the second one is answered 200 and adds nothing."""
    assert [deliver(shop, event(event_id)).status for event_id in ("evt_1", "evt_2", "evt_1")] == [200, 200, 200]
    assert shop.received == ["evt_1", "evt_2"]


@pytest.mark.parametrize(
    "told",
    [
        event(kind="charge.succeeded"),
        event(kind="some.type.of.next_year"),
        event(account="acct_of_somebody_else"),
        event(kind="customer.updated", data={"object": {"id": "cus_1"}, "previous_attributes": {"email": "a@b.c"}}),
    ],
    ids=["of_no_use", "unknown_type", "of_a_connected_account", "balance_stayed"],
)
def test_what_does_not_matter_is_answered_and_dropped(shop: Web, told: dict[str, Any]) -> None:
    """Stripe must not send it again, and nobody needs to look at it."""
    assert (deliver(shop, told).status, shop.received) == (200, [])


def headers_refused() -> dict[str, list[str]]:
    """Signature headers of one body, none of which counts."""
    body, now = body_of(event()), int(time.time())
    right = digest(body, at=now)
    return {
        "none": [],
        "empty": [""],
        "two_headers": [f"t={now},v1={right}", f"t={now},v1={right}"],
        "not_ascii": [f"t={now},v1={right}é"],
        "huge": [f"t={now},v1={right}," + "v0=" + "0" * HEADER_MAX],
        "many": [f"t={now},v1={right}" + ",v1=0" * 20],
        "no_time": [f"v1={right}"],
        "time_is_no_number": [f"t=soon,v1={right}"],
        "time_in_other_digits": [f"t=\u00b2,v1={right}"],
        "time_below_zero": [f"t=-{now},v1={right}"],
        "time_with_underscores": [f"t={now:_},v1={right}"],
        "two_times": [f"t={now},t={now - 1},v1={right}"],
        "other_scheme": [f"t={now},v0={right}"],
        "forged": [f"t={now},v1={'0' * 64}"],
        "other_secret": [signature(body, secret=OTHER_SECRET)],
        "too_old": [signature(body, age_s=301)],
        "from_the_future": [signature(body, age_s=-310)],
        "ten_years_ahead": [signature(body, age_s=-10 * 365 * 86_400)],
        "another_time_than_signed": [f"t={now - 1},v1={right}"],
        "no_pairs": ["=,=,,"],
    }


@pytest.mark.parametrize("fault", headers_refused())
def test_a_wrong_signature_is_refused(shop: Web, fault: str) -> None:
    """400, nothing kept, nothing told to the sender."""
    answer = shop.asked.post(body_of(event()), *headers_refused()[fault])
    assert (answer.status, answer.text, shop.received) == (400, "bad request", [])


@pytest.mark.parametrize("age_s", [295, -295])
def test_clocks_may_differ_by_five_minutes(shop: Web, age_s: int) -> None:
    """Stripe's tolerance, both ways."""
    assert (deliver(shop, event(), age_s=age_s).status, shop.received) == (200, ["evt_1"])


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[]",
        b"null",
        b'"event"',
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"object": "event", "created": ' + b"9" * 5_000 + b"}",
        b'{"object": "event", "created": NaN}',
        body_of([event()]),
        body_of(event() | {"object": "v2.core.event"}),
        body_of(event() | {"id": 7}),
        body_of(event() | {"id": "cus_1"}),
        body_of(event() | {"id": "evt_1\n2"}),
        body_of(event() | {"id": "evt_" + "1" * 300}),
        body_of(event() | {"type": None}),
        body_of(event() | {"type": "customer.updated\u0000"}),
        body_of(event() | {"created": "today"}),
        body_of(event() | {"created": True}),
        body_of(event() | {"created": -1}),
        body_of(event() | {"created": 10**12}),
        body_of(event() | {"livemode": "yes"}),
        body_of(event() | {"account": 5}),
        body_of(event() | {"data": []}),
        body_of(event() | {"data": {"object": {"customer": 5}}}),
        body_of(event() | {"data": {"object": {"customer": "cus_\u0000"}}}),
        b'{"data": {"object": {"customer": "\\ud800"}}, '
        + body_of({k: v for k, v in event().items() if k != "data"})[1:],
        body_of(event() | {"data": {"object": {"customer": "c" * 300}}}),
    ],
    ids=lambda told: repr(told[:24]),
)
def test_a_signed_body_that_is_no_event_is_refused(shop: Web, told: bytes) -> None:
    """Also what is rightly signed must be an event of sound types."""
    assert (deliver(shop, told).status, shop.received) == (400, [])


def test_too_large_is_refused_before_it_is_read(shop: Web) -> None:
    """By its length where it is given, without reading; else as soon as the limit is passed."""
    body = b" " * BODY_MAX + body_of(event())
    signed = (b"stripe-signature", signature(body).encode())
    length = (b"content-length", str(len(body)).encode())
    begun = time.monotonic()
    assert shop.asked.ask("POST", PATH, headers=[signed, length], chunks=[]).status == 400
    assert time.monotonic() - begun < BODY_WITHIN_S / 2
    chunks = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    assert shop.asked.ask("POST", PATH, headers=[signed], chunks=chunks).status == 400
    assert shop.asked.ask("POST", PATH, headers=[signed], chunks=[b" " * 65_536] * 5, breaks_off=True).status == 400
    for odd in (b"-1", b"1e3", b"", "²".encode("latin-1"), b"9" * 5_000):
        assert shop.asked.ask("POST", PATH, headers=[signed, (b"content-length", odd)], chunks=[body]).status == 400
    assert shop.received == []


def test_the_largest_body_is_read(shop: Web) -> None:
    """256 KB exactly, in chunks."""
    body = body_of(event())
    body = body + b" " * (BODY_MAX - len(body))
    signed = (b"stripe-signature", signature(body).encode())
    chunks = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
    assert shop.asked.ask("POST", PATH, headers=[signed], chunks=chunks).status == 200
    assert shop.received == ["evt_1"]


def test_a_body_that_is_cut_short_or_does_not_come(shop: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is waited for."""
    monkeypatch.setattr("refund_worker.entrypoints.web.webhooks.BODY_WITHIN_S", 0.05)
    body = body_of(event())
    signed = (b"stripe-signature", signature(body).encode())
    assert shop.asked.ask("POST", PATH, headers=[signed], chunks=[body[:50]], breaks_off=True).status == 400
    assert shop.asked.ask("POST", PATH, headers=[signed], chunks=[]).status == 400
    assert shop.received == []


def test_rotated_secrets(tmp_path: Path) -> None:
    """While a secret is rotated both count, and a header may hold signatures of both."""
    with web(file_url(tmp_path), webhook_secrets=(OTHER_SECRET, SECRET)) as shop:
        assert deliver(shop, event("evt_1")).status == 200
        assert deliver(shop, event("evt_2"), secret=OTHER_SECRET).status == 200
        body, now = body_of(event("evt_3")), int(time.time())
        unknown = "v1=" + "0" * 64
        assert shop.asked.post(body, f"t={now},{unknown},v1={digest(body, at=now)},v0=1").status == 200
        assert deliver(shop, event("evt_4"), secret=SECRET[:-1]).status == 400
        assert shop.received == ["evt_1", "evt_2", "evt_3"]


def test_without_a_secret_the_endpoint_is_closed(tmp_path: Path) -> None:
    """Whatever comes; an empty key signs nothing."""
    with web(file_url(tmp_path), webhook_secrets=()) as shop:
        assert deliver(shop, event(), secret="").status == 503
        assert shop.asked.post(b"").status == 503
        assert shop.received == []


@pytest.mark.parametrize("livemode", [False, True])
def test_the_keys_mode_counts(tmp_path: Path, *, livemode: bool) -> None:
    """An event of the other mode is refused, and told of in the log by its id."""
    with web(file_url(tmp_path), livemode=livemode) as shop, structlog.testing.capture_logs() as logged:
        assert deliver(shop, event("evt_1", livemode=livemode)).status == 200
        assert deliver(shop, event("evt_2", livemode=not livemode)).status == 400
        assert deliver(shop, event("evt_3", livemode=not livemode, account="acct_of_somebody_else")).status == 200
        assert shop.received == ["evt_1"]
    assert ["evt_2" in str(line) for line in logged if line["event"] == "webhook_refused"] == [True]


def test_without_a_key_the_ledgers_mode_counts(tmp_path: Path) -> None:
    """The web process needs no key of Stripe's: the ledger knows whose it is."""
    bind(file_url(tmp_path), Account(id="acct_1", livemode=True))
    with web(file_url(tmp_path)) as shop:
        assert deliver(shop, event("evt_1", livemode=True)).status == 200
        assert deliver(shop, event("evt_2", livemode=False)).status == 400
        assert shop.received == ["evt_1"]


def test_other_methods_and_paths(shop: Web) -> None:
    """405 with what is allowed; 404 for what is not there, near misses included."""
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"):
        answer = shop.asked.ask(method, PATH)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    for path in ("/", "/webhooks", f"{PATH}/", "/webhooks/stripe2", "/metrics/", "/docs", "/.env", "/%2e%2e/"):
        assert shop.asked.ask("POST", path).status == 404
        assert shop.asked.ask("GET", path).status == 404
    assert shop.asked.ask("POST", "/healthz").status == 405


def test_every_answer_has_the_headers(shop: Web) -> None:
    """Also the refusing ones; none names the program or its parts."""
    answers = [shop.asked.ask(*what) for what in (("GET", "/healthz"), ("POST", PATH), ("GET", "/no"), ("GET", PATH))]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_nothing_planted_is_answered_or_logged(shop: Web) -> None:
    """Secrets, payloads and addresses stay where they are; events are named by id."""
    said: list[object] = []
    with structlog.testing.capture_logs() as logged:
        said.append(deliver(shop, event()))
        said.append(deliver(shop, event(), secret=OTHER_SECRET))
        said.append(deliver(shop, event() | {"data": {"object": {"customer": MAIL + "\n"}}}))
    assert any(line.get("event_id") == "evt_1" for line in logged)
    text = json.dumps(logged, default=str) + str(said)
    assert [planted for planted in (SECRET, OTHER_SECRET, MAIL, "Planted7") if planted in text] == []


def test_a_flood_of_forgeries_is_one_line_a_second(shop: Web) -> None:
    """A log that anybody can fill is of no use."""
    with structlog.testing.capture_logs() as logged:
        for _ in range(50):
            deliver(shop, event(), secret=OTHER_SECRET)
    assert len([line for line in logged if line["event"] == "webhook_refused"]) <= 3


_WORDS = st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)


@given(
    body=st.binary(max_size=400),
    signed=st.lists(_WORDS | st.builds("t={},v1={}".format, st.integers(), _WORDS), max_size=3),
    others=st.lists(st.tuples(_WORDS, _WORDS), max_size=4),
    sign_it=st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_refused_in_order(
    shop: Web, body: bytes, signed: list[str], others: list[tuple[str, str]], *, sign_it: bool
) -> None:
    """Any bytes with any headers, also rightly signed: never an error of ours, never a row."""
    lines = [signature(body)] if sign_it else signed
    headers = [(b"stripe-signature", line.encode("latin-1")) for line in lines]
    headers += [(name.encode("latin-1"), content.encode("latin-1")) for name, content in others]
    assert shop.asked.ask("POST", PATH, headers=headers, chunks=[body]).status == 400
    assert shop.received == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    changed=st.dictionaries(st.sampled_from(sorted(event())), _JSON, min_size=1, max_size=3),
    kind=st.sampled_from(["customer.updated", "refund.updated", "charge.dispute.created", "invoice.paid"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_signed_json_is_an_error_of_ours(shop: Web, changed: dict[str, Any], kind: str) -> None:
    """An event with anything at any of its keys is kept, dropped or refused."""
    assert deliver(shop, event(kind=kind) | changed).status in {200, 400}
