"""What each variable of the cluster must look like. Every complaint is one line, and none shows the value."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from cronsim import CronSim, CronSimError
from pydantic import SecretStr

SETTLING_MAX_S: Final = 3600
# Stripe is the limit, not the threads: 100 calls a second of 200 ms are 20 in flight. 64 is the pool of connections.
THREADS_MAX: Final = 64
# A token that is guessed in an afternoon is none.
TOKEN_LENGTH_MIN: Final = 16

_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]+")
_DATABASE_NUMBER = re.compile(r"/?|/[0-9]+")
_CERTIFICATES = {"none": False, "CERT_NONE": False, "required": True, "CERT_REQUIRED": True}
# An Apprise address may hold commas itself (mailto://…?to=a,b): only one before the next scheme divides.
_BETWEEN_ADDRESSES = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001  local times without a zone: only whether there is one is asked


def webhook_secrets(value: SecretStr) -> SecretStr:
    """One or several, comma separated: both are valid while a secret is rotated."""
    secrets = [secret.strip() for secret in value.get_secret_value().split(",")]
    if not all(_WEBHOOK_SECRET.fullmatch(secret) for secret in secrets):
        raise ValueError("must be one or several secrets that start with whsec_, separated by commas")
    return value


def redis_url(value: SecretStr) -> SecretStr:
    """A server by TCP, with TLS or without."""
    parts = _split(value.get_secret_value())
    if parts is None or parts.scheme not in {"redis", "rediss"}:
        raise ValueError("must be an address such as redis://127.0.0.1:6379/0 or rediss://:password@host:6379")
    if _DATABASE_NUMBER.fullmatch(parts.path) is None:
        raise ValueError("must end with the number of a database (…:6379/0) or after the port")
    for name, chosen in parse_qsl(parts.query, keep_blank_values=True):
        if name != "ssl_cert_reqs" or chosen not in _CERTIFICATES or parts.scheme != "rediss":
            raise ValueError("may have no option but ssl_cert_reqs=none or required, and that with rediss://")
    return value


def plain_redis_url(url: str, *, certificates_unknown: bool) -> str:
    """The address with the one option that redis-py and Celery read alike.

    Args:
        certificates_unknown: The platform signs the servers' certificates itself (Heroku): TLS without a check of them.
    """
    parts = urlsplit(url)
    chosen = dict(parse_qsl(parts.query)).get("ssl_cert_reqs", "none" if certificates_unknown else "required")
    query = f"ssl_cert_reqs={'required' if _CERTIFICATES[chosen] else 'none'}" if parts.scheme == "rediss" else ""
    return parts._replace(query=query).geturl()


def night_crontab(value: str) -> str:
    """Five fields as cron has them; some day must match."""
    if len(value.split()) != 5:
        raise ValueError("must have five fields: minute, hour, day, month, weekday, for example 30 2 * * *")
    try:
        next(CronSim(value, _ANY_DAY))
    except (CronSimError, StopIteration) as error:
        said = str(error).lower() or "no day matches"
        raise ValueError(f"is no crontab: {said}; write for example 30 2 * * *") from None
    return value


def settling_seconds(value: str) -> int:
    """How long an event's customer rests before it is examined."""
    return _whole(value, least=0, most=SETTLING_MAX_S, what="seconds")


def worker_threads(value: str) -> int:
    """How many cases a worker has in hand at once."""
    return _whole(value, least=1, most=THREADS_MAX, what="threads")


def port(value: str) -> int:
    """Where `web` listens."""
    return _whole(value, least=1, most=65535, what="a port's number")


def notify_urls(value: SecretStr) -> SecretStr:
    """Addresses as Apprise writes them; whether it knows their kind is asked where they are used."""
    if not all("://" in address for address in split_addresses(value.get_secret_value())):
        raise ValueError("must be addresses as Apprise writes them (slack://…, mailto://…), separated by spaces")
    return value


def split_addresses(value: str) -> tuple[str, ...]:
    """The addresses of a list that white space or commas divide."""
    return tuple(_BETWEEN_ADDRESSES.split(value.strip().strip(",").strip()))


def metrics_token(value: SecretStr) -> SecretStr:
    """What a scraper sends as its bearer token."""
    token = value.get_secret_value()
    if len(token) < TOKEN_LENGTH_MIN or not token.isascii() or token.split() != [token]:
        raise ValueError(f"must have at least {TOKEN_LENGTH_MIN} characters and no white space")
    return value


def sentry_dsn(value: SecretStr) -> SecretStr:
    """Where errors are sent, as Sentry shows it in the project's settings."""
    parts = _split(value.get_secret_value())
    if parts is None or parts.scheme not in {"http", "https"} or not parts.username or parts.path in {"", "/"}:
        raise ValueError("must be a DSN such as https://key@o1.ingest.sentry.io/1")
    return value


def otlp_endpoint(value: str) -> str:
    """Where traces are sent."""
    parts = _split(value)
    if parts is None or parts.scheme not in {"http", "https"}:
        raise ValueError("must be an address such as http://127.0.0.1:4318")
    return value


def heartbeat_directory(value: Path) -> Path:
    """Where a sign of life can be left."""
    if not value.is_dir():
        raise ValueError("must be a directory that exists")
    return value


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        whole = bool(parts.hostname) and parts.port != 0 and address.split() == [address]
    except ValueError:  # a port that is no number, a broken IPv6 address
        return None
    return parts if whole else None


def _whole(value: str, *, least: int, most: int, what: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
        raise ValueError(f"must be a whole number from {least} to {most} ({what})")
    return int(value)
