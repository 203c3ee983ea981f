"""Customer balance transactions: the movements of a customer's credit. Only description and metadata ever change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import credit
from refund_worker.sandbox.errors import resource_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record

_KIND = "customer_balance_transaction"


def create(call: Call) -> Record:
    """Book an adjustment; a relative, atomic write that says the balance it leads to."""
    given = call.params
    customer = call.world.existing("customer", call.id)
    return credit.move(
        call.world,
        customer=customer.id,
        currency=given["currency"],
        amount=given["amount"],
        kind="adjustment",
        description=given.get("description"),
        metadata=given.get("metadata"),
    )


def _found(call: Call) -> Record:
    record = call.world.store.get(_KIND, call.ids[1])
    if record is None or record.fields["customer"] != call.id:
        raise resource_missing("customer balance transaction", call.ids[1])
    return record


def retrieve(call: Call) -> Record:
    """One movement."""
    return _found(call)


def update(call: Call) -> Record:
    """Change the description or the metadata."""
    record = _found(call)
    changes = {name: call.params[name] for name in ("description",) if name in call.params}
    merged = params.merged(record.fields["metadata"], call.params.get("metadata"))
    return call.world.store.change(record, metadata=merged, **changes)


def listed(call: Call) -> Page:
    """The movements of a customer, newest first; also of a deleted one."""
    store = call.world.store
    if store.get("customer", call.id) is None:
        raise resource_missing("customer", call.id)
    invoice = call.params.get("invoice")

    def of_invoice(movement: Fields) -> bool:
        return bool(movement["invoice"] == invoice)

    where = of_invoice if invoice is not None else None
    url = f"/v1/customers/{call.id}/balance_transactions"
    return page(store, _KIND, store.ids(_KIND, "customer", call.id), call.params, url=url, where=where)


_ALL = "/v1/customers/{customer}/balance_transactions"
_ONE = _ALL + "/{transaction}"
_CHANGED: params.Spec = {**params.EXPAND, "description": params.text_or_unset, "metadata": params.metadata}

ROUTES = (
    Route(
        method="POST", path=_ALL, act=create, answers=_KIND, permission="customer_write",
        takes={**_CHANGED, "amount": params.integer, "currency": params.currency}, required=("amount", "currency"),
    ),
    Route(
        method="GET", path=_ALL, act=listed, answers=f"list:{_KIND}", permission="customer_read",
        takes={**params.PAGE, "created": params.created, "invoice": params.text},
    ),
    Route(method="GET", path=_ONE, act=retrieve, answers=_KIND, permission="customer_read", takes=params.EXPAND),
    Route(method="POST", path=_ONE, act=update, answers=_KIND, permission="customer_write", takes=_CHANGED),
)  # fmt: skip
