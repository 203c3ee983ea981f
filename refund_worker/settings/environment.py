"""The variables, as one frozen object."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from refund_worker.settings import checks, cluster_checks
from refund_worker.settings.secret_parts import SECRET_LENGTH_MIN, secret_parts

# Stripe's limits in requests a second, of the account and of one endpoint (docs.stripe.com/rate-limits).
LIVE_PER_SECOND: Final = 100.0
TEST_PER_SECOND: Final = 25.0
ENDPOINT_PER_SECOND: Final = 25.0
# What the merchant's own checkout keeps: 40 % of the account's limit and 20 % of each endpoint's.
GLOBAL_SHARE: Final = 0.6
ENDPOINT_SHARE: Final = 0.8


class SettingsError(Exception):
    """The environment is wrong: one line that names the variable and what to do, never a secret."""


class Rates(NamedTuple):
    """Requests a second this process may send: in all, and to any one endpoint."""

    global_per_second: float
    endpoint_per_second: float


class Settings(BaseSettings):
    """The environment (README, Contracts). An empty variable counts as unset.

    Attributes:
        api_base: The address of the API without its last slash; None = Stripe's own.
        policy_path: Where policy.toml is; None = the default policy.
        company_tz: The zone in which finance counts days.
        refund_live: The word that lets money move with a live key.
        night_crontab: When the night begins, five fields, local time of `company_tz`.
        settling_s: How long a customer rests after an event, so that the proration invoice can finalise.
        worker_threads: Cases that one worker has in hand at once.
        heartbeat_directory: Where worker and beat touch a file as a sign of life; None = nowhere.
        heroku_dyno: Set by Heroku, whose Redis servers have certificates that nobody can check.
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

    stripe_api_key: Annotated[SecretStr | None, AfterValidator(checks.api_key), Field(alias="STRIPE_API_KEY")] = None
    api_base: Annotated[str | None, AfterValidator(checks.api_base), Field(alias="STRIPE_API_BASE")] = None
    given_webhook_secrets: Annotated[
        SecretStr | None, AfterValidator(cluster_checks.webhook_secrets), Field(alias="STRIPE_WEBHOOK_SECRET")
    ] = None
    given_database_url: Annotated[
        SecretStr | None, AfterValidator(checks.database_url), Field(alias="DATABASE_URL")
    ] = None
    given_redis_url: Annotated[SecretStr | None, AfterValidator(cluster_checks.redis_url), Field(alias="REDIS_URL")] = (
        None
    )
    policy_path: Annotated[Path | None, Field(alias="REFUND_POLICY")] = None
    company_tz: Annotated[tzinfo, BeforeValidator(checks.company_tz), Field(alias="COMPANY_TZ")] = UTC
    rate_global: Annotated[float | None, BeforeValidator(checks.rate), Field(alias="STRIPE_RATE_GLOBAL")] = None
    rate_endpoint: Annotated[float | None, BeforeValidator(checks.rate), Field(alias="STRIPE_RATE_ENDPOINT")] = None
    rate_share: Annotated[float | None, BeforeValidator(checks.share), Field(alias="STRIPE_RATE_SHARE")] = None
    refund_live: Annotated[bool, BeforeValidator(checks.live), Field(alias="REFUND_LIVE")] = False
    night_crontab: Annotated[str, BeforeValidator(cluster_checks.night_crontab), Field(alias="NIGHT_CRONTAB")] = (
        "30 2 * * *"
    )
    settling_s: Annotated[int, BeforeValidator(cluster_checks.settling_seconds), Field(alias="SETTLING_SECONDS")] = 60
    worker_threads: Annotated[int, BeforeValidator(cluster_checks.worker_threads), Field(alias="WORKER_THREADS")] = 32
    port: Annotated[int, BeforeValidator(cluster_checks.port), Field(alias="PORT")] = 8000
    given_metrics_token: Annotated[
        SecretStr | None, AfterValidator(cluster_checks.metrics_token), Field(alias="METRICS_TOKEN")
    ] = None
    given_notify_urls: Annotated[
        SecretStr | None, AfterValidator(cluster_checks.notify_urls), Field(alias="NOTIFY_URLS")
    ] = None
    given_sentry_dsn: Annotated[
        SecretStr | None, AfterValidator(cluster_checks.sentry_dsn), Field(alias="SENTRY_DSN")
    ] = None
    otlp_endpoint: Annotated[
        str | None, AfterValidator(cluster_checks.otlp_endpoint), Field(alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    ] = None
    heartbeat_directory: Annotated[
        Path | None, AfterValidator(cluster_checks.heartbeat_directory), Field(alias="HEARTBEAT_DIRECTORY")
    ] = None
    heroku_dyno: Annotated[str | None, Field(alias="DYNO")] = None

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
        return _clear(self.given_database_url) or checks.DATABASE_URL_DEFAULT

    @property
    def redis_url(self) -> str | None:
        """Where Redis is, in the clear, with the choice of what TLS checks in it; None where none is set."""
        given = _clear(self.given_redis_url)
        unknown = self.heroku_dyno is not None
        return None if given is None else cluster_checks.plain_redis_url(given, certificates_unknown=unknown)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that sign webhooks, in the clear, the newest first; none where none is set."""
        given = _clear(self.given_webhook_secrets)
        return () if given is None else tuple(secret.strip() for secret in given.split(","))

    @property
    def notify_urls(self) -> tuple[str, ...]:
        """Where notices go, in the clear: such an address is a secret as a whole."""
        given = _clear(self.given_notify_urls)
        return () if given is None else cluster_checks.split_addresses(given)

    def secrets(self) -> frozenset[str]:
        """What no log line may show, whole or in part, beside what looks like a secret anyway."""
        given = (self.given_webhook_secrets, self.given_metrics_token, self.stripe_api_key)
        found = {part for one in given for part in (_clear(one) or "").split(",")}
        addresses = (_clear(self.given_database_url), _clear(self.given_redis_url), _clear(self.given_sentry_dsn))
        passwords = {word for address in addresses if address for word in secret_parts(address, whole=False)}
        targets = {word for address in self.notify_urls for word in secret_parts(address, whole=True)}
        return frozenset(word.strip() for word in found | passwords | targets if len(word.strip()) >= SECRET_LENGTH_MIN)

    @property
    def metrics_token(self) -> str | None:
        """The bearer token of `/metrics`, in the clear."""
        return _clear(self.given_metrics_token)

    @property
    def sentry_dsn(self) -> str | None:
        """Where errors are sent, in the clear."""
        return _clear(self.given_sentry_dsn)

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


def _clear(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


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
