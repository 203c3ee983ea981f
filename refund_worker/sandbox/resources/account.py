"""The account, its balance, and the movements on that (`txn_`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.billing import funds
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record


def retrieve_account(call: Call) -> Fields:
    """Whose key this is."""
    settings = call.world.settings
    return {
        "id": settings.account,
        "object": "account",
        "business_profile": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": 1_600_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": None,
        "type": "standard",
    }


def retrieve_balance(call: Call) -> Fields:
    """What charges brought in and refunds took out, per currency; what is set aside only where there is some."""
    world = call.world
    free, aside = funds.available(world), funds.prefunded(world)
    shown: Fields = {
        "object": "balance",
        "available": _rows(free),
        "livemode": world.settings.livemode,
        "pending": _rows(dict.fromkeys(free, 0)),
    }
    if any(aside.values()):
        shown["refund_and_dispute_prefunding"] = {
            "available": _rows(aside), "pending": _rows(dict.fromkeys(aside, 0)),
        }  # fmt: skip
    return shown


def _rows(sums: dict[str, int]) -> list[Fields]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in sums.items()
    ]


def retrieve(call: Call) -> Record:
    """One movement."""
    return call.world.existing("balance_transaction", call.id)


def listed(call: Call) -> Page:
    """Movements, newest first."""
    wanted = call.params
    ids = call.world.store.ids("balance_transaction", "source", wanted.get("source"))
    where = None
    if "currency" in wanted or "type" in wanted:

        def where(o: Fields) -> bool:
            return all(o[name] == wanted[name] for name in ("currency", "type") if name in wanted)

    return page(call.world.store, "balance_transaction", ids, wanted, url="/v1/balance_transactions", where=where)


ROUTES = (
    Route(
        method="GET", path="/v1/account", act=retrieve_account, answers="account",
        permission="accounts_kyc_basic_read", takes=params.EXPAND,
    ),
    Route(
        method="GET", path="/v1/balance", act=retrieve_balance, answers="balance", permission="balance_read",
        takes=params.EXPAND,
    ),
    Route(
        method="GET", path="/v1/balance_transactions", act=listed, answers="list:balance_transaction",
        permission="balance_transaction_source_read",
        takes={
            **params.PAGE, "created": params.created, "currency": params.currency, "source": params.text,
            "type": params.text, "payout": params.text,
        },
    ),
    Route(
        method="GET", path="/v1/balance_transactions/{balance_transaction}", act=retrieve,
        answers="balance_transaction", permission="balance_transaction_source_read", takes=params.EXPAND,
    ),
)  # fmt: skip
