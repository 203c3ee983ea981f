"""Wrong configuration is told at the start: one line that says what to do, exit code 2, and nothing has begun."""

import subprocess
import sys

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.facts import Account
from tests.e2e.places import SECRET, TEST_KEY, Place

LIVE = {"STRIPE_API_KEY": f"rk_live_{SECRET}", "STRIPE_API_BASE": ""}
NOWHERE = f"redis://:{SECRET}@127.0.0.1:1/0"
DEMANDS = [
    ("worker beat", {"REDIS_URL": ""}, "REDIS_URL is not set"),
    ("worker beat", {"REDIS_URL": NOWHERE}, "cannot reach Redis at 127.0.0.1:1"),
    ("worker beat web", {"REDIS_URL": f"amqp://{SECRET}@x"}, "REDIS_URL must be an address"),
    ("worker beat web", {"NIGHT_CRONTAB": "61 2 * * *"}, "NIGHT_CRONTAB is no crontab"),
    ("worker", {"STRIPE_RATE_GLOBAL": "0"}, "STRIPE_RATE_GLOBAL must be a number of requests"),
    ("worker", {"WORKER_THREADS": "1000"}, "WORKER_THREADS must be a whole number"),
    ("worker", {"STRIPE_API_KEY": ""}, "STRIPE_API_KEY is not set"),
    ("worker", {"STRIPE_API_KEY": f"whsec_{SECRET}"}, "STRIPE_API_KEY is no Stripe key"),
    ("worker", {"STRIPE_API_KEY": "sk_test_unknown"}, "Stripe does not accept the key"),
    ("worker", {"REFUND_POLICY": "/nowhere/policy.toml"}, "policy"),
    ("worker", {"NOTIFY_URLS": f"nope://{SECRET}"}, "NOTIFY_URLS: address 1 is none that Apprise knows"),
    ("worker", {"NOTIFY_URLS": SECRET}, "NOTIFY_URLS must be addresses"),
    ("worker beat web", {"DATABASE_URL": "mysql://x/y"}, "is not supported"),
    ("worker beat web", {"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite"}, "does not exist"),
    ("worker", LIVE | {"DATABASE_URL": "sqlite:///x.sqlite"}, "credit_since is not set"),
    ("worker", LIVE, "DATABASE_URL is not set"),
    ("worker", {"HEARTBEAT_DIRECTORY": "/nowhere"}, "HEARTBEAT_DIRECTORY must be a directory"),
]


@pytest.mark.parametrize(
    ("role", "wrong", "said"),
    [
        pytest.param(role, wrong, said, id=f"{role}-{'-'.join(wrong)}-{said[:20]}")
        for roles, wrong, said in DEMANDS
        for role in roles.split()
    ],
)
def test_it_is_told_in_one_line(place: Place, redis_url: str, role: str, wrong: dict[str, str], said: str) -> None:
    """The line names what is wrong, and shows no secret."""
    place.environ.update({"REDIS_URL": redis_url} | wrong)
    check_told(place, role, said)


@pytest.mark.parametrize("role", ["worker", "beat", "web"])
def test_a_ledger_that_was_not_migrated(place: Place, redis_url: str, empty_postgres_url: str, role: str) -> None:
    """The line names the command that migrates it."""
    place.environ.update({"REDIS_URL": redis_url, "DATABASE_URL": empty_postgres_url})
    check_told(place, role, "refund-worker db upgrade")


def test_a_ledger_of_another_account(place: Place, redis_url: str) -> None:
    """Nothing is begun with the key of one account and the ledger of another."""
    ledger = SqlLedger.open(f"sqlite:///{place.directory}/other.sqlite")
    ledger.bind(Account(id="acct_other", livemode=False), now=1)
    ledger.close()
    place.environ.update({"REDIS_URL": redis_url, "DATABASE_URL": f"sqlite:///{place.directory}/other.sqlite"})
    check_told(place, "worker", "belongs to Stripe account acct_other")


def test_web_with_a_key_of_the_other_mode(place: Place) -> None:
    """It would refuse every webhook."""
    url = f"sqlite:///{place.directory}/test.sqlite"
    ledger = SqlLedger.open(url)
    ledger.bind(Account(id="acct_ours", livemode=False), now=1)
    ledger.close()
    place.environ.update(LIVE | {"DATABASE_URL": url})
    check_told(place, "web", "STRIPE_API_KEY is of live mode, the ledger of test mode")


def test_celerys_own_command(place: Place, redis_url: str) -> None:
    """`celery -A refund_worker.entrypoints.celery_app worker` checks the same, and shows no secret either."""
    place.environ.update({"REDIS_URL": redis_url, "DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:1/x"})
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "refund_worker.entrypoints.celery_app", "worker"],
        env=place.environ,
        cwd=place.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "cannot be reached, nothing listens there" in ended.stderr.splitlines()[-1]
    assert SECRET not in ended.stdout + ended.stderr


def check_told(place: Place, role: str, said: str) -> None:
    """Start the role, which ends at once."""
    ended = place.use(role)
    lines = [line for line in ended.err.splitlines() if not line.startswith("{")]
    assert (ended.code, ended.out, len(lines)) == (2, "", 1), ended.err
    assert lines[0].startswith("refund-worker: ")
    assert said in lines[0]
    assert SECRET not in ended.err
    assert TEST_KEY not in ended.err
