"""The customer's credit balance: an append-only list of movements; negative is credit, positive is owed.

Source: docs.stripe.com/billing/customer/balance. Balances are kept per currency; `customer.balance` shows the one in
the customer's own currency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.store import Record
    from refund_worker.sandbox.world import World


def balance(customer: Record, currency: str) -> int:
    """The balance in one currency, minor units, Stripe's sign."""
    return int((customer.hidden.get("balances") or {}).get(currency, 0))


def move(
    world: World,
    *,
    customer: str,
    currency: str,
    amount: int,
    kind: str,
    invoice: str | None = None,
    credit_note: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Record:
    """Book one movement and return its customer balance transaction.

    Args:
        amount: Minor units; negative gives credit, positive takes it.
    """
    owner = world.store["customer", customer]
    balances = dict(owner.hidden.get("balances") or {})
    ending = balances[currency] = balances.get(currency, 0) + amount
    movement = world.store.insert(
        "customer_balance_transaction",
        {
            "id": world.ids.take("cbtxn"),
            "object": "customer_balance_transaction",
            "amount": amount,
            "checkout_session": None,
            "created": world.now,
            "credit_note": credit_note,
            "currency": currency,
            "customer": customer,
            "customer_account": None,
            "description": description,
            "ending_balance": ending,
            "invoice": invoice,
            "livemode": world.settings.livemode,
            "metadata": dict(metadata or {}),
            "type": kind,
        },
    )
    _show(world, owner, balances, currency)
    return movement


def _show(world: World, owner: Record, balances: dict[str, int], currency: str) -> None:
    """Let the customer show the new balance, and say what changed in an event."""
    if owner.fields.get("deleted"):
        world.store.change(owner, {"balances": balances})
        return
    own = owner.fields["currency"] or currency
    before = {name: owner.fields[name] for name in ("balance", "currency")}
    after = {"balance": balances.get(own, 0), "currency": own}
    changed = world.store.change(owner, {"balances": balances}, **after)
    previous = {name: value for name, value in before.items() if value != after[name]}
    world.emit("customer.updated", changed.fields, previous)
