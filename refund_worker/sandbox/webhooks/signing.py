"""The `Stripe-Signature` header; source: docs.stripe.com/webhooks/signature."""

from __future__ import annotations

import hashlib
import hmac


def signature(body: bytes, *, secret: str, at: int) -> str:
    """`t=...,v1=...`: the HMAC-SHA256 of `{t}.{body}` under the endpoint's secret; `at` is epoch seconds."""
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
