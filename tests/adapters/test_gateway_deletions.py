"""What each kind of answer means for a deletion, and for a look at an item: gone only where Stripe itself says so."""

import pytest

from refund_worker.domain.errors import (
    NotFound,
    OutcomeUnknown,
    Rejected,
    Retryable,
    StripeError,
    Unauthorized,
    UnreadableAnswer,
)
from refund_worker.domain.facts import ItemState
from refund_worker.sandbox import Fault, Sandbox
from tests.adapters.gateways import freely, over_http, served
from tests.adapters.sandbox_customers import customer_of
from tests.adapters.scripted_server import Reply, ScriptedServer, Step, refusal
from tests.adapters.stripe_answers import ITEM

DELETED = {"id": "ii_1", "object": "invoiceitem", "deleted": True}
NO_SUCH = refusal(
    404, code="resource_missing", param="id", message="No such Invoice Item: 'ii_1'(livemode=false)"
)  # as recorded from Stripe
ON_AN_INVOICE = refusal(
    400, message="Can't delete an invoice item that is attached to an invoice that is no longer editable"
)  # likewise
NO_SUBSCRIPTION = refusal(
    404,
    code="resource_missing",
    param="subscription",
    message="Customer cus_1 does not have a subscription with ID sub_1",
)  # of an item that was there: github.com/stripe/stripe-dotnet/issues/1857
NO_PERMISSION = refusal(403, message="Having the 'rak_invoice_write' permission would allow this request to continue.")


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (NO_SUCH, NotFound),
        (ON_AN_INVOICE, Rejected),
        (NO_SUBSCRIPTION, Rejected),
        (refusal(404, message="Unrecognized request URL (DELETE: /v1/invoiceitems/ii_1)."), Rejected),
        (refusal(401, message="Invalid API Key provided"), Unauthorized),
        (NO_PERMISSION, Unauthorized),
        (refusal(429, code="lock_timeout", message="Locked."), Retryable),
        (refusal(409, message="Conflict."), OutcomeUnknown),
        (refusal(500, kind="api_error", message="Sorry."), OutcomeUnknown),
        (Reply(status=502, body=b"<html>Bad gateway</html>"), OutcomeUnknown),
        (Reply(status=404, body=b"<html>Not found</html>"), UnreadableAnswer),
        (Reply(body={**DELETED, "id": "ii_2"}), UnreadableAnswer),
        (Reply(body={**DELETED, "deleted": False}), UnreadableAnswer),
        (Reply(body={"id": "ii_1", "object": "invoiceitem"}), UnreadableAnswer),
        (Reply(body={**DELETED, "object": "invoice"}), UnreadableAnswer),
        (Reply(body=ITEM), UnreadableAnswer),
        (Reply(body=b'{"id": "ii_1", "obj'), OutcomeUnknown),
        (Reply(body=b""), OutcomeUnknown),
        ("reset", OutcomeUnknown),
        ("hang up", OutcomeUnknown),
        ("silence", OutcomeUnknown),
    ],
)
def test_a_deletion_is_sent_once_and_told_apart(answer: Step, family: type[StripeError]) -> None:
    """The very family, and one request whatever came of it."""
    with ScriptedServer(answer) as server:
        bench = over_http(server.base, read_timeout_s=0.3)
        with pytest.raises(StripeError) as caught:
            bench.api.delete_item(item="ii_1", check=freely)
        bench.api.close()
    assert type(caught.value) is family
    assert len(server.requests) == 1
    assert server.requests[0].startswith("DELETE /v1/invoiceitems/ii_1 ")


_ITEMS = "/v1/invoiceitems/{invoiceitem}"


@pytest.mark.parametrize(
    ("fault", "left"),
    [(Fault(kind="answer_lost", path=_ITEMS), 0), (Fault(kind="before_execution", path=_ITEMS), 1)],
)
def test_a_lost_answer_is_unknown_and_the_item_tells(fault: Fault, left: int) -> None:
    """Deleted or not, it may be sent again: then it is gone, by one deletion or the other."""
    sandbox = Sandbox()
    customer = customer_of(sandbox)
    made = sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": -500, "currency": "usd"})
    sandbox.faults.add(fault)
    with served(sandbox) as bench:
        with pytest.raises(OutcomeUnknown):
            bench.api.delete_item(item=made["id"], check=freely)
        assert len(list(bench.api.pending_items(customer))) == left
        assert (bench.api.item(made["id"]).state is ItemState.GONE) == (left == 0)
        if left:
            bench.api.delete_item(item=made["id"], check=freely)
        assert bench.api.item(made["id"]).state is ItemState.GONE


def test_an_id_that_leads_elsewhere_is_never_sent() -> None:
    """A mark is text that others may have written."""
    with ScriptedServer(Reply(body=DELETED)) as server:
        bench = over_http(server.base)
        with pytest.raises(NotFound):
            bench.api.delete_item(item="../customers/cus_1", check=freely)
        bench.api.close()
    assert server.requests == []


@pytest.mark.parametrize("answer", [NO_SUCH, Reply(body=DELETED)])
def test_an_item_is_gone_where_stripe_says_so(answer: Step) -> None:
    """Not found, or the stub of a deleted object."""
    with ScriptedServer(answer) as server:
        bench = over_http(server.base)
        assert bench.api.item("ii_1").state is ItemState.GONE
        bench.api.close()


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (refusal(404, message="Unrecognized request URL (GET: /v1/invoiceitems/ii_1)."), Rejected),
        (NO_SUBSCRIPTION, Rejected),
        (Reply(status=404, body=b"<html>Not found</html>"), UnreadableAnswer),
        (Reply(body={**ITEM, "id": "ii_2"}), UnreadableAnswer),
        (Reply(body={**DELETED, "id": "ii_2"}), UnreadableAnswer),
        (Reply(body={**DELETED, "deleted": "yes"}), UnreadableAnswer),
        (Reply(body={"object": "invoiceitem", "deleted": True}), UnreadableAnswer),
        (Reply(status=500, body=b""), OutcomeUnknown),
        (NO_PERMISSION, Unauthorized),
    ],
)
def test_nothing_else_says_that_an_item_is_gone(answer: Step, family: type[StripeError]) -> None:
    """Another item's deletion, another API's 404, a proxy's page."""
    with ScriptedServer(answer) as server:
        bench = over_http(server.base)
        with pytest.raises(StripeError) as caught:
            bench.api.item("ii_1")
        bench.api.close()
    assert type(caught.value) is family
