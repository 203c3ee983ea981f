"""Charges with all their refunds."""

from collections.abc import Iterator

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.facts import Charge, Refund

# Money of such a charge went, or goes, to another account: a refund would have to be taken back from there.
_CONNECT = (
    "transfer_data",
    "on_behalf_of",
    "application_fee",
    "application_fee_amount",
    "source_transfer",
    "transfer",
    "destination",
)


def all_charges(calls: Calls, *, customer: str) -> tuple[Charge, ...]:
    """Every charge of the customer, newest first."""
    rows = calls.rows("/v1/charges", kind="charge", customer=customer, expand=["data.refunds"])
    return tuple(_charge_of(calls, row, customer=customer) for row in rows)


def one_charge(calls: Calls, *, charge: str) -> Charge:
    """One charge. Raises NotFound."""
    return _read_charge(calls, calls.get("/v1/charges/{}", charge, kind="charge", asked=charge, expand=["refunds"]))


def charge_of_payment_intent(calls: Calls, *, payment_intent: str) -> Charge | None:
    """The charge that paid a payment intent; None where none did, or where the last attempt failed."""
    answer = calls.get(
        "/v1/payment_intents/{}",
        payment_intent,
        kind="payment_intent",
        asked=payment_intent,
        expand=["latest_charge.refunds"],
    )
    if not answer.present("latest_charge"):
        return None
    charge = _read_charge(calls, answer.inner("latest_charge"))
    return None if charge.status == "failed" else charge


def all_refunds(calls: Calls, *, charge: str) -> tuple[Refund, ...]:
    """Every refund of a charge, newest first."""
    return tuple(read_refund(row, charge=charge) for row in _refund_rows(calls, charge=charge))


def one_refund(calls: Calls, *, refund: str) -> Refund:
    """One refund. Raises NotFound."""
    return read_refund(calls.get("/v1/refunds/{}", refund, kind="refund", asked=refund))


def read_refund(fields: Fields, *, charge: str | None = None) -> Refund:
    """Read a refund, of the charge where one is named; the amount is positive.

    Raises:
        UnreadableAnswer: Also if it is another charge's, or of none.
    """
    of_charge = fields.reference("charge")
    if of_charge is None or charge not in {None, of_charge}:
        raise fields.unreadable("charge", expected="the charge asked for")
    return Refund(
        id=fields.text("id"),
        charge=of_charge,
        amount_minor=fields.number("amount"),
        currency=fields.text("currency"),
        status=fields.text_or_none("status") or "unknown",
        created=fields.number("created"),
        failure_reason=fields.text_or_none("failure_reason"),
        metadata=fields.strings("metadata"),
    )


def _charge_of(calls: Calls, fields: Fields, *, customer: str) -> Charge:
    if fields.reference("customer") not in {customer, None}:
        raise fields.unreadable("customer", expected="the customer asked for")
    return _read_charge(calls, fields)


def _read_charge(calls: Calls, fields: Fields) -> Charge:
    charge = fields.text("id")
    fields.name = f"charge {charge}"
    method = fields.inner_or_none("payment_method_details")
    return Charge(
        id=charge,
        created=fields.number("created"),
        currency=fields.text("currency"),
        status=fields.text("status"),
        captured=fields.flag("captured"),
        captured_minor=fields.number("amount_captured"),
        refunded_minor=fields.number("amount_refunded"),
        disputed=fields.flag("disputed"),
        payment_intent=fields.reference("payment_intent"),
        method=(method.text_or_none("type") if method is not None else None) or "unknown",
        connect=any(fields.present(key) for key in _CONNECT),
        refunds=tuple(read_refund(row, charge=charge) for row in _refunds_of(calls, fields, charge=charge)),
    )


def _refunds_of(calls: Calls, fields: Fields, *, charge: str) -> Iterator[Fields]:
    """All refunds: a charge holds the ten newest when it was asked to, the rest has pages of its own.

    Stripe's specification lets the key be null even so: then they are read like a rest.
    """
    inline = fields.inner_or_none("refunds") if fields.has("refunds") else fields.inner("refunds")
    if inline is None or inline.flag("has_more"):
        return _refund_rows(calls, charge=charge)
    return iter(inline.rows("data", kind="refund"))


def _refund_rows(calls: Calls, *, charge: str) -> Iterator[Fields]:
    return calls.rows("/v1/refunds", kind="refund", charge=charge)
