"""The environment is read once, checked, and a wrong variable is named without its value."""

import os
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
    REFUND_LIVE           yes                          must be 1
    REFUND_LIVE           true                         must be 1
"""


@pytest.mark.parametrize("row", [line.split(maxsplit=2) for line in WRONG.strip().splitlines()], ids=" ".join)
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
    settings = load_settings({"STRIPE_API_KEY": "sk_live_hidden", "DATABASE_URL": "postgresql://me:hidden@db/x"})
    assert "hidden" not in repr(settings) + str(settings) + str(settings.model_dump()) + settings.model_dump_json(
        exclude={"company_tz"}
    )


def test_settings_do_not_change() -> None:
    """What was checked stays as it was."""
    settings = load_settings(TEST_KEY)
    with pytest.raises(ValueError, match="frozen"):
        settings.refund_live = True
    assert isinstance(settings, Settings)
