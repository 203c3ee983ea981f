"""The environment: what the platform tells the program, checked once, before anything else happens."""

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

DATABASE_URL_DEFAULT: Final = "sqlite:///refund-worker.sqlite"
# Stripe's limits in requests a second, of the account and of one endpoint (docs.stripe.com/rate-limits).
LIVE_PER_SECOND: Final = 100.0
TEST_PER_SECOND: Final = 25.0
ENDPOINT_PER_SECOND: Final = 25.0
# What the merchant's own checkout keeps: 40 % of the account's limit and 20 % of each endpoint's.
GLOBAL_SHARE: Final = 0.6
ENDPOINT_SHARE: Final = 0.8
# Below, a night would not end; above lies no limit that Stripe grants: a slip of the keyboard.
RATE_MIN: Final = 0.1
RATE_MAX: Final = 10_000.0

_KEY = re.compile(r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9_]+")

_IN_MEMORY = re.compile(r"sqlite(\+[a-z]+)?:(/{0,3}|/*:memory:)")


class SettingsError(Exception):
    """The environment is wrong: one line that names the variable and what to do, never a secret."""


class Rates(NamedTuple):
    """Requests a second this process may send: in all, and to any one endpoint."""

    global_per_second: float
    endpoint_per_second: float


def _api_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if key.startswith("pk_"):
        raise ValueError("is a publishable key: use a restricted (rk_...) or secret (sk_...) key")
    if key.split() != [key]:
        raise ValueError("has white space in it: copy the key again")
    if _KEY.fullmatch(key) is None:
        raise ValueError("is no Stripe key: it must start with rk_test_, rk_live_, sk_test_ or sk_live_")
    return value


def _api_base(value: str) -> str:
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


def _database_url(value: SecretStr) -> SecretStr:
    if _IN_MEMORY.fullmatch(value.get_secret_value()):
        raise ValueError(f"names no file, so the ledger would be gone after the command: use {DATABASE_URL_DEFAULT}")
    return value


def _company_tz(value: str) -> tzinfo:
    if value == "UTC":  # known without the machine's time zone files, which small containers lack
        return UTC
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, LookupError):  # unknown, a path, a directory of zones
        raise ValueError("is no time zone of this machine: use an IANA name such as Europe/Berlin, or UTC") from None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("must be a number") from None


def _rate(value: str) -> float:
    rate = _number(value)
    if not RATE_MIN <= rate <= RATE_MAX:  # refuses what is not a number too
        raise ValueError(f"must be a number of requests a second from {RATE_MIN:g} to {RATE_MAX:g}")
    return rate


def _share(value: str) -> float:
    share = _number(value)
    if not 0.01 <= share <= 1:
        raise ValueError("must be a number from 0.01 to 1, the part of Stripe's limits to use")
    return share


def _live(value: str) -> bool:
    if value not in {"0", "1"}:
        raise ValueError("must be 1 (money moves with a live key) or 0 (plans only)")
    return value == "1"


class Settings(BaseSettings):
    """The environment (README, Contracts). An empty variable counts as unset.

    Attributes:
        api_base: The address of the API without its last slash; None = Stripe's own.
        policy_path: Where policy.toml is; None = the default policy.
        company_tz: The zone in which finance counts days.
        refund_live: The word that lets money move with a live key.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        case_sensitive=True,
        validate_default=False,
        env_ignore_empty=True,
    )

    stripe_api_key: Annotated[SecretStr | None, AfterValidator(_api_key), Field(alias="STRIPE_API_KEY")] = None
    api_base: Annotated[str | None, AfterValidator(_api_base), Field(alias="STRIPE_API_BASE")] = None
    given_database_url: Annotated[SecretStr | None, AfterValidator(_database_url), Field(alias="DATABASE_URL")] = None
    policy_path: Annotated[Path | None, Field(alias="REFUND_POLICY")] = None
    company_tz: Annotated[tzinfo, BeforeValidator(_company_tz), Field(alias="COMPANY_TZ")] = UTC
    rate_global: Annotated[float | None, BeforeValidator(_rate), Field(alias="STRIPE_RATE_GLOBAL")] = None
    rate_endpoint: Annotated[float | None, BeforeValidator(_rate), Field(alias="STRIPE_RATE_ENDPOINT")] = None
    rate_share: Annotated[float | None, BeforeValidator(_share), Field(alias="STRIPE_RATE_SHARE")] = None
    refund_live: Annotated[bool, BeforeValidator(_live), Field(alias="REFUND_LIVE")] = False

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` passes: no .env file, no directory of secrets, no environment behind its back."""
        return (sources["init_settings"],)

    @model_validator(mode="after")
    def _live_names_its_ledger(self) -> Self:
        if self.livemode and self.given_database_url is None:
            raise ValueError("DATABASE_URL is not set: a live key needs a ledger in a place that lasts")
        return self

    @property
    def api_key(self) -> str:
        """The key in the clear, for the gateway only. Raises SettingsError where none is set."""
        if self.stripe_api_key is None:
            raise SettingsError("STRIPE_API_KEY is not set: set it to a test key (rk_test_... or sk_test_...) to begin")
        return self.stripe_api_key.get_secret_value()

    @property
    def livemode(self) -> bool:
        """The key is a live one; False without a key."""
        return self._key_says("_live_")

    @property
    def restricted(self) -> bool:
        """The key is a restricted one; False without a key."""
        return self._key_says("rk_")

    @property
    def database_url(self) -> str:
        """Where the ledger is, in the clear: it may hold a password."""
        return DATABASE_URL_DEFAULT if self.given_database_url is None else self.given_database_url.get_secret_value()

    @property
    def moves_money(self) -> bool:
        """Money may move: a test key, or a live one with REFUND_LIVE=1."""
        return self.stripe_api_key is not None and (self.refund_live or not self.livemode)

    def rates(self) -> Rates:
        """Requests a second: what is set, else the limits of the key's mode times the share."""
        limit = LIVE_PER_SECOND if self.livemode else TEST_PER_SECOND
        return Rates(
            global_per_second=self.rate_global or limit * (self.rate_share or GLOBAL_SHARE),
            endpoint_per_second=self.rate_endpoint or ENDPOINT_PER_SECOND * (self.rate_share or ENDPOINT_SHARE),
        )

    def _key_says(self, word: str) -> bool:
        return self.stripe_api_key is not None and word in self.stripe_api_key.get_secret_value()[: len("rk_live_")]


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check the environment.

    Raises:
        SettingsError: If a variable is wrong; one line that names each wrong one, without its value.
    """
    source = EnvSettingsSource(Settings)
    source.env_vars = {name: value for name, value in environ.items() if value}
    try:
        return Settings(**source())
    except ValidationError as invalid:
        lines = [_line(error) for error in invalid.errors(include_input=False, include_url=False)]
    raise SettingsError("; ".join(lines))


def _line(error: ErrorDetails) -> str:
    said = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
    return " ".join([*map(str, error["loc"]), said])
