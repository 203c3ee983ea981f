"""How lists and events are read to their end, what is tried again, and what is not."""

import pytest

from refund_worker.domain.errors import OutcomeUnknown, StripeError, UnreadableAnswer
from tests.adapters.canned import Canned, page
from tests.adapters.gateways import in_process
from tests.adapters.stripe_answers import CHARGE, CUSTOMER, MOVEMENT, REFUND


def event(number: int, kind: str, content: object, before: object = None) -> dict[str, object]:
    """An event as the list gives it."""
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": kind,
        "created": 8,
        "livemode": False,
        "data": {"object": content} if before is None else {"object": content, "previous_attributes": before},
    }


def test_the_customer_of_a_refund_without_one_is_read_from_its_charge_once() -> None:
    """Refunds of API versions before 2026-10 do not name their customer; a charge that is gone names nobody."""
    older = {key: content for key, content in REFUND.items() if key != "customer"} | {"status": "failed"}
    events = page(
        event(1, "refund.failed", older),
        event(2, "charge.refund.updated", older | {"id": "re_2"}),
        event(3, "refund.failed", older | {"charge": "ch_gone"}),
        event(4, "refund.updated", older | {"charge": None}),
        event(5, "refund.updated", older | {"status": "succeeded", "customer": "cus_6"}),
        event(6, "customer.updated", {"id": "cus_2"}, {"invoice_credit_balance": {"cad": 0}}),
        event(7, "customer.updated", {"id": "cus_3"}, {"name": "x"}),
        event(8, "customer.updated", {"id": "cus_4"}, {"balance": None}),
        event(9, "refund.failed", older | {"customer": "cus_5", "charge": "ch_5"}),
    )
    gone = (404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such charge"}})
    canned = Canned(events, CHARGE, gone)
    assert list(in_process(canned).api.changed_customers(since=7)) == ["cus_1", "cus_2", "cus_4", "cus_5"]
    assert [asked.partition("?")[0] for asked in canned.asked] == [
        "GET /v1/events",
        "GET /v1/charges/ch_1",
        "GET /v1/charges/ch_gone",
    ]
    assert "created[gte]=7" in canned.asked[0]
    assert "types[0]=customer.updated" in canned.asked[0]


@pytest.mark.parametrize(
    "pages",
    [
        [page(more=True)],
        [page(CUSTOMER, more=True), page(CUSTOMER, more=True)],
        [page(CUSTOMER, more=True), page(CUSTOMER | {"id": "cus_2"}, more=True), page(CUSTOMER, more=True)],
        [{"object": "list", "data": [CUSTOMER]}],
        [{"object": "list", "data": [CUSTOMER], "has_more": "false"}],
        [{"object": "list", "data": CUSTOMER, "has_more": False}],
        [{"object": "list", "has_more": False}],
        [CUSTOMER],
    ],
)
def test_pages_that_do_not_go_on_are_no_list(pages: list[object]) -> None:
    """More without rows, the same cursor again, no has_more: an error, never an endless loop or a short list."""
    with pytest.raises(UnreadableAnswer):
        list(in_process(Canned(*pages)).api.customers())


def test_a_page_goes_on_behind_its_last_row() -> None:
    """The cursor is the last id; the limit is Stripe's highest; filters are repeated."""
    canned = Canned(page(MOVEMENT, more=True), page(MOVEMENT | {"id": "cbtxn_0"}))
    assert len(list(in_process(canned).api.customer_balance_transactions("cus_1"))) == 2
    path = "GET /v1/customers/cus_1/balance_transactions?limit=100"
    assert canned.asked == [path, f"{path}&starting_after=cbtxn_1"]


def test_refunds_that_are_not_there_though_asked_for_are_read() -> None:
    """A null where the expansion should be is not 'no refunds'."""
    canned = Canned(page(CHARGE | {"refunds": None}), page(REFUND))
    (charge,) = in_process(canned).api.charges("cus_1")
    assert [refund.id for refund in charge.refunds] == ["re_1"]
    assert canned.asked[1] == "GET /v1/refunds?limit=100&charge=ch_1"


def test_an_object_with_another_id_is_not_the_one_asked_for() -> None:
    """A cache on the way that mixes answers up must not move money."""
    api = in_process(Canned(CUSTOMER)).api
    with pytest.raises(UnreadableAnswer, match="another customer than cus_2"):
        api.customer("cus_2")


SORRY = (500, {"error": {"type": "api_error", "message": "Sorry."}})
BUSY = (429, {"error": {"type": "invalid_request_error", "code": "lock_timeout", "message": "Busy."}})


@pytest.mark.parametrize(
    "fault", [None, SORRY, BUSY, (200, '{"object": "list", "da'), (502, "<html>Bad gateway</html>")]
)
def test_a_read_is_tried_four_times(fault: object) -> None:
    """A GET changes nothing: dropped, failed, throttled or cut, it is asked again, each time later."""
    bench = in_process(Canned(fault, fault, fault, page(CUSTOMER)))
    assert len(list(bench.api.customers())) == 1
    assert len(bench.clock.slept) == 3
    for slept, most in zip(bench.clock.slept, (0.5, 1.0, 2.0), strict=True):
        assert most / 2 <= slept <= most
    assert len(bench.limiter.calls) == 4

    bench = in_process(Canned(fault, fault, fault, fault, page(CUSTOMER)))
    with pytest.raises(StripeError):
        list(bench.api.customers())
    assert len(bench.limiter.calls) == 4


def test_a_definite_no_is_not_asked_again() -> None:
    """400, 401 and an answer in another shape stay what they are."""
    refused = (400, {"error": {"type": "invalid_request_error", "message": "No."}})
    unknown = (401, {"error": {"type": "invalid_request_error", "message": "No."}})
    for answer in (refused, unknown, (200, {"object": "list"}), (404, "<html></html>")):
        bench = in_process(Canned(answer))
        with pytest.raises(StripeError):
            bench.api.charges("cus_1")
        assert (len(bench.limiter.calls), bench.clock.slept) == (1, [])


def test_a_broken_page_does_not_end_a_sweep_that_goes_on() -> None:
    """The second page fails once: all rows are still read, each once."""
    canned = Canned(page(CUSTOMER, more=True), None, page(CUSTOMER | {"id": "cus_2"}))
    assert [found.id for found in in_process(canned).api.customers()] == ["cus_1", "cus_2"]


@pytest.mark.parametrize(
    ("answer", "brought"),
    [
        ((200, "<!doctype html><title>Welcome</title>"), "HTTP 200 and a web page"),
        ((404, "<html>nothing here</html>"), "HTTP 404 and a web page"),
        ((200, {"hello": "world"}), "JSON that is not one of Stripe's objects"),
        ((401, {"detail": "no"}), "HTTP 401 and no error of Stripe's"),
    ],
)
def test_a_foreign_address_is_told_clearly(answer: object, brought: str) -> None:
    """The first call says in one line that somebody else lives there."""
    with pytest.raises(OutcomeUnknown) as caught:
        in_process(Canned(answer)).api.account()
    assert str(caught.value) == (
        f"https://api.stripe.com does not answer like Stripe's API: GET /v1/account brought {brought}"
    )
