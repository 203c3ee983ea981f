"""What Stripe says to wrong requests; one line a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.shop import Shop, Wire

_CUSTOMER = {"customer": "cus_nope"}


# request
#     status code param: how the message begins (- for none)
_TABLE = """
GET /v1/customers?limit=abc
    400 parameter_invalid_integer limit: Invalid integer: abc
GET /v1/customers?limit=0
    400 parameter_invalid_integer limit: This value must be greater than or equal to 1.
GET /v1/customers?limit=101
    400 parameter_invalid_integer limit: This value must be less than or equal to 100.
GET /v1/customers?wat=x
    400 parameter_unknown wat: Received unknown parameter: wat
GET /v1/customers?starting_after=cus_aaa
    400 resource_missing starting_after: No such customer: 'cus_aaa'
GET /v1/customers?created[from]=3
    400 parameter_unknown created[from]: Received unknown parameter: created[from]
GET /v1/customers?created=soon
    400 parameter_invalid_integer created: Invalid integer: soon
GET /v1/customers/cus_nope
    404 resource_missing id: No such customer: 'cus_nope'
GET /v1/charges?customer=cus_nope
    400 resource_missing customer: No such customer: 'cus_nope'
GET /v1/invoices?status=done
    400 - status: Invalid status: must be one of draft, open, paid, uncollectible, or void
GET /v1/invoiceitems?pending=yes
    400 parameter_invalid_boolean pending: Invalid boolean: yes
POST /v1/customers?invoice_settings[nope]=x
    400 parameter_unknown invoice_settings[nope]: Received unknown parameter: invoice_settings[nope]
POST /v1/prices?unit_amount=5
    400 parameter_missing currency: Missing required param: currency.
POST /v1/prices?unit_amount=&currency=usd
    400 parameter_invalid_empty unit_amount: You passed an empty string for 'unit_amount'.
POST /v1/prices?unit_amount=5&currency=xyz
    400 - currency: Invalid currency: xyz. Stripe currently supports these currencies: aed, afn
POST /v1/prices?unit_amount=5&currency=usd&recurring[interval]=eon
    400 - recurring[interval]: Invalid recurring[interval]: must be one of
POST /v1/prices?unit_amount=5&currency=usd&recurring=month
    400 - recurring: Invalid object: month
POST /v1/refunds?amount=100
    400 - -: One of the following params should be provided for this request: payment_intent or charge.
POST /v1/refunds?charge=ch_nope
    404 resource_missing id: No such charge: 'ch_nope'
POST /v1/refunds?charge=ch_nope&amount=0
    400 parameter_invalid_integer amount: This value must be greater than or equal to 1.
POST /v1/refunds?charge=ch_nope&reason=mood
    400 - reason: Invalid reason: must be one of
POST /v1/refunds?charge[a]=b
    400 - charge: Invalid string
POST /v1/customers?metadata=x
    400 - metadata: Invalid hash
POST /v1/customers?metadata[a]=b&metadata[a][c]=d
    400 - metadata[a][c]: Invalid form
POST /v1/customers?name[=x
    400 - name[: Invalid parameter name: name[
GET /v1/events?type=a&types[]=b
    400 - -: You may only specify one of these parameters: type, types.
GET /v1/nothing
    404 - -: Unrecognized request URL (GET: /v1/nothing).
DELETE /v1/refunds/re_1
    404 - -: Unrecognized request URL (DELETE: /v1/refunds/re_1).
GET /v1/customers/
    404 - -: Unrecognized request URL (GET: /v1/customers/).
POST /v1/subscriptions?customer=cus_nope&items[0][price]=p
    400 resource_missing customer: No such customer: 'cus_nope'
"""

_LINES = _TABLE.strip().splitlines()


@pytest.mark.parametrize(("request_", "expected"), list(zip(_LINES[::2], _LINES[1::2], strict=True)))
def test_refusals(wire: Wire, request_: str, expected: str) -> None:
    method, _, target = request_.partition(" ")
    status, code, param, message = wire.error(method, target)
    assert f"{status} {code or '-'} {param or '-'}: {message}".startswith(expected.strip())


def test_both_cursors_at_once(wire: Wire, shop: Shop) -> None:
    one, two = shop.customer(), shop.customer()
    assert wire.error("GET", "/v1/customers", {"starting_after": one, "ending_before": two}) == (
        400, None, None, "Received both starting_after and ending_before parameters. Please pass in only one.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"k" * 40: "v" * 500}, 200),
        ({"k" * 41: "v"}, 400),
        ({"k": "v" * 501}, 400),
        ({f"k{n}": "v" for n in range(50)}, 200),
        ({f"k{n}": "v" for n in range(51)}, 400),
    ],
)
def test_metadata_has_limits(wire: Wire, metadata: dict[str, Any], status: int) -> None:
    assert wire.send("POST", "/v1/customers", {"metadata": metadata})[0] == status


@pytest.mark.parametrize(
    "query", ["expand[]=data.refunds&expand[]=data.customer", "expand%5B0%5D=data.refunds&expand%5B1%5D=data.customer"]
)
def test_both_styles_of_arrays_are_read(wire: Wire, shop: Shop, query: str) -> None:
    shop.sandbox.build.charge(shop.customer(), amount=100)
    row = wire.send("GET", f"/v1/charges?{query}")[1]["data"][0]
    assert (row["refunds"]["data"], row["customer"]["object"]) == ([], "customer")


def test_values_are_decoded(wire: Wire) -> None:
    made = wire.send("POST", "/v1/customers?name=A%26B+C&metadata[a%5Bb]=%E2%82%AC")[1]
    assert (made["name"], made["metadata"]) == ("A&B C", {"a[b": "€"})


def test_a_refusal_changes_nothing(wire: Wire, shop: Shop) -> None:
    shop.customer()
    before = shop.sandbox.world.store.counts()
    wire.send("POST", "/v1/refunds", _CUSTOMER)
    wire.send("POST", "/v1/subscriptions", {**_CUSTOMER, "items": [{"price": "x"}]})
    assert shop.sandbox.world.store.counts() == before
