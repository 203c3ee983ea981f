"""The last check before a write: after the limiter's wait, right before the request; what it raises passes through."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.adapters.stripe_gateway.charges import read_refund
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.errors import ClaimLost, Halted, NotFound, TooLate, UnreadableAnswer
from refund_worker.sandbox import Sandbox
from tests.adapters.gateways import KEY, PatientClock, freely
from tests.adapters.in_process import InProcess


@dataclass(slots=True)
class _Told:
    """A limiter and a check that note in which order they are asked, and what had reached Stripe by then."""

    sandbox: Sandbox
    said: list[tuple[str, int]] = field(default_factory=list)

    def wait(self, endpoint: str) -> None:
        self._say("waited")

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        self._say("throttled")

    def check(self) -> None:
        self._say("checked")

    def _say(self, what: str) -> None:
        self.said.append((what, _posts(self.sandbox)))


def _posts(sandbox: Sandbox) -> int:
    return sum(entry.method in {"POST", "DELETE"} for entry in sandbox.request_log)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a write may be about."""

    customer: str
    charge: str
    item: str


def _account() -> tuple[Sandbox, _Made]:
    sandbox = Sandbox()
    customer = str(sandbox.post("/v1/customers")["id"])
    item = sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": -50, "currency": "usd"})["id"]
    charge = sandbox.build.charge(customer, amount=100)["id"]
    return sandbox, _Made(customer=customer, charge=str(charge), item=str(item))


def _api(sandbox: Sandbox, told: _Told) -> StripeApi:
    return StripeApi(api_key=KEY, limiter=told, clock=PatientClock(), http_client=InProcess(sandbox))


def _refund(api: StripeApi, made: _Made, check: Callable[[], None]) -> object:
    return api.create_refund(charge=made.charge, amount_minor=50, metadata={}, key="k", check=check)


def _debit(api: StripeApi, made: _Made, check: Callable[[], None]) -> object:
    return api.create_movement(
        customer=made.customer, amount_minor=50, currency="usd", description="d", metadata={}, key="k", check=check
    )


def _deletion(api: StripeApi, made: _Made, check: Callable[[], None]) -> object:
    return api.delete_item(item=made.item, check=check)


each_write = pytest.mark.parametrize("write", [_refund, _debit, _deletion])


@each_write
def test_the_check_comes_after_the_wait_and_before_the_request(write: Callable[..., object]) -> None:
    """Once; when it is asked nothing has reached Stripe."""
    sandbox, made = _account()
    told, posts = _Told(sandbox), _posts(sandbox)
    write(_api(sandbox, told), made, told.check)
    assert told.said == [("waited", posts), ("checked", posts)]
    assert _posts(sandbox) == posts + 1


@each_write
@pytest.mark.parametrize("no", [Halted("a halt"), ClaimLost("gone"), TooLate("late"), RuntimeError("a bug")])
def test_what_the_check_raises_passes_and_nothing_is_sent(write: Callable[..., object], no: Exception) -> None:
    """It is the very exception, never taken for an unknown outcome."""
    sandbox, made = _account()
    told, posts = _Told(sandbox), _posts(sandbox)

    def refuse() -> None:
        raise no

    with pytest.raises(type(no)) as caught:
        write(_api(sandbox, told), made, refuse)
    assert caught.value is no
    assert _posts(sandbox) == posts
    write(_api(sandbox, told), made, freely)
    assert _posts(sandbox) == posts + 1


def test_a_refund_is_read_by_its_id_with_why_it_failed() -> None:
    """And a stranger's is not found."""
    sandbox, made = _account()
    api = _api(sandbox, _Told(sandbox))
    sandbox.control.next_refund(status="pending")
    refund = str(sandbox.post("/v1/refunds", {"charge": made.charge, "amount": 50, "metadata": {"a": "b"}})["id"])
    shown = api.refund(refund)
    assert (shown.id, shown.charge, shown.amount_minor, shown.status) == (refund, made.charge, 50, "pending")
    assert (shown.failure_reason, dict(shown.metadata), shown.stands) == (None, {"a": "b"}, True)
    sandbox.control.turn_refund(refund, "failed", reason="lost_or_stolen_card")
    shown = api.refund(refund)
    assert (shown.status, shown.failure_reason, shown.stands) == ("failed", "lost_or_stolen_card", False)
    with pytest.raises(NotFound):
        api.refund("re_nobody")


def test_a_refund_without_a_charge_is_unreadable() -> None:
    """It cannot be one of ours."""
    fields = Fields({"id": "re_1", "charge": None, "amount": 1, "currency": "usd"}, name="refund re_1")
    with pytest.raises(UnreadableAnswer, match="charge"):
        read_refund(fields)
