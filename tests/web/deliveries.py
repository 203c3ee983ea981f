"""Events as Stripe sends them, and signatures made by hand: neither our code nor the vendor's signs here."""

import hashlib
import hmac
import json
import time
from typing import Any

SECRET = "whsec_Planted7webhook"  # noqa: S105  planted, to be looked for in what is answered and logged
OTHER_SECRET = "whsec_Planted7another"  # noqa: S105  the same
MAIL = "jane.roe@example.com"


def event(
    event_id: str = "evt_1", *, kind: str = "customer.subscription.deleted", livemode: bool = False, **more: Any
) -> dict[str, Any]:
    """An event of a subscription that ended, with an address in its payload."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "type": kind,
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1", "description": MAIL}},
        **more,
    }


def body_of(told: object) -> bytes:
    """As Stripe writes it: JSON of several lines."""
    return json.dumps(told, indent=2).encode()


def signature(body: bytes, *, secret: str = SECRET, age_s: int = 0, version: str = "v1") -> str:
    """A `Stripe-Signature` made `age_s` seconds ago."""
    at = int(time.time()) - age_s
    return f"t={at},{version}={digest(body, secret=secret, at=at)}"


def digest(body: bytes, *, secret: str = SECRET, at: int) -> str:
    """The signature alone."""
    return hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
