"""The environment is read once, checked, and a wrong variable is named without its value."""

import os
import re
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from refund_worker.settings import Rates, Settings, SettingsError, load_settings

TEST_KEY = {"STRIPE_API_KEY": "sk_test_51Habc"}
LIVE_KEY = {"STRIPE_API_KEY": "rk_live_51Habc", "DATABASE_URL": "sqlite:////var/lib/ledger.sqlite"}


def test_an_empty_environment_has_defaults() -> None:
    """Commands that need no key work without one; one that needs it says what to set."""
    settings = load_settings({})
    assert settings.database_url == "sqlite:///refund-worker.sqlite"
    assert settings.company_tz is UTC
    assert settings.policy_path is None
    assert settings.api_base is None
    assert not settings.moves_money
    with pytest.raises(SettingsError, match=r"^STRIPE_API_KEY is not set: "):
        settings.api_key  # noqa: B018  reading it is what raises


def test_every_variable_is_read() -> None:
    """Each name of the contract arrives where it belongs."""
    settings = load_settings(
        LIVE_KEY
        | {
            "STRIPE_API_BASE": "https://stripe.example:8443/",
            "REFUND_POLICY": "etc/policy.toml",
            "COMPANY_TZ": "Europe/Berlin",
            "STRIPE_RATE_GLOBAL": "7.5",
            "STRIPE_RATE_ENDPOINT": "3",
            "REFUND_LIVE": "1",
        }
    )
    assert settings.api_key == "rk_live_51Habc"
    assert settings.database_url == "sqlite:////var/lib/ledger.sqlite"
    assert settings.api_base == "https://stripe.example:8443"
    assert settings.policy_path == Path("etc/policy.toml")
    assert settings.company_tz == ZoneInfo("Europe/Berlin")
    assert settings.rates() == Rates(global_per_second=7.5, endpoint_per_second=3.0)
    assert settings.moves_money


def test_an_empty_variable_counts_as_unset() -> None:
    """Platforms set variables to nothing to unset them."""
    names = ("STRIPE_API_KEY", "STRIPE_API_BASE", "DATABASE_URL", "REFUND_POLICY", "COMPANY_TZ", "REFUND_LIVE")
    rates = ("STRIPE_RATE_GLOBAL", "STRIPE_RATE_ENDPOINT", "STRIPE_RATE_SHARE")
    assert load_settings(dict.fromkeys(names + rates, "")) == load_settings({})


def test_only_the_mapping_given_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the process's environment nor a .env file in the working directory has a say; names are exact."""
    (tmp_path / ".env").write_text("STRIPE_API_KEY=sk_test_file\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "STRIPE_API_KEY", "sk_test_process")
    assert load_settings({"stripe_api_key": "sk_test_lower"}).stripe_api_key is None
    assert load_settings({"STRIPE_API_KEY": "sk_test_given"}).api_key == "sk_test_given"


@pytest.mark.parametrize(
    ("key", "livemode", "restricted"),
    [
        ("sk_live_a1", True, False),
        ("rk_live_a1", True, True),
        ("sk_test_a1", False, False),
        ("rk_test_a1", False, True),
        ("sk_test_live_1", False, False),
    ],
)
def test_the_key_tells_its_mode_and_kind(key: str, livemode: bool, restricted: bool) -> None:
    """Only the prefix counts."""
    settings = load_settings({"STRIPE_API_KEY": key, "DATABASE_URL": "sqlite:///x"})
    assert (settings.livemode, settings.restricted) == (livemode, restricted)


@pytest.mark.parametrize(
    ("environ", "moves"),
    [
        (TEST_KEY, True),
        (TEST_KEY | {"REFUND_LIVE": "0"}, True),
        (LIVE_KEY, False),
        (LIVE_KEY | {"REFUND_LIVE": "0"}, False),
        (LIVE_KEY | {"REFUND_LIVE": "1"}, True),
        ({"REFUND_LIVE": "1"}, False),
    ],
)
def test_a_live_key_moves_money_only_when_told(environ: dict[str, str], moves: bool) -> None:
    """REFUND_LIVE=1 is the only word that lets live money move; without a key nothing moves."""
    assert load_settings(environ).moves_money is moves


@pytest.mark.parametrize(
    ("environ", "rates"),
    [
        (LIVE_KEY, (60.0, 20.0)),
        (TEST_KEY, (15.0, 20.0)),
        (LIVE_KEY | {"STRIPE_RATE_SHARE": "1"}, (100.0, 25.0)),
        (TEST_KEY | {"STRIPE_RATE_SHARE": "1"}, (25.0, 25.0)),
        (LIVE_KEY | {"STRIPE_RATE_SHARE": "0.5"}, (50.0, 12.5)),
        (LIVE_KEY | {"STRIPE_RATE_GLOBAL": "500"}, (500.0, 20.0)),
        (LIVE_KEY | {"STRIPE_RATE_SHARE": "0.5", "STRIPE_RATE_ENDPOINT": "100"}, (50.0, 100.0)),
    ],
)
def test_rates_leave_the_checkout_its_share(environ: dict[str, str], rates: tuple[float, float]) -> None:
    """60 % of the account's limit and 80 % of each endpoint's; a share is of both; a rate that is set stands."""
    assert load_settings(environ).rates() == pytest.approx(rates)


WRONG = """
    STRIPE_API_KEY        nonsense                     is no Stripe key
    STRIPE_API_KEY        sk_prod_abc                  is no Stripe key
    STRIPE_API_KEY        sk_live_                     is no Stripe key
    STRIPE_API_KEY        sk_live_ab-c                 is no Stripe key
    STRIPE_API_KEY        pk_live_abc                  is a publishable key
    STRIPE_API_KEY        whsec_abc                    is no Stripe key
    STRIPE_API_BASE       127.0.0.1:8420               must be an address
    STRIPE_API_BASE       ftp://127.0.0.1              must be an address
    STRIPE_API_BASE       https://                     must be an address
    STRIPE_API_BASE       https://x:99999              must be an address
    STRIPE_API_BASE       https://x:0                  must be an address
    STRIPE_API_BASE       https://[::1                 must be an address
    STRIPE_API_BASE       https://x\\y                 must be an address
    STRIPE_API_BASE       https://ü.example            must be an address
    STRIPE_API_BASE       https://me:word@x            must not hold a user name
    STRIPE_API_BASE       https://me@x                 must not hold a user name
    STRIPE_API_BASE       https://x/v1                 must end after the host
    STRIPE_API_BASE       https://x?a=1                must end after the host
    STRIPE_API_BASE       https://x/?                  must end after the host
    STRIPE_API_BASE       http://api.stripe.com        must start with https://
    STRIPE_API_BASE       http://127.0.0.1.example     must start with https://
    STRIPE_API_BASE       http://0.0.0.0               must start with https://
    DATABASE_URL          sqlite://                    names no file
    DATABASE_URL          sqlite:///                   names no file
    DATABASE_URL          sqlite:///:memory:           names no file
    COMPANY_TZ            Mars/Base                    is no time zone
    COMPANY_TZ            Europe                       is no time zone
    COMPANY_TZ            ../../etc/passwd             is no time zone
    COMPANY_TZ            /etc/localtime               is no time zone
    STRIPE_RATE_GLOBAL    fast                         must be a number
    STRIPE_RATE_GLOBAL    nan                          must be a number
    STRIPE_RATE_GLOBAL    inf                          must be a number of requests
    STRIPE_RATE_GLOBAL    0                            must be a number of requests
    STRIPE_RATE_GLOBAL    -5                           must be a number of requests
    STRIPE_RATE_ENDPOINT  1e9                          must be a number of requests
    STRIPE_RATE_ENDPOINT  25/s                         must be a number
    STRIPE_RATE_SHARE     0                            must be a number from 0.01 to 1
    STRIPE_RATE_SHARE     1.01                         must be a number from 0.01 to 1
    STRIPE_RATE_SHARE     60%                          must be a number
    STRIPE_WEBHOOK_SECRET  sk_test_abc                  must be one or several secrets
    STRIPE_WEBHOOK_SECRET  whsec_a,,whsec_b             must be one or several secrets
    STRIPE_WEBHOOK_SECRET  whsec_a;whsec_b              must be one or several secrets
    STRIPE_WEBHOOK_SECRET  whsec_                       must be one or several secrets
    REDIS_URL             127.0.0.1:6379               must be an address
    REDIS_URL             http://127.0.0.1             must be an address
    REDIS_URL             redis://                     must be an address
    REDIS_URL             redis://x:99999              must be an address
    REDIS_URL             redis://x:0                  must be an address
    REDIS_URL             unix:///run/redis.sock       must be an address
    REDIS_URL             redis://x/main               must end with the number
    REDIS_URL             redis://x/0?timeout=1        may have no option
    REDIS_URL             redis://x/0?ssl_cert_reqs=none        may have no option
    REDIS_URL             rediss://x/0?ssl_cert_reqs=some       may have no option
    NIGHT_CRONTAB         daily                        must have five fields
    NIGHT_CRONTAB         0 30 2 * * *                 must have five fields
    NIGHT_CRONTAB         60 2 * * *                   is no crontab: bad minute
    NIGHT_CRONTAB         30 24 * * *                  is no crontab: bad hour
    NIGHT_CRONTAB         0 0 31 2 *                   is no crontab: bad day-of-month
    NIGHT_CRONTAB         0 0 30,31 2 *                is no crontab: bad day-of-month
    NIGHT_CRONTAB         0 2 * * FUNDAY               is no crontab: bad day-of-week
    SETTLING_SECONDS      -1                           must be a whole number from 0 to 3600
    SETTLING_SECONDS      3601                         must be a whole number from 0 to 3600
    SETTLING_SECONDS      1.5                          must be a whole number from 0 to 3600
    SETTLING_SECONDS      ٣                            must be a whole number from 0 to 3600
    WORKER_THREADS        0                            must be a whole number from 1 to 64
    WORKER_THREADS        65                           must be a whole number from 1 to 64
    PORT                  http                         must be a whole number from 1 to 65535
    PORT                  65536                        must be a whole number from 1 to 65535
    HEARTBEAT_DIRECTORY   /nowhere/at/all              must be a directory
    NOTIFY_URLS           slack                        must be addresses
    METRICS_TOKEN         short                        must have at least 16
    METRICS_TOKEN         sixteen characters           must have at least 16
    SENTRY_DSN            https://sentry.io/1          must be a DSN
    SENTRY_DSN            key                          must be a DSN
    OTEL_EXPORTER_OTLP_ENDPOINT  127.0.0.1:4318         must be an address
    REFUND_LIVE           yes                          must be 1
    REFUND_LIVE           true                         must be 1
"""


@pytest.mark.parametrize(
    "row", [re.split(r"\s{2,}", line.strip()) for line in WRONG.strip().splitlines()], ids=" ".join
)
def test_a_wrong_variable_is_named(row: list[str]) -> None:
    """One line: the variable, and what it must be."""
    name, value, said = row
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    line = str(caught.value)
    assert line.startswith(f"{name} {said}")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_KEY", "sk_liveplanted"),
        ("STRIPE_API_KEY", "whsec_planted"),
        ("STRIPE_API_BASE", "https://me:planted@x"),
        ("STRIPE_API_BASE", "planted"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_planted;"),
        ("REDIS_URL", "redis://:planted@x/name"),
        ("REDIS_URL", "https://:planted@x"),
        ("NOTIFY_URLS", "planted"),
        ("METRICS_TOKEN", "planted"),
        ("SENTRY_DSN", "planted"),
    ],
)
def test_a_refused_value_is_not_shown(name: str, value: str) -> None:
    """What was pasted into the wrong variable may be a secret: neither the line nor what led to it shows it."""
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    assert "planted" not in str(caught.value)
    assert "planted" not in repr(caught.value.__cause__)


@pytest.mark.parametrize("key", ["sk_test_abc\n", " sk_test_abc", "sk_test_a bc"])
def test_white_space_in_a_key_is_told(key: str) -> None:
    """A key copied with its line end would travel in a header."""
    with pytest.raises(SettingsError, match=r"^STRIPE_API_KEY has white space in it") as caught:
        load_settings({"STRIPE_API_KEY": key})
    assert "abc" not in str(caught.value)


def test_every_wrong_variable_is_named_in_one_line() -> None:
    """Whoever deploys mends all of them at once."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"STRIPE_API_KEY": "x", "COMPANY_TZ": "y", "REFUND_LIVE": "z"})
    line = str(caught.value)
    assert [name in line for name in ("STRIPE_API_KEY", "COMPANY_TZ", "REFUND_LIVE")] == [True, True, True]
    assert "\n" not in line


def test_a_live_key_needs_a_ledger_that_lasts() -> None:
    """In a container the working directory is gone tomorrow."""
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is not set: a live key needs"):
        load_settings({"STRIPE_API_KEY": "sk_live_abc"})


def test_plain_http_is_for_this_machine() -> None:
    """A key travels in clear only where nobody listens on the line."""
    for base in ("http://127.0.0.1:8420", "http://localhost:1", "http://[::1]:8420", "http://127.9.9.9"):
        assert load_settings({"STRIPE_API_BASE": base}).api_base == base


def test_no_secret_is_in_what_is_printed() -> None:
    """Settings may end up in a traceback or a log."""
    settings = load_settings(
        {
            "STRIPE_API_KEY": "sk_live_hidden",
            "DATABASE_URL": "postgresql://me:hidden@db/x",
            "REDIS_URL": "redis://:hidden@cache/0",
            "STRIPE_WEBHOOK_SECRET": "whsec_hidden",
            "NOTIFY_URLS": "slack://hidden/b/c",
            "METRICS_TOKEN": "hidden-and-long-enough",
            "SENTRY_DSN": "https://hidden@sentry.example/1",
        }
    )
    assert "hidden" not in repr(settings) + str(settings) + str(settings.model_dump()) + settings.model_dump_json(
        exclude={"company_tz"}
    )


def test_settings_do_not_change() -> None:
    """What was checked stays as it was."""
    settings = load_settings(TEST_KEY)
    with pytest.raises(ValueError, match="frozen"):
        settings.refund_live = True
    assert isinstance(settings, Settings)


def test_every_variable_of_the_cluster_is_read() -> None:
    """Each name of the contract arrives where it belongs."""
    settings = load_settings(
        {
            "STRIPE_WEBHOOK_SECRET": "whsec_new+/=, whsec_old",
            "REDIS_URL": "redis://:word@cache:6380/2",
            "NIGHT_CRONTAB": "15 3 * * 1-5",
            "SETTLING_SECONDS": "0",
            "WORKER_THREADS": "64",
            "PORT": "5000",
            "METRICS_TOKEN": "a-token-of-enough-characters",
            "NOTIFY_URLS": "slack://a/b/c, mailto://me:word@x?to=a@x,b@x\njson://127.0.0.1:1/",
            "SENTRY_DSN": "https://key@o1.ingest.sentry.io/1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        }
    )
    assert settings.webhook_secrets == ("whsec_new+/=", "whsec_old")
    assert settings.redis_url == "redis://:word@cache:6380/2"
    assert (settings.night_crontab, settings.settling_s, settings.worker_threads) == ("15 3 * * 1-5", 0, 64)
    assert (settings.port, settings.metrics_token) == (5000, "a-token-of-enough-characters")
    assert settings.notify_urls == ("slack://a/b/c", "mailto://me:word@x?to=a@x,b@x", "json://127.0.0.1:1/")
    assert settings.sentry_dsn == "https://key@o1.ingest.sentry.io/1"
    assert settings.otlp_endpoint == "http://127.0.0.1:4318"


def test_the_cluster_has_defaults() -> None:
    """Nothing of it is needed to run a night from the command line."""
    settings = load_settings({})
    assert (settings.night_crontab, settings.settling_s, settings.worker_threads) == ("30 2 * * *", 60, 32)
    assert (settings.port, settings.redis_url, settings.metrics_token) == (8000, None, None)
    assert (settings.webhook_secrets, settings.notify_urls) == ((), ())


@pytest.mark.parametrize(
    ("url", "dyno", "meant"),
    [
        ("rediss://:w@h:6379", None, "rediss://:w@h:6379?ssl_cert_reqs=required"),
        ("rediss://:w@h:6379", "web.1", "rediss://:w@h:6379?ssl_cert_reqs=none"),
        ("rediss://:w@h:6379/0?ssl_cert_reqs=none", None, "rediss://:w@h:6379/0?ssl_cert_reqs=none"),
        ("rediss://:w@h/0?ssl_cert_reqs=CERT_REQUIRED", "web.1", "rediss://:w@h/0?ssl_cert_reqs=required"),
        ("redis://:w@h:6379/0", "web.1", "redis://:w@h:6379/0"),
    ],
)
def test_tls_of_redis_is_checked_but_on_heroku(url: str, dyno: str | None, meant: str) -> None:
    """Heroku signs its servers' certificates itself; what the address says stands."""
    assert load_settings({"REDIS_URL": url, "DYNO": dyno or ""}).redis_url == meant
