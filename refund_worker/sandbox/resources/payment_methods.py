"""Payment methods: test ones (`pm_card_visa`, ...) can be attached, and say how the customer's payments turn out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from refund_worker.sandbox import params
from refund_worker.sandbox.errors import resource_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route
from refund_worker.sandbox.world import RefundOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

_LATER_S: Final = 60  # "later" in Stripe's words; a test moves the clock
# docs.stripe.com/testing: test payment methods -> outcome of payments with them
_TEST_METHODS: Final[Mapping[str, str]] = {
    "pm_card_visa": "succeeds",
    "pm_card_mastercard": "succeeds",
    "pm_card_chargeCustomerFail": "fails",
    "pm_card_refundFail": "succeeds",
    "pm_card_pendingRefund": "succeeds",
}
# What becomes of refunds over them; source: docs.stripe.com/testing, section "Refunds"
_TEST_REFUNDS: Final[Mapping[str, RefundOutcome]] = {
    "pm_card_refundFail": RefundOutcome(charge=None, status="succeeded", then=("failed", _LATER_S)),
    "pm_card_pendingRefund": RefundOutcome(charge=None, status="pending", then=("succeeded", _LATER_S)),
}


def attach(call: Call) -> Record:
    """Attach a test card to a customer and pay with it from now on."""
    outcome = _TEST_METHODS.get(call.id)
    if outcome is None:
        raise resource_missing("PaymentMethod", call.id)
    customer = call.world.named("customer", call.params, "customer")
    return make(call.world, customer=customer, kind="card", outcome=outcome, refunds=_TEST_REFUNDS.get(call.id))


def make(
    world: World,
    *,
    customer: Record,
    kind: str,
    outcome: str,
    destination: str | None = None,
    refunds: RefundOutcome | None = None,
) -> Record:
    """A payment method the customer pays with from now on.

    Args:
        outcome: `succeeds`, `fails`, `pending`, or `waits` (nothing is attempted).
        destination: A connected account that gets the money.
        refunds: What becomes of refunds over it; None for at once.
    """
    identifier = world.ids.take("pm")
    world.store.change(
        customer, {"method": {"id": identifier, "type": kind, "outcome": outcome, "destination": destination}}
    )
    return world.store.insert(
        "payment_method",
        {
            "id": identifier,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
            "created": world.now,
            "customer": customer.id,
            "customer_account": None,
            "livemode": world.settings.livemode,
            "metadata": {},
            "type": kind,
            **({"card": _card()} if kind == "card" else {}),
        },
        {"refunds": refunds},
    )


def _card() -> Fields:
    return {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": "visa",
        "exp_month": 9,
        "exp_year": 2032,
        "fingerprint": "OiMHMa3aYsyDbc1P",
        "funding": "credit",
        "generated_from": None,
        "last4": "4242",
        "networks": {"available": ["visa"], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def retrieve(call: Call) -> Record:
    """One payment method."""
    return call.world.existing("payment_method", call.id)


def listed(call: Call) -> Page:
    """The payment methods of a customer."""
    store = call.world.store
    ids = store.ids("payment_method", "customer", call.params.get("customer"))
    return page(store, "payment_method", ids, call.params, url="/v1/payment_methods")


ROUTES = (
    Route(
        method="POST", path="/v1/payment_methods/{payment_method}/attach", act=attach, answers="payment_method",
        permission="payment_method_write", takes={**params.EXPAND, "customer": params.text}, required=("customer",),
    ),
    Route(
        method="GET", path="/v1/payment_methods/{payment_method}", act=retrieve, answers="payment_method",
        permission="payment_method_read", takes=params.EXPAND,
    ),
    Route(
        method="GET", path="/v1/payment_methods", act=listed, answers="list:payment_method",
        permission="payment_method_read", takes={**params.PAGE, "customer": params.text, "type": params.text},
    ),
)  # fmt: skip
