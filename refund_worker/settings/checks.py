"""What each variable of the core must look like. Every complaint is one line, and none shows the value."""

import re
from datetime import UTC, tzinfo
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

DATABASE_URL_DEFAULT: Final = "sqlite:///refund-worker.sqlite"
# Below, a night would not end; above lies no limit that Stripe grants: a slip of the keyboard.
RATE_MIN: Final = 0.1
RATE_MAX: Final = 10_000.0

_KEY = re.compile(r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9_]+")

_IN_MEMORY = re.compile(r"sqlite(\+[a-z]+)?:(/{0,3}|/*:memory:)")


def api_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if key.startswith("pk_"):
        raise ValueError("is a publishable key: use a restricted (rk_...) or secret (sk_...) key")
    if key.split() != [key]:
        raise ValueError("has white space in it: copy the key again")
    if _KEY.fullmatch(key) is None:
        raise ValueError("is no Stripe key: it must start with rk_test_, rk_live_, sk_test_ or sk_live_")
    return value


def api_base(value: str) -> str:
    parts = _split(value)
    if parts is None:
        raise ValueError("must be an address such as https://api.stripe.com or http://127.0.0.1:8420")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password: the key is in STRIPE_API_KEY")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValueError("must end after the host and port: no path, no query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("must start with https://: plain http, which shows the key, is for this machine only")
    return value.rstrip("/")


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        return None
    return parts if whole and address.isascii() and address.split() == [address] and "\\" not in address else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def database_url(value: SecretStr) -> SecretStr:
    if _IN_MEMORY.fullmatch(value.get_secret_value()):
        raise ValueError(f"names no file, so the ledger would be gone after the command: use {DATABASE_URL_DEFAULT}")
    return value


def company_tz(value: str) -> tzinfo:
    if value == "UTC":  # known without the machine's time zone files, which small containers lack
        return UTC
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, LookupError):  # unknown, a path, a directory of zones
        raise ValueError("is no time zone of this machine: use an IANA name such as Europe/Berlin, or UTC") from None


def number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("must be a number") from None


def rate(value: str) -> float:
    found = number(value)
    if not RATE_MIN <= found <= RATE_MAX:  # refuses what is not a number too
        raise ValueError(f"must be a number of requests a second from {RATE_MIN:g} to {RATE_MAX:g}")
    return found


def share(value: str) -> float:
    found = number(value)
    if not 0.01 <= found <= 1:
        raise ValueError("must be a number from 0.01 to 1, the part of Stripe's limits to use")
    return found


def live(value: str) -> bool:
    if value not in {"0", "1"}:
        raise ValueError("must be 1 (money moves with a live key) or 0 (plans only)")
    return value == "1"
