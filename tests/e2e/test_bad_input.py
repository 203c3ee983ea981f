"""Bad input gets one clear line and exit code 2, and nothing is changed: no write at Stripe, no file here."""

import shlex

import pytest

from refund_worker.sandbox import SandboxServer
from tests.e2e.places import SECRET, TEST_KEY, Place, check_refused


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(" | ")] for line in table.strip().splitlines()]


# Command | what the line says
COMMANDS = """
    frob                                     | No such command 'frob'
    rn --json                                | No such command 'rn'
    run --frob                               | No such option: --frob
    run extra                                | unexpected extra argument
    run --customer                           | Option '--customer' requires an argument
    run --limit 0 --json                     | Invalid value for '--limit'
    run --limit -1 --json                    | Invalid value for '--limit'
    run --limit abc --json                   | Invalid value for '--limit'
    run --limit 1.5 --json                   | Invalid value for '--limit'
    run --limit '' --json                    | Invalid value for '--limit'
    run --json --customer ''                 | '' is not a customer id (cus_…)
    run --json --customer ../../etc/passwd   | '../../etc/passwd' is not a customer id
    run --json --customer cus_a/b            | 'cus_a/b' is not a customer id
    run --json --customer 'cus_1?limit=100'  | 'cus_1?limit=100' is not a customer id
    run --json --customer 'cus 1'            | 'cus 1' is not a customer id
    run --json --customer cus_ü              | 'cus_ü' is not a customer id
    plan --json --customer cus_%2e%2e        | 'cus_%2e%2e' is not a customer id
    plan --json --limit 3                    | No such option: --limit
    explain                                  | Missing argument 'CUSTOMER'
    explain cus_1/../cus_2 --json            | 'cus_1/../cus_2' is not a customer id
    recover --customer cus_1                 | No such option: --customer
    report                                   | Missing argument 'RUN'
    report latest --format xml               | no report format 'xml'; there are: text, csv, json
    report latest --format ''                | no report format ''
    report latest --format text,csv          | several formats need --output PATH
    policy frob                              | No such command 'frob'
    audit frob                               | No such command 'frob'
    audit verify --head x                    | --head is SEQUENCE:HASH
    audit verify --head 0:abc                | --head is SEQUENCE:HASH
    audit verify --json                      | there is no ledger at refund-worker.sqlite: check DATABASE_URL
    db frob                                  | No such command 'frob'
    sandbox --port -1                        | Invalid value for '--port'
    sandbox --port 65536                     | Invalid value for '--port'
    sandbox --port http                      | Invalid value for '--port'
    sandbox --scenario moon                  | no scenario 'moon'; there are: bench, cluster, demo, empty
    sandbox --customers -1                   | Invalid value for '--customers'
    sandbox --seed x                         | Invalid value for '--seed'
    sandbox --latency-ms -1                  | Invalid value for '--latency-ms'
"""


@pytest.mark.parametrize(("command", "said"), _rows(COMMANDS))
def test_a_wrong_command_is_told(place: Place, command: str, said: str) -> None:
    """What is unknown, missing or out of range is named."""
    before = place.picture()
    check_refused(place, place.use(*shlex.split(command)), before=before, said=said)


# Environment (empty = unset) | what the line says to `run --json`
ENVIRONMENTS = f"""
    STRIPE_API_KEY=                                   | STRIPE_API_KEY is not set: set it to a test key
    STRIPE_API_KEY=nonsense{SECRET}                   | STRIPE_API_KEY is no Stripe key: it must start with rk_test_
    STRIPE_API_KEY=pk_test_{SECRET}                   | STRIPE_API_KEY is a publishable key: use a restricted
    STRIPE_API_KEY=whsec_{SECRET}                     | STRIPE_API_KEY is no Stripe key
    STRIPE_API_KEY='{TEST_KEY} '                      | STRIPE_API_KEY has white space in it: copy the key again
    STRIPE_API_KEY=sk_test_wrong{SECRET}              | Stripe does not accept the key
    STRIPE_API_KEY=rk_test_wrong{SECRET}              | Stripe does not accept the key
    STRIPE_API_KEY=sk_live_{SECRET}                   | DATABASE_URL is not set: a live key needs a ledger
    STRIPE_API_KEY=rk_live_{SECRET} REFUND_LIVE=1 DATABASE_URL=sqlite:///x | credit_since is not set: with a live key
    STRIPE_API_BASE=localhost:8420                    | STRIPE_API_BASE must be an address such as
    STRIPE_API_BASE=ftp://127.0.0.1                   | STRIPE_API_BASE must be an address such as
    STRIPE_API_BASE=https://127.0.0.1:99999           | STRIPE_API_BASE must be an address such as
    STRIPE_API_BASE=https://me:{SECRET}@127.0.0.1     | STRIPE_API_BASE must not hold a user name or a password
    STRIPE_API_BASE=https://127.0.0.1/v1              | STRIPE_API_BASE must end after the host and port
    STRIPE_API_BASE=http://api.stripe.com             | STRIPE_API_BASE must start with https://
    COMPANY_TZ=Mars/Base                              | COMPANY_TZ is no time zone of this machine: use an IANA name
    COMPANY_TZ=../../etc/passwd                       | COMPANY_TZ is no time zone of this machine
    STRIPE_RATE_GLOBAL=fast                           | STRIPE_RATE_GLOBAL must be a number
    STRIPE_RATE_GLOBAL=0                              | STRIPE_RATE_GLOBAL must be a number of requests a second from
    STRIPE_RATE_ENDPOINT=-25                          | STRIPE_RATE_ENDPOINT must be a number of requests a second from
    STRIPE_RATE_ENDPOINT=inf                          | STRIPE_RATE_ENDPOINT must be a number of requests a second from
    STRIPE_RATE_SHARE=60%                             | STRIPE_RATE_SHARE must be a number
    STRIPE_RATE_SHARE=1.5                             | STRIPE_RATE_SHARE must be a number from 0.01 to 1
    REFUND_LIVE=yes                                   | REFUND_LIVE must be 1 (money moves with a live key) or 0
    COMPANY_TZ=Mars REFUND_LIVE=2                     | COMPANY_TZ is no time zone
    REFUND_POLICY=none.toml                           | the policy none.toml does not exist: create it, or correct
    REFUND_POLICY=.                                   | the policy . is not a file: correct REFUND_POLICY
    DATABASE_URL=nonsense                             | DATABASE_URL is no database address; write for example
    DATABASE_URL=postgresql://me:{SECRET}@127.0.0.1:1/x | the ledger postgresql://127.0.0.1:1/x cannot be reached
    DATABASE_URL=mysql://me:{SECRET}@db/x             | a database of the kind 'mysql' is not supported
    DATABASE_URL=sqlite://host/x                      | a SQLite address has three slashes and a path
    DATABASE_URL=sqlite:///:memory:                   | DATABASE_URL names no file
    DATABASE_URL=sqlite:///none/ledger.sqlite         | the directory none of the ledger does not exist: create it
    DATABASE_URL=sqlite:////proc/ledger.sqlite        | the ledger /proc/ledger.sqlite cannot be created
"""


@pytest.mark.parametrize(("environment", "said"), _rows(ENVIRONMENTS))
def test_a_wrong_environment_is_told(place: Place, environment: str, said: str) -> None:
    """The variable is named, its secret is not."""
    for pair in shlex.split(environment):
        name, _, value = pair.partition("=")
        place.environ[name] = value
    before = place.picture()
    check_refused(place, place.use("run", "--json"), before=before, said=said)


# policy.toml (a slash ends a line) | what the line says to every command that reads it
POLICIES = """
    origins = ["proration"                           | policy.toml line 1
    quiet_hour = 24                                  | policy.toml line 1: quiet_hour: no such key; did you mean quiet_hours?
    # ours//quiet_hours = "24"                       | policy.toml line 3: quiet_hours: must be a whole number
    origins = ["unknown"]                            | policy.toml line 1: origins: must not name 'unknown'
    credit_since = "2026-10-01"                      | policy.toml line 1: credit_since: must be a date without quotes
    [limits.case]/gbp = 500                          | policy.toml line 2: [limits.case] gbp: must be an amount in quotes
    [limits.case]/gbp = "500"                        | policy.toml line 2: [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/xyz = "5.00"                       | policy.toml line 2: [limits.case] xyz: is no currency that Stripe knows
    [limits.run]/usd = "-1.00"                       | policy.toml line 2: [limits.run] usd: must not be negative
    [exclude]/customers = "cus_1"                    | policy.toml line 2: [exclude] customers: must be a list
"""  # noqa: E501  a row is a line


@pytest.mark.parametrize("command", ["run --json", "plan", "resume", "recover", "explain cus_1", "policy show"])
@pytest.mark.parametrize(("text", "said"), _rows(POLICIES))
def test_a_broken_policy_is_told(place: Place, text: str, said: str, command: str) -> None:
    """Its line and key; with it no command does anything."""
    (place.directory / "policy.toml").write_text(text.replace("/", "\n"))
    place.environ["REFUND_POLICY"] = "policy.toml"
    before = place.picture()
    check_refused(place, place.use(*command.split()), before=before, said=said)


@pytest.mark.parametrize(
    ("command", "said"), [("frob", "No such command"), ("run --json", "policy.toml line 2: [limits.case] gbp: must")]
)
def test_a_process_of_its_own_says_the_same(place: Place, command: str, said: str) -> None:
    """What the tables show in this process is what a shell sees."""
    (place.directory / "policy.toml").write_text("[limits.case]\ngbp = 500\n")
    place.environ["REFUND_POLICY"] = "policy.toml"
    before = place.picture()
    check_refused(place, place.use_alone(*command.split()), before=before, said=said)


def test_the_tables_have_sixty_rows() -> None:
    """Sixty different mistakes, not sixty runs of the same."""
    rows = [row[0] for table in (COMMANDS, ENVIRONMENTS, POLICIES) for row in _rows(table)]
    assert len(set(rows)) >= 80


@pytest.mark.parametrize("command", ["run --json --customer", "plan --json --customer", "explain --json"])
def test_an_unknown_customer_is_told(used: Place, command: str) -> None:
    """Named, before any other that was named with it is examined."""
    before = used.picture()
    ended = used.use(*command.split(), "cus_nobody")
    check_refused(used, ended, before=before, said="No such customer: 'cus_nobody'")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("report run_none", "the ledger has no run 'run_none'"),
        ("report latest --output none/report.txt", "cannot write none/report.txt: No such file or directory"),
        ("report latest --output .", ". is a directory; --output names a file"),
        ("report latest --output /dev/full", "cannot write /dev/full: No space left on device"),
    ],
)
def test_a_report_that_cannot_be_made_is_told(used: Place, command: str, said: str) -> None:
    """No such run, no such directory, no space."""
    before = used.picture()
    check_refused(used, used.use(*command.split()), before=before, said=said)


def test_a_taken_port_is_told(place: Place, sandbox: SandboxServer) -> None:
    """The sandbox does not pick another: whoever named the port counts on it."""
    before = place.picture()
    ended = place.use("sandbox", "--port", str(sandbox.port), "--scenario", "empty")
    check_refused(place, ended, before=before, said=f"cannot listen on port {sandbox.port}: Address already in use")


def test_a_directory_that_is_not_the_demos_is_left_alone(place: Place) -> None:
    """The demo begins anew in demo-output/, but never in somebody else's."""
    (place.directory / "demo-output").mkdir()
    (place.directory / "demo-output" / "thesis.txt").write_text("ten years of work")
    before = place.picture()
    check_refused(place, place.use("demo"), before=before, said="demo-output/ is not the demo's own; move it away")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run --json --customer cus_nobody", "No such customer: 'cus_nobody'"),
        ("explain cus_nobody --json", "No such customer: 'cus_nobody'"),
        ("report latest", "there is no ledger"),
        ("report run_none --format json", "there is no ledger"),
    ],
)
def test_a_mistake_before_the_first_run_leaves_no_ledger(place: Place, command: str, said: str) -> None:
    """Where there was no ledger there is none afterwards, and one line is enough."""
    before = place.picture()
    check_refused(place, place.use(*command.split()), before=before, said=said)
