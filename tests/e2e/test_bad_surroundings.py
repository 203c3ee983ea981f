"""Where the surroundings are wrong - the ledger, the rights, the disk, the API, the key - one clear line says so."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.facts import Account
from tests.adapters.scripted_server import Reply, ScriptedServer
from tests.e2e.places import LEDGER, SECRET, Place, check_refused


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


def test_a_full_disk_before_the_first_run_moves_nothing_and_spoils_nothing(place: Place) -> None:
    """Half a ledger may stay behind - another process may have it open - and is completed once there is space."""
    books = place.sandbox.books()
    ended = place.use_alone("run", "--json", first=_no_file_above(4096))
    (line,) = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert f"the ledger {LEDGER} cannot be read or written, the disk reports" in line
    assert place.sandbox.books() == books
    assert json.loads(place.use("plan", "--json").out)["status"] == "finished"


def test_a_disk_that_fills_during_a_run_loses_nothing(full: Place) -> None:
    """The command ends in one line; with space again, the money ends as without the accident."""
    (customer,) = {books.customer for books in full.sandbox.books()}
    size = (full.directory / LEDGER).stat().st_size
    ended = full.use_alone("run", "--json", first=_no_file_above(size + 60_000))
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "the disk reports an error: check the disk and its space" in ended.err.splitlines()[-1]

    after = full.use("run", "--json", "--customer", customer)
    assert after.code == 0
    (books,) = full.sandbox.books()
    assert books.balance == 0
    assert sum(refund.amount for refund in books.refunds) == books.credit_granted
    assert full.use("audit", "verify").code == 0


@pytest.mark.parametrize("command", ["explain cus_1 --json", "run --json --customer cus_1"])
def test_a_missing_permission_is_named(used: Place, command: str) -> None:
    """The first read is refused: the line names the permission, and the call that needs it."""
    used.environ["STRIPE_API_KEY"] = f"rk_test_nothing{SECRET}"
    before = used.picture()
    check_refused(used, used.use(*command.split()), before=before, said="the key lacks the permission rak_")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_permission_that_a_sweep_lacks_is_named(used: Place, command: str) -> None:
    """The run has begun, so it is in the ledger and its object is printed; nothing is moved."""
    used.environ["STRIPE_API_KEY"] = f"rk_test_nothing{SECRET}"
    before = used.picture()
    ended = used.use(command, "--json")
    assert ended.code == 2
    assert "the key lacks the permission rak_" in ended.err.splitlines()[-1]
    assert json.loads(ended.out)["status"] == "stopped"
    assert (used.picture().books, used.picture().writes) == (before.books, before.writes)


def test_a_permission_that_recover_lacks_is_named(used: Place) -> None:
    """It cannot even read the events: nothing is changed, and no run stays open."""
    used.environ["STRIPE_API_KEY"] = f"rk_test_nothing{SECRET}"
    before = used.picture()
    check_refused(
        used, used.use("recover", "--json"), before=before, said="the key lacks the permission rak_event_read"
    )


def test_a_permission_that_the_writes_lack_is_named(used: Place) -> None:
    """A key that may read everything and write nothing: the line names what it lacks."""
    used.environ["STRIPE_API_KEY"] = f"rk_test_reading{SECRET}"
    books = used.sandbox.books()
    ended = used.use("run", "--json")
    assert ended.code == 2
    assert "the key lacks the permission rak_customer_write" in ended.err.splitlines()[-1]
    assert used.sandbox.books() == books
