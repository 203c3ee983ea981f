"""The key and the address are checked before anything is sent; the connection serves many threads."""

import gzip
import json
import threading
import time

import pytest
import requests
import stripe

from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.rate_limiter import RateLimiter
from refund_worker.adapters.stripe_gateway import StripeApi, transport
from refund_worker.adapters.stripe_gateway.transport import Session
from refund_worker.domain.errors import OutcomeUnknown, Rejected, Retryable, StripeError
from refund_worker.sandbox import Fault, RateLimits, Sandbox, SandboxServer
from tests.adapters.gateways import KEY, ListeningLimiter, PatientClock, freely, over_http
from tests.adapters.scripted_server import Reply, ScriptedServer
from tests.adapters.stripe_answers import CUSTOMER


def opened(*, key: str = KEY, base: str | None = None) -> StripeApi:
    return StripeApi(api_key=key, api_base=base, limiter=ListeningLimiter(), clock=PatientClock())


@pytest.mark.parametrize(
    "key",
    ["", "sk_test_", "pk_test_abc", "whsec_abc", "sk_abc", "sk_prod_abc", "sk_test_abc\n", " sk_test_abc", "sk_test_ä"],
)
def test_a_malformed_key_is_refused_and_not_shown(key: str) -> None:
    """One line that says what a key looks like."""
    with pytest.raises(ValueError, match="secret or restricted") as caught:
        opened(key=key)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "base",
    [
        "api.stripe.com",
        "ftp://api.stripe.com",
        "https://",
        "https://user:pass@api.stripe.com",
        "https://api.stripe.com?x=1",
        "https://api.stripe.com#x",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "https://api.stripe.com /",
        "https://[::1",
    ],
)
def test_a_malformed_address_is_refused(base: str) -> None:
    """One line that says what an address looks like."""
    with pytest.raises(ValueError, match="must look like https://"):
        opened(base=base)


def test_a_live_key_is_not_sent_in_the_clear() -> None:
    """Plain http is for this machine, where the sandbox is."""
    with pytest.raises(ValueError, match="https only"):
        opened(key="sk_live_abc", base="http://stripe.internal:8420")
    for base in ("http://127.0.0.1:8420", "http://localhost:8420", "http://[::1]:8420", "https://stripe.internal"):
        opened(key="sk_live_abc", base=base).close()
    opened(key="sk_test_abc", base="http://sandbox:8420").close()


def test_a_slash_at_the_end_of_the_address_is_dropped() -> None:
    """The vendor's client would ask for //v1/customers."""
    with ScriptedServer(Reply(body=CUSTOMER)) as server:
        bench = over_http(server.base + "/")
        bench.api.customer("cus_1")
        bench.api.close()
        assert server.requests == ["GET /v1/customers/cus_1?expand%5B0%5D=invoice_credit_balance HTTP/1.1"]


def test_a_redirect_is_not_followed() -> None:
    """Neither the key nor a refund goes where an answer points to."""
    with ScriptedServer(Reply(body=CUSTOMER)) as stranger:
        redirect = Reply(status=307, headers={"Location": f"{stranger.base}/v1/customers/cus_1"})
        with ScriptedServer(redirect) as server:
            bench = over_http(server.base)
            with pytest.raises(StripeError, match="does not answer like Stripe's API"):
                bench.api.customer("cus_1")
            bench.api.close()
        assert stranger.requests == []


def test_proxies_are_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo runs where HTTPS_PROXY is set: its sandbox is reached directly, Stripe through the proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for base, proxied in (("http://127.0.0.1:8420", False), ("https://api.stripe.com", True)):
        with Session(base) as session:
            assert bool(session.proxies) is proxied


def test_a_netrc_does_not_replace_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A netrc entry for the host would silently become the Authorization header."""
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Session("http://127.0.0.1:8420") as session:
        request = requests.Request("GET", "http://127.0.0.1:8420/v1", headers={"Authorization": "Bearer mine"})
        assert session.prepare_request(request).headers["Authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("fault", "family", "refunded"),
    [
        (Fault(kind="before_execution"), OutcomeUnknown, 0),
        (Fault(kind="answer_lost"), OutcomeUnknown, 50),
        (Fault(kind="stored_500", executed=True), OutcomeUnknown, 50),
        (Fault(kind="stored_500", executed=False), OutcomeUnknown, 0),
        (Fault(kind="http_500"), OutcomeUnknown, 0),
        (Fault(kind="cut_body"), OutcomeUnknown, 50),
        (Fault(kind="malformed_body"), OutcomeUnknown, 50),
        (Fault(kind="lock_timeout"), Retryable, 0),
        (Fault(kind="rate_limited"), Retryable, 0),
        (Fault(kind="refused", status=402, code="card_declined"), Rejected, 0),
    ],
)
def test_a_fault_on_the_way_is_told_apart_and_never_repeated(
    fault: Fault, family: type[StripeError], refunded: int
) -> None:
    """Whatever happens to the answer of a refund over HTTP: one request, and at most one refund."""
    sandbox = Sandbox()
    customer = str(sandbox.post("/v1/customers")["id"])
    charge = str(sandbox.build.charge(customer, amount=100)["id"])
    sandbox.faults.add(fault)
    with SandboxServer(sandbox) as server:
        bench = over_http(server.base_url)
        with pytest.raises(family):
            bench.api.create_refund(charge=charge, amount_minor=50, metadata={}, key="k1", check=freely)
        assert bench.limiter.calls == ["POST /v1/refunds"]
        assert bench.api.charge(charge).refunded_minor == refunded
        bench.api.close()


def test_the_same_key_sent_again_is_a_replay() -> None:
    """After a lost answer the same key and parameters bring the same refund, marked as replayed; others are refused."""
    sandbox = Sandbox()
    customer = str(sandbox.post("/v1/customers")["id"])
    charge = str(sandbox.build.charge(customer, amount=100)["id"])
    sandbox.faults.add(Fault(kind="answer_lost", path="/v1/refunds"))
    with SandboxServer(sandbox) as server:
        api = over_http(server.base_url).api
        with pytest.raises(OutcomeUnknown):
            api.create_refund(charge=charge, amount_minor=50, metadata={"case": "c"}, key="k1", check=freely)
        again = api.create_refund(charge=charge, amount_minor=50, metadata={"case": "c"}, key="k1", check=freely)
        assert again.replayed
        assert again.request_id is not None
        assert [refund.id for refund in api.refunds(charge)] == [again.refund.id]
        with pytest.raises(Rejected, match="same parameters"):
            api.create_refund(charge=charge, amount_minor=49, metadata={"case": "c"}, key="k1", check=freely)
        api.close()


def test_32_threads_share_a_gateway_within_the_limits_of_stripe() -> None:
    """32 threads at Stripe's own limits for two seconds: not a single 429, no error, and the limit is used."""
    sandbox = Sandbox(rate_limits=RateLimits(global_per_second=100, endpoint_per_second=25), latency_ms=50)
    customer = str(sandbox.post("/v1/customers", {"balance": -500})["id"])
    failures: list[Exception] = []
    limiter = RateLimiter(global_per_second=100, endpoint_per_second=25)
    with SandboxServer(sandbox) as server:
        api = StripeApi(api_key=KEY, api_base=server.base_url, limiter=limiter, clock=SystemClock())
        end = time.monotonic() + 2.0

        def read_in_turn(first: int) -> None:
            reads = (api.customer, api.charges, api.invoices, lambda it: next(api.customer_balance_transactions(it)))
            turn = first
            while time.monotonic() < end:
                try:
                    reads[turn % 4](customer)
                except StripeError as error:
                    failures.append(error)
                turn += 1

        threads = [threading.Thread(target=read_in_turn, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        api.close()
    statuses = [entry.status for entry in sandbox.request_log]
    assert failures == []
    assert set(statuses) == {200}
    assert len(statuses) >= 120


def test_the_vendors_client_never_retries_by_itself() -> None:
    """A retry of the vendor's would send a write twice without anybody knowing."""
    with ScriptedServer("reset", Reply(body=CUSTOMER)) as server:
        bench = over_http(server.base)
        with pytest.raises(OutcomeUnknown):
            bench.api.create_movement(
                customer="cus_1", amount_minor=1, currency="usd", description="d", metadata={}, key="k", check=freely
            )
        bench.api.close()
        assert len(server.requests) == 1


def test_a_bug_of_the_transport_is_an_unknown_outcome() -> None:
    """Whatever is raised once sending began is not a definite no."""

    class BrokenLater(stripe.HTTPClient):
        name = "broken-later"
        calls = 0

        def request(self, *_: object, **__: object) -> tuple[str, int, dict[str, str]]:
            self.calls += 1
            if self.calls > 1:
                raise RuntimeError("sk_test_secret")
            return json.dumps(CUSTOMER), 200, {"Request-Id": "req_of_the_call_before"}

    api = StripeApi(api_key=KEY, limiter=ListeningLimiter(), clock=PatientClock(), http_client=BrokenLater())
    api.customer("cus_1")
    with pytest.raises(OutcomeUnknown) as caught:
        api.create_refund(charge="ch_1", amount_minor=1, metadata={}, key="k", check=freely)
    assert str(caught.value) == "no answer to POST /v1/refunds: RuntimeError"
    assert (caught.value.http_status, caught.value.request_id) == (None, None)


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never stops sending must not fill the memory: unknown, as a broken connection is."""
    monkeypatch.setattr(transport, "BODY_BYTES_MAX", 100_000)
    endless = Reply(body=b" " * 2_000_000)
    with ScriptedServer(endless) as server, pytest.raises(OutcomeUnknown):
        over_http(server.base).api.create_refund(charge="ch_1", amount_minor=1, metadata={}, key="k", check=freely)


def test_a_gzip_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the size that it unpacks to."""
    monkeypatch.setattr(transport, "BODY_BYTES_MAX", 100_000)
    bomb = Reply(body=gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})
    with ScriptedServer(bomb) as server, pytest.raises(OutcomeUnknown):
        over_http(server.base).api.create_refund(charge="ch_1", amount_minor=1, metadata={}, key="k", check=freely)
