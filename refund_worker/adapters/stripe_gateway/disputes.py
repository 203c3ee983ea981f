"""Disputes and inquiries about a charge."""

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.facts import Dispute


def all_disputes(calls: Calls, *, charge: str) -> tuple[Dispute, ...]:
    """Every dispute and inquiry about a charge, newest first."""
    rows = calls.rows("/v1/disputes", kind="dispute", charge=charge)
    return tuple(_read_dispute(row, charge=charge) for row in rows)


def _read_dispute(fields: Fields, *, charge: str) -> Dispute:
    if fields.reference("charge") != charge:
        raise fields.unreadable("charge", expected="the charge asked for")
    return Dispute(
        id=fields.text("id"),
        charge=charge,
        amount_minor=fields.number("amount"),
        status=fields.text("status"),
        refundable=fields.flag("is_charge_refundable"),
    )
