"""API keys: which are known, and what a restricted one may be used for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_KEY: Final = "sk_test_sandbox"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`permissions` is None for a secret key, which may do everything; else names like `charge_read`."""

    kind: str  # secret or restricted
    permissions: frozenset[str] | None


def known_keys(keys: Mapping[str, Mapping[str, Any] | None] | None) -> dict[str, ApiKey]:
    """Read the keys a sandbox is given: `{"sk_...": None, "rk_...": {"permissions": ["customer_read"]}}`."""
    given = {DEFAULT_KEY: None} if keys is None else keys
    return {key: _api_key(rules) for key, rules in given.items()}


def _api_key(rules: Mapping[str, Any] | None) -> ApiKey:
    if rules is None:
        return ApiKey("secret", None)
    return ApiKey("restricted", frozenset(_with_reads(rules.get("permissions", ()))))


def _with_reads(permissions: Iterable[str]) -> Iterable[str]:
    for permission in permissions:
        plain = permission.removeprefix("rak_")
        yield plain
        if plain.endswith("_write"):  # Stripe's write permission includes reading
            yield plain.removesuffix("_write") + "_read"


def authenticate(keys: Mapping[str, ApiKey], authorization: str | None) -> tuple[str, ApiKey]:
    """The key of an Authorization header, Bearer or Basic.

    Raises:
        ApiError: 401 if there is none or it is unknown.
    """
    secret = _secret(authorization or "")
    if not secret:
        raise ApiError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
            status=401, stored=False,
        )  # fmt: skip
    found = keys.get(secret)
    if found is None:
        raise invalid(secret)
    return secret, found


def invalid(secret: str) -> ApiError:
    """The refusal of a key that is not, or no longer, known."""
    return ApiError(f"Invalid API Key provided: {_masked(secret)}", status=401, stored=False)


def _secret(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _masked(secret: str) -> str:
    """As Stripe prints it: the head up to the mode, stars, the last four characters."""
    head = "_".join(secret.split("_")[:2]) + "_" if secret.count("_") > 1 else ""
    tail = secret[len(head) :]
    return f"{head}{'*' * max(len(tail) - 4, 0)}{tail[-4:]}"


def permit(secret: str, key: ApiKey, permission: str, *, account: str) -> None:
    """Check a restricted key.

    Raises:
        ApiError: 403 naming the permission that is missing.
    """
    if key.permissions is not None and permission not in key.permissions:
        raise lacking(secret, permission, account=account)


def lacking(secret: str, permission: str, *, account: str) -> ApiError:
    """The refusal of a key without a permission."""
    mode = "_".join(secret.split("_")[:2])
    return ApiError(
        f"The provided key '{mode}_***' does not have the required permissions for this endpoint on account "
        f"'{account}'. Having the 'rak_{permission}' permission would allow this request to continue.",
        status=403, stored=False,
    )  # fmt: skip
