"""What happens by itself as time passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox.billing import invoices, refunds, subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from refund_worker.sandbox.clock import Due
    from refund_worker.sandbox.world import World


def turn(world: World, due: Due) -> None:
    """Do what was scheduled."""
    _TURNS[due.kind](world, *due.arguments)


def _finalize_draft(world: World, invoice: str) -> None:
    record = world.store.get("invoice", invoice)
    if record is not None and record.fields["status"] == "draft" and record.fields["auto_advance"]:
        invoices.finalize(world, record)


def _turn_refund(world: World, refund: str, status: str, reason: str | None) -> None:
    refunds.turn(world, world.store["refund", refund], status, reason=reason)


def _renew(world: World, subscription: str, end: int) -> None:
    record = world.store["subscription", subscription]
    if not world.settings.renewals or record.fields["status"] not in {"active", "past_due"}:
        return
    if min(row["current_period_end"] for row in subscriptions.items_of(record)) == end:
        subscriptions.renew(world, record)


_TURNS: dict[str, Callable[..., None]] = {
    "finalize_draft": _finalize_draft,
    "turn_refund": _turn_refund,
    "renew": _renew,
}
