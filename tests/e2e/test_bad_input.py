"""Bad input gets one clear line and exit code 2, and nothing is changed: no write at Stripe, no file here."""

import json
import os
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.facts import Account
from refund_worker.sandbox import Sandbox, SandboxServer
from refund_worker.sandbox.population import SCENARIOS
from tests.adapters.scripted_server import Reply, ScriptedServer
from tests.e2e.places import LEDGER, SECRET, TEST_KEY, Place, check_refused

READING = ["account", "balance", "charge", "customer", "event", "invoice", "payment_intent"]
KEYS: Final[dict[str, dict[str, list[str]] | None]] = {
    TEST_KEY: None,
    f"rk_test_nothing{SECRET}": {"permissions": []},
    f"rk_test_reading{SECRET}": {"permissions": [f"{name}_read" for name in READING]},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """A sandbox in which one customer has credit that a run would refund."""
    made = Sandbox(seed=3, keys=KEYS)
    story = next(scenario for scenario in SCENARIOS if scenario.expected.outcome == "refunded")
    story.build(made)
    with SandboxServer(made) as server:
        yield server


@pytest.fixture
def place(sandbox: SandboxServer, tmp_path: Path) -> Place:
    """An empty directory, and an environment in which `run` would move money."""
    environ = {
        "PATH": os.environ["PATH"],
        "STRIPE_API_KEY": TEST_KEY,
        "STRIPE_API_BASE": sandbox.base_url,
        "STRIPE_RATE_GLOBAL": "1000",
        "STRIPE_RATE_ENDPOINT": "1000",
    }
    return Place(directory=tmp_path, sandbox=sandbox.sandbox, environ=environ)


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
    sandbox --scenario moon                  | no scenario 'moon'; there are: bench, demo, empty
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
    DATABASE_URL=postgresql://me:{SECRET}@db/x        | PostgreSQL is not supported by this version
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


def _is_a_directory(path: Path) -> None:
    path.mkdir()


def _is_text(path: Path) -> None:
    path.write_text("customer,credit\n" * 1000)


def _is_of_another_program(path: Path) -> None:
    _edit(path, "CREATE TABLE songs (title TEXT)")


def _is_of_another_account(path: Path) -> None:
    ledger = SqlLedger.open(f"sqlite:///{path}")
    ledger.bind(Account(id="acct_another", livemode=False), now=1)
    ledger.close()


def _is_of_live_mode(path: Path) -> None:
    ledger = SqlLedger.open(f"sqlite:///{path}")
    ledger.bind(Account(id="acct_1SandboxKXBGcbg", livemode=True), now=1)
    ledger.close()


def _is_newer(path: Path) -> None:
    SqlLedger.open(f"sqlite:///{path}").close()
    _edit(path, "UPDATE alembic_version SET version_num = '9999'")


def _is_cut(path: Path) -> None:
    SqlLedger.open(f"sqlite:///{path}").close()
    path.write_bytes(path.read_bytes()[:5000])


def _edit(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("command", ["run --json", "resume", "recover --json"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_is_a_directory, "is a directory: name a file in DATABASE_URL"),
        (_is_text, "is not a ledger: it is no SQLite database; correct DATABASE_URL"),
        (_is_of_another_program, "belongs to another program: correct DATABASE_URL"),
        (_is_of_another_account, "belongs to Stripe account acct_another in test mode, the key to acct_1Sandbox"),
        (_is_of_live_mode, "in live mode, the key to acct_1SandboxKXBGcbg in test mode: correct DATABASE_URL or"),
        (_is_newer, "was made by a newer version of refund-worker (tables 9999, this version knows"),
        (_is_cut, "is damaged: restore it from a backup, then run `refund-worker recover --full`"),
    ],
)
def test_a_wrong_ledger_is_told(place: Place, make: Callable[[Path], None], said: str, command: str) -> None:
    """What is wrong with it and what to do; it stays as it is."""
    make(place.directory / LEDGER)
    before = place.picture()
    check_refused(place, place.use(*command.split()), before=before, said=said)


def test_a_locked_ledger_is_told(place: Place) -> None:
    """Another program writes to it and does not end."""
    SqlLedger.open(f"sqlite:///{place.directory / LEDGER}").close()
    other = sqlite3.connect(place.directory / LEDGER, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = place.picture()
    ended = place.use("run", "--json")
    other.close()
    assert (ended.code, ended.out) == (2, "")
    assert f"the ledger {LEDGER} is locked by another program: wait until that has ended" in ended.err
    assert place.picture().books == before.books
    assert place.picture().writes == before.writes


PAGE = Reply(body=b"<html>Welcome</html>", headers={"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (PAGE, "does not answer like Stripe's API: GET /v1/account brought HTTP 200 and a web page"),
        (Reply(status=404, body=b"<html>no</html>"), "does not answer like Stripe's API"),
        (Reply(status=302, body=b"", headers={"Location": "https://stripe.example"}), "does not answer like Stripe's"),
        (Reply(body={}), "does not answer like Stripe's API"),
        (Reply(body={"object": "list", "data": []}), "the answer to GET /v1/account is another object"),
        (Reply(status=401, body={"error": "no"}), "does not answer like Stripe's API"),
    ],
)
def test_a_foreign_api_is_told(place: Place, reply: Reply, said: str) -> None:
    """Something answers at the address, but it is not Stripe."""
    with ScriptedServer(reply) as server:
        place.environ["STRIPE_API_BASE"] = server.base
        before = place.picture()
        check_refused(place, place.use("run", "--json"), before=before, said=said)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("http://127.0.0.1:1", "cannot reach http://127.0.0.1:1: "),
        ("https://stripe.invalid", "cannot reach https://stripe.invalid: "),
    ],
)
def test_an_unreachable_api_is_told(place: Place, base: str, said: str) -> None:
    """Nobody listens there, or the name is unknown."""
    place.environ["STRIPE_API_BASE"] = base
    before = place.picture()
    check_refused(place, place.use("run", "--json"), before=before, said=said)


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


@pytest.fixture
def used(place: Place) -> Place:
    """A place in which a plan was made before: its ledger knows one run."""
    assert place.use("plan", "--json").code == 0
    return place


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


# Root may write everywhere: take that right (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH) from what is executed next.
AS_ANYBODY = """
if os.geteuid() == 0:
    import ctypes
    for right in (1, 2):
        assert ctypes.CDLL(None).prctl(24, right, 0, 0, 0) == 0
"""


@pytest.mark.parametrize(
    ("name", "mode", "said"),
    [
        (LEDGER, 0o400, f"the ledger {LEDGER} cannot be written: give this user write permission"),
        ("policy.toml", 0o000, "the policy policy.toml cannot be read (Permission denied): correct REFUND_POLICY"),
    ],
)
def test_missing_rights_are_told(used: Place, name: str, mode: int, said: str) -> None:
    """A ledger or policy of another user."""
    (used.directory / "policy.toml").write_text("")
    used.environ["REFUND_POLICY"] = "policy.toml"
    before = used.picture()
    (used.directory / name).chmod(mode)
    ended = used.use_alone("run", "--json", first=AS_ANYBODY)
    (used.directory / name).chmod(0o600)
    check_refused(used, ended, before=before, said=said)


def test_a_directory_without_rights_is_told(place: Place) -> None:
    """No ledger can be made there."""
    before = place.picture()
    place.directory.chmod(0o500)
    ended = place.use_alone("run", "--json", first=AS_ANYBODY)
    place.directory.chmod(0o700)
    check_refused(place, ended, before=before, said=f"the ledger {LEDGER} cannot be created (Permission denied)")


def _no_file_above(size_bytes: int) -> str:
    """Stands in for a full disk, which only root could make: writing further fails."""
    return f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes}, {size_bytes}))"


def test_a_full_disk_moves_nothing(used: Place) -> None:
    """What cannot be written down is not done."""
    before = used.picture()
    ended = used.use_alone("run", "--json", first=_no_file_above(4096))
    check_refused(used, ended, before=before, said=f"the ledger {LEDGER} cannot be read or written, the disk reports")
    assert json.loads(used.use("plan", "--json").out)["counts"]["planned"] == 1
