"""The books: each customer's money as an outside judge reads it, from Stripe's objects and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Record, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedRefund:
    """A refund; `amount` in minor units."""

    refund: str
    charge: str
    amount: int
    status: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedCharge:
    """A charge; amounts in minor units. `refunded` counts pending refunds and not failed ones."""

    charge: str
    captured: int
    refunded: int
    disputed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedMovement:
    """A customer balance transaction; negative gives credit, positive takes it; minor units."""

    customer_balance_transaction: str
    amount: int
    ending_balance: int
    type: str
    invoice: str | None
    credit_note: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedItem:
    """An invoice item that no invoice has taken; negative is credit, minor units, before exclusive tax."""

    item: str
    amount: int
    subscription: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One customer in one currency, minor units; movements, charges, refunds and pending items oldest first.

    `balance` has Stripe's sign: negative is credit. `credit_granted` and `credit_used` are positive sums of all
    movements of either sign; `refunded` counts succeeded refunds, `pending` those on their way (also requires_action).
    """

    customer: str
    currency: str
    deleted: bool
    balance: int
    credit_granted: int
    credit_used: int
    captured: int
    refunded: int
    pending: int
    charges: tuple[BookedCharge, ...]
    refunds: tuple[BookedRefund, ...]
    balance_transactions: tuple[BookedMovement, ...]
    pending_items: tuple[BookedItem, ...]


def read_books(store: Store) -> list[Books]:
    """The books of every customer that ever moved money or has items pending, in order of the first such thing."""
    keys: dict[tuple[str, str], None] = {}
    for kind in ("charge", "customer_balance_transaction"):
        for record in store.all(kind):
            if record.fields["customer"] is not None:
                keys.setdefault((record.fields["customer"], record.fields["currency"]))
    waiting: dict[tuple[str, str], list[Record]] = {}
    for item in store.all("invoiceitem"):
        if item.fields["invoice"] is None:
            waiting.setdefault((item.fields["customer"], item.fields["currency"]), []).append(item)
    return [_books(store, *key, waiting.get(key, [])) for key in {**keys, **dict.fromkeys(waiting)}]


def _books(store: Store, customer: str, currency: str, waiting: list[Record]) -> Books:
    owner = store["customer", customer]
    charges = [c for c in store.all("charge", "customer", customer) if c.fields["currency"] == currency]
    moves = [
        m for m in store.all("customer_balance_transaction", "customer", customer) if m.fields["currency"] == currency
    ]
    refunds = [refund for charge in charges for refund in store.all("refund", "charge", charge.id)]
    refunds.sort(key=lambda refund: refund.seq)
    amounts = [move.fields["amount"] for move in moves]
    return Books(
        customer=customer,
        currency=currency,
        deleted=bool(owner.fields.get("deleted")),
        balance=sum(amounts),
        credit_granted=-sum(amount for amount in amounts if amount < 0),
        credit_used=sum(amount for amount in amounts if amount > 0),
        captured=sum(charge.fields["amount_captured"] for charge in charges),
        refunded=_sum(refunds, {"succeeded"}),
        pending=_sum(refunds, {"pending", "requires_action"}),
        charges=tuple(_charge(charge) for charge in charges),
        refunds=tuple(_refund(refund) for refund in refunds),
        balance_transactions=tuple(_movement(move) for move in moves),
        pending_items=tuple(_item(item) for item in waiting),
    )


def _item(record: Record) -> BookedItem:
    parent = record.fields["parent"]
    return BookedItem(
        item=record.id,
        amount=record.fields["amount"],
        subscription=parent["subscription_details"]["subscription"] if parent else None,
    )


def _sum(refunds: list[Record], statuses: set[str]) -> int:
    return sum(refund.fields["amount"] for refund in refunds if refund.fields["status"] in statuses)


def _charge(record: Record) -> BookedCharge:
    fields = record.fields
    return BookedCharge(
        charge=record.id,
        captured=fields["amount_captured"],
        refunded=fields["amount_refunded"],
        disputed=fields["disputed"],
    )


def _refund(record: Record) -> BookedRefund:
    fields = record.fields
    return BookedRefund(
        refund=record.id,
        charge=fields["charge"],
        amount=fields["amount"],
        status=fields["status"],
        metadata=fields["metadata"],
    )


def _movement(record: Record) -> BookedMovement:
    fields = record.fields
    return BookedMovement(
        customer_balance_transaction=record.id,
        amount=fields["amount"],
        ending_balance=fields["ending_balance"],
        type=fields["type"],
        invoice=fields["invoice"],
        credit_note=fields["credit_note"],
        metadata=fields["metadata"],
    )
