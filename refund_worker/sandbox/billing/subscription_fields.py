"""A subscription and its items as they begin: every key of the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refund_worker.sandbox.billing import periods
from refund_worker.sandbox.billing.subscriptions import with_items

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refund_worker.sandbox.store import Fields
    from refund_worker.sandbox.world import World


def fresh_item(world: World, *, subscription: str, price: Fields, quantity: int, anchor: int | None = None) -> Fields:
    """An item whose first period begins now, or the current period of `anchor`."""
    recurring = price["recurring"]
    start = world.now
    end = periods.next_end(anchor or start, start, interval=recurring["interval"], count=recurring["interval_count"])
    return {
        "id": world.ids.take("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "current_trial": None,
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def plan(price: Fields) -> Fields:
    """The legacy plan that every subscription item still shows beside its price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": True,
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": {},
        "meter": None,
        "nickname": None,
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def fresh_fields(
    world: World, *, identifier: str, customer: str, rows: Sequence[Fields], given: Mapping[str, Any]
) -> Fields:
    """A subscription that begins now with these items."""
    now = world.now
    mode = given.get("billing_mode", {"type": "flexible"})
    flexible = {"proration_discounts": mode.get("flexible", {}).get("proration_discounts", "included")}
    automatic = given.get("automatic_tax", {}).get("enabled", False)
    nothing = dict.fromkeys(
        (
            "application", "application_fee_percent", "billing_cycle_anchor_config", "billing_thresholds", "cancel_at",
            "canceled_at", "customer_account", "days_until_due", "default_payment_method", "default_source",
            "ended_at", "latest_invoice", "managed_payments", "next_pending_invoice_item_invoice", "on_behalf_of",
            "pause_collection", "pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule",
            "test_clock", "transfer_data", "trial_end", "trial_start",
        )
    )  # fmt: skip
    return {
        "id": identifier,
        "object": "subscription",
        **nothing,
        "automatic_tax": {
            "disabled_reason": None, "enabled": automatic, "liability": {"type": "self"} if automatic else None,
        },
        "billing_cycle_anchor": now,
        "billing_mode": {
            "flexible": flexible if mode["type"] == "flexible" else None, "type": mode["type"], "updated_at": now,
        },
        "billing_schedules": [],
        "cancel_at_period_end": given.get("cancel_at_period_end", False),
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": given.get("collection_method", "charge_automatically"),
        "created": now,
        "currency": rows[0]["price"]["currency"],
        "customer": customer,
        "default_tax_rates": [],
        "description": given.get("description"),
        "discounts": [],
        "invoice_settings": {
            "account_tax_ids": None, "custom_fields": None, "description": None, "footer": None,
            "issuer": {"type": "self"},
        },
        "items": with_items(identifier, rows),
        "livemode": world.settings.livemode,
        "metadata": params_metadata(given),
        "payment_settings": {
            "payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off",
        },
        "start_date": now,
        "status": "active",
        "trial_settings": {
            "end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"},
        },
    }  # fmt: skip


def params_metadata(given: Mapping[str, Any]) -> dict[str, str]:
    """The metadata given, without entries that unset what never was."""
    return {key: value for key, value in (given.get("metadata") or {}).items() if value != ""}
