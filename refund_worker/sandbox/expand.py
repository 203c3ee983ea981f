"""Expansion: which properties can be, how deep, and how they are put into an answer.

Stripe counts the dot-separated segments of a path, a list's leading `data` included, and refuses more than four.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from refund_worker.sandbox.store import Fields, Record, Store

Tree = dict[str, Any]  # property -> its own tree
DEPTH_MAX: Final = 4
EMBEDDED_MAX: Final = 10  # a list inside an object holds its newest ten, then says has_more

REFERENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "charge": {
        "customer": "customer", "payment_intent": "payment_intent", "balance_transaction": "balance_transaction",
        "payment_method": "payment_method",
    },
    "refund": {
        "charge": "charge", "payment_intent": "payment_intent", "customer": "customer",
        "balance_transaction": "balance_transaction", "failure_balance_transaction": "balance_transaction",
    },
    "invoice": {"customer": "customer", "default_payment_method": "payment_method"},
    "invoice.parent.subscription_details": {"subscription": "subscription"},
    "invoice_payment": {"invoice": "invoice"},
    "invoice_payment.payment": {"payment_intent": "payment_intent", "charge": "charge"},
    "invoiceitem": {"customer": "customer", "invoice": "invoice"},
    "line_item": {"subscription": "subscription"},
    "line_item.pricing.price_details": {"price": "price"},
    "payment_intent": {
        "customer": "customer", "latest_charge": "charge", "payment_method": "payment_method",
    },
    "subscription": {
        "customer": "customer", "latest_invoice": "invoice", "default_payment_method": "payment_method",
    },
    "subscription_item.price": {"product": "product"},
    "price": {"product": "product"},
    "customer_balance_transaction": {"customer": "customer", "invoice": "invoice", "credit_note": "credit_note"},
    "credit_note": {
        "customer": "customer", "invoice": "invoice",
        "customer_balance_transaction": "customer_balance_transaction",
    },
    "credit_note.refund": {"refund": "refund"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "balance_transaction": {"source": "*"},
    "payment_method": {"customer": "customer"},
}  # fmt: skip

# (kind, property) -> the pseudo kind of what stands there inline; "list:" and "many:" are lists of a kind
CONTAINERS: Final[Mapping[tuple[str, str], str]] = {
    ("invoice", "lines"): "list:line_item",
    ("invoice", "parent"): "invoice.parent",
    ("invoice.parent", "subscription_details"): "invoice.parent.subscription_details",
    ("invoice_payment", "payment"): "invoice_payment.payment",
    ("line_item", "pricing"): "line_item.pricing",
    ("line_item.pricing", "price_details"): "line_item.pricing.price_details",
    ("subscription", "items"): "list:subscription_item",
    ("subscription_item", "price"): "subscription_item.price",
    ("credit_note", "refunds"): "many:credit_note.refund",
}

# lists that an object has only when they are asked for: (kind, property) -> (kind of the members, index, address)
EMBEDDED: Final[Mapping[tuple[str, str], tuple[str, str, str]]] = {
    ("charge", "refunds"): ("refund", "charge", "/v1/charges/{id}/refunds"),
    ("invoice", "payments"): ("invoice_payment", "invoice", "/v1/invoice_payments?invoice={id}"),
    ("customer", "subscriptions"): ("subscription", "customer", "/v1/customers/{id}/subscriptions"),
}
# properties that are null or constant unless they point at nothing this sandbox has
_PLAIN: Final = frozenset(
    {
        ("customer", "invoice_credit_balance"), ("customer", "default_source"), ("customer", "sources"),
        ("customer", "tax"), ("customer", "tax_ids"), ("customer", "test_clock"), ("invoice", "discounts"),
        ("invoice", "confirmation_secret"), ("invoice", "total_discount_amounts"), ("invoice", "test_clock"),
        ("subscription", "discounts"), ("subscription", "schedule"), ("subscription", "pending_setup_intent"),
        ("charge", "application_fee"), ("charge", "review"), ("charge", "transfer"), ("charge", "source_transfer"),
        ("charge", "on_behalf_of"), ("refund", "transfer_reversal"), ("refund", "source_transfer_reversal"),
        ("payment_intent", "review"), ("payment_intent", "application"), ("product", "default_price"),
        ("product", "tax_code"), ("invoice_payment.payment", "payment_record"),
        ("customer_balance_transaction", "checkout_session"), ("invoice", "latest_revision"),
        ("invoiceitem", "discounts"), ("line_item", "discounts"), ("price", "tiers"), ("price", "currency_options"),
    }
)  # fmt: skip


def _child_kind(kind: str, name: str) -> str | None:
    """The kind found under a property, "" for a plain one, None if it cannot be expanded."""
    if kind.startswith("list:"):
        return kind[5:] if name == "data" else None
    if kind.startswith("many:"):
        return _child_kind(kind[5:], name)
    reference = REFERENCES.get(kind, {}).get(name)
    if reference is not None:
        return reference
    container = CONTAINERS.get((kind, name))
    if container is not None:
        return container
    embedded = EMBEDDED.get((kind, name))
    if embedded is not None:
        return "list:" + embedded[0]
    return "" if (kind, name) in _PLAIN else None


@lru_cache(maxsize=512)
def compiled(kind: str, paths: tuple[str, ...]) -> Tree:
    """The tree of the paths to expand in an answer of `kind`.

    Raises:
        ApiError: If a path has more than four segments, or names what cannot be expanded.
    """
    tree: Tree = {}
    for path in paths:
        names = path.split(".")
        if len(names) > DEPTH_MAX:
            raise ApiError(
                f"You cannot expand more than {DEPTH_MAX} levels of a property. Property: {path}",
                code="property_expansion_max_depth", param="expand", stored=False,
            )  # fmt: skip
        node, at = tree, kind
        for name in names:
            child = _child_kind(at, name) if at != "*" else ""
            if child is None:
                raise ApiError(f"This property cannot be expanded ({path}).", stored=False)
            node, at = node.setdefault(name, {}), child
    return tree


class Renderer:
    """Writes records as JSON, with the expansions asked for."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def one(self, record: Record, tree: Tree) -> str:
        """One object. Lists that are only added are spliced into the JSON written earlier; the rest is rebuilt."""
        if not tree:
            return record.json
        kind = record.kind
        if all((kind, name) in EMBEDDED and not sub.get("data") for name, sub in tree.items()):
            parts = [record.json[:-1]]
            for name in tree:
                members, more, url = self._embedded(kind, name, record)
                joined = ",".join([member.json for member in members])
                flag = "true" if more else "false"
                parts.append(f',"{name}":{{"object":"list","data":[{joined}],"has_more":{flag},"url":"{url}"}}')
            return "".join(parts) + "}"
        return json.dumps(self._grown(record.fields, kind, tree, record), separators=(",", ":"))

    def page(self, records: Iterable[Record], *, has_more: bool, url: str, tree: Tree) -> str:
        """A list answer."""
        inner = tree.get("data") or {}
        joined = ",".join([self.one(record, inner) for record in records])
        return f'{{"object":"list","data":[{joined}],"has_more":{"true" if has_more else "false"},"url":"{url}"}}'

    def _embedded(self, kind: str, name: str, record: Record) -> tuple[list[Record], bool, str]:
        member, index, url = EMBEDDED[kind, name]
        ids = self._store.ids(member, index, record.id)
        newest = [self._store[member, identifier] for identifier in ids[: -EMBEDDED_MAX - 1 : -1]]
        return newest, len(ids) > EMBEDDED_MAX, url.format(id=record.id)

    def _grown(self, value: Any, kind: str, tree: Tree, record: Record | None = None) -> Any:
        if value is None or not tree:
            return value
        if kind.startswith("many:"):
            return [self._grown(item, kind[5:], tree) for item in value]
        if kind.startswith("list:"):
            inner = tree.get("data") or {}
            return {**value, "data": [self._grown(item, kind[5:], inner) for item in value["data"]]}
        grown: Fields = dict(value)
        for name, sub in tree.items():
            if record is not None and (kind, name) in EMBEDDED:
                grown[name] = self._list(kind, name, record, sub)
            elif (kind, name) in CONTAINERS:
                grown[name] = self._grown(value.get(name), CONTAINERS[kind, name], sub)
            elif (kind, name) == ("customer", "invoice_credit_balance") and record is not None:
                if not value.get("deleted"):
                    balances = record.hidden.get("balances") or {}
                    grown[name] = {code: -amount for code, amount in balances.items() if amount}
            elif value.get(name) is not None and name in REFERENCES.get(kind, {}):
                grown[name] = self._reference(value[name], REFERENCES[kind][name], sub)
        return grown

    def _list(self, kind: str, name: str, record: Record, tree: Tree) -> Fields:
        members, more, url = self._embedded(kind, name, record)
        inner = tree.get("data") or {}
        rows = [self._grown(member.fields, member.kind, inner, member) for member in members]
        return {"object": "list", "data": rows, "has_more": more, "url": url}

    def _reference(self, identifier: str, kind: str, tree: Tree) -> Any:
        if kind == "*":
            kind = {"ch": "charge", "py": "charge", "re": "refund", "pyr": "refund"}[identifier.partition("_")[0]]
        target = self._store.get(kind, identifier)
        return identifier if target is None else self._grown(target.fields, kind, tree, target)
