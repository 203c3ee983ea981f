"""What is PostgreSQL's own: who migrates, what a person reads when it cannot be used, and how it comes back."""

import gc
import logging
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

import refund_worker.adapters.ledger
from deploy.local import PostgresServer
from deploy.local.server import free_port
from refund_worker.adapters.ledger import SqlLedger, upgrade, verify
from refund_worker.adapters.ledger.failures import line_of
from refund_worker.adapters.ledger.turns import TurnMissed, Turns
from refund_worker.domain.cases import Claim
from refund_worker.domain.errors import LedgerError
from tests.adapters.ledger.examples import LEASE_S, NOW, Way, a_case, a_plan, a_step, opened, read, started

ROOT = Path(__file__).parents[3]
WRONG = "hunter2"
PRIVILEGES = """
    SELECT tablename, has_table_privilege(tablename::text, 'UPDATE'), has_table_privilege(tablename::text, 'DELETE')
    FROM pg_tables WHERE schemaname = 'public'
"""
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
USES: tuple[Callable[[str], object], ...] = (SqlLedger.open, verify)


def told(url: str) -> str:
    """The one line that every way in says; it shows neither user nor password."""
    lines = set()
    for use in USES:
        with pytest.raises(LedgerError) as refused:
            use(url)
        lines.add(str(refused.value))
        secret = make_url(url).password
        shown = "".join(traceback.format_exception(refused.value))
        assert secret is None or secret not in shown
        assert f'user "{make_url(url).username}"' not in shown
    (line,) = lines
    assert "\n" not in line
    return line


def run_sql(url: str, *statements: str) -> None:
    """As its owner would."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_only_db_upgrade_makes_the_tables(empty_postgres_url: str) -> None:
    """Opening says which command; two of them at once are harmless."""
    assert told(empty_postgres_url).endswith("lacks the tables of this version: run `refund-worker db upgrade`")
    with ThreadPoolExecutor(4) as pool:
        (line,) = set(pool.map(upgrade, [empty_postgres_url] * 4))
    where = make_url(empty_postgres_url)
    assert line == f"the ledger postgresql://127.0.0.1:{where.port}/{where.database} is up to date"
    ledger = started(SqlLedger.open(empty_postgres_url))
    assert ledger.verify().ok
    ledger.close()


def test_every_spelling_of_the_address_opens_it(postgres_url: str) -> None:
    """Heroku's too, and what stands behind the question mark is passed on."""
    for scheme in ("postgres:", "postgresql:", "postgresql+psycopg:"):
        address = postgres_url.replace("postgresql:", scheme, 1) + "?sslmode=disable&application_name=night"
        ledger = SqlLedger.open(address)
        assert read(ledger, "SHOW application_name") == [("night",)]
        ledger.close()


def test_it_is_set_up_for_money(postgres_url: str) -> None:
    """A commit is on disk; nothing waits for ever; reads see one moment, and write nothing."""
    ledger = SqlLedger.open(postgres_url)
    names = ("synchronous_commit", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [read(ledger, f"SHOW {name}")[0][0] for name in names] == ["on", "30s", "10s", "1min"]
    assert read(ledger, "SHOW application_name") == [("refund-worker",)]
    assert read(ledger, "SHOW transaction_isolation") == [("repeatable read",)]
    with pytest.raises(LedgerError, match="read-only"):
        read(ledger, "UPDATE audit_head SET sequence = 7")
    with ledger._database.writing() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
    ledger.close()


def test_databases_that_are_no_ledger(empty_postgres_url: str, postgres_url: str) -> None:
    """Another program's, also one that keeps its versions as we do, and a newer version's."""
    run_sql(empty_postgres_url, "CREATE TABLE bookmarks (url TEXT)")
    assert "belongs to another program: correct DATABASE_URL" in told(empty_postgres_url)
    run_sql(
        empty_postgres_url,
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('0001')",
    )
    with pytest.raises(LedgerError, match="belongs to another program"):
        upgrade(empty_postgres_url)
    run_sql(postgres_url, "UPDATE alembic_version SET version_num = '9999'")
    assert "was made by a newer version of refund-worker (tables 9999" in told(postgres_url)


def test_servers_that_cannot_be_reached(postgres_url: str) -> None:
    """Each has its own line."""
    right = make_url(postgres_url)

    def line(**changed: object) -> str:
        return told(right.set(**changed).render_as_string(hide_password=False))  # type: ignore[arg-type]  # as URL.set takes them

    assert "refuses the user or password" in line(password=WRONG)
    assert "refuses the user or password" in line(username="nobody_here")
    assert "does not exist: create the database" in line(database="nowhere")
    assert "nothing listens there: start the server" in line(port=free_port())
    assert "its host is not known" in line(host="nowhere.invalid")
    assert "over TLS as asked" in line(query={"sslmode": "require"})
    assert "a part that libpq does not know" in line(query={"colour": "red"})


def test_a_role_that_may_not(postgres_url: str) -> None:
    """A grant that is missing is told; what it may read it reads."""
    owner = make_url(postgres_url)
    role = f"reader_{owner.database}"
    run_sql(
        postgres_url,
        f"CREATE ROLE {role} LOGIN PASSWORD '{WRONG}'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )
    ledger = SqlLedger.open(owner.set(username=role, password=WRONG).render_as_string(hide_password=False))
    try:
        assert ledger.newest_run() is None
        with pytest.raises(LedgerError, match="refuses this role: grant it"):
            started(ledger)
    finally:
        ledger.close()
        run_sql(postgres_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_the_grants_of_the_page_on_operations_suffice(postgres_url: str) -> None:
    """A case goes its whole way; the trail cannot be changed; no table that is updated or deleted from is forgotten."""
    owner = make_url(postgres_url)
    role = f"run_{owner.database}"
    page = (ROOT / "docs" / "operations.md").read_text()
    (grants,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    run_sql(postgres_url, f"CREATE ROLE {role} LOGIN PASSWORD '{WRONG}'", grants.replace("refund_run", role))
    ledger = SqlLedger.open(owner.set(username=role, password=WRONG).render_as_string(hide_password=False))
    try:
        started(ledger)
        Way(ledger=ledger, claim=opened(ledger)).refunded()
        assert ledger.verify().ok
        for change in (
            "UPDATE audit_entries SET at = 1",
            "DELETE FROM cases",
            "DROP TABLE plans",
            "UPDATE bindings SET id = 1",
        ):
            with (
                pytest.raises(LedgerError, match="refuses this role"),
                ledger._database.writing() as connection,
            ):
                connection.exec_driver_sql(change)
        held = read(ledger, PRIVILEGES)
    finally:
        ledger.close()
        run_sql(postgres_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    kept = {"alembic_version", "audit_entries", "bindings", "plans", "policies"}
    assert {table for table, update, _ in held if not update} == kept
    package = Path(refund_worker.adapters.ledger.__file__).parent
    deleted = {table for path in package.glob("*.py") for table in re.findall(r"\bdelete\((\w+)\)", path.read_text())}
    assert {table for table, _, delete in held if delete} == deleted


@contextmanager
def _locking(url: str, how: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url) as other:
        other.execute(how.encode())
        yield other
        other.rollback()


def _intend_in_haste(ledger: SqlLedger, claim: Claim) -> None:
    with ledger.writing() as writer:
        writer._connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        writer.intend(claim, a_step())


def test_a_row_that_another_session_locks(postgres_url: str) -> None:
    """Waited for as long as lock_timeout says, then told; afterwards it goes on."""
    ledger = started(SqlLedger.open(postgres_url))
    claim = opened(ledger)
    with _locking(postgres_url, "SELECT * FROM cases FOR UPDATE"):
        with pytest.raises(LedgerError, match="is locked by another session"):
            _intend_in_haste(ledger, claim)
        assert ledger.case("case_1") is not None, "readers are not kept waiting"
    Way(ledger=ledger, claim=claim).refunded()
    assert ledger.verify().ok
    ledger.close()


def _intend_over(ledger: SqlLedger, claim: Claim, fault: Callable[[], None]) -> None:
    with ledger.writing() as writer:
        writer.intend(claim, a_step())
        fault()
        writer.sending(claim, step="reserve", attempt=1, now=NOW)


def test_a_server_that_is_restarted(postgres_server: PostgresServer) -> None:
    """In the middle of a transaction: told, nothing of it kept; the next one finds the server again."""
    upgrade(postgres_server.url)
    ledger = started(SqlLedger.open(postgres_server.url))
    claim = opened(ledger)
    with pytest.raises(LedgerError, match="lost its connection"):
        _intend_over(ledger, claim, postgres_server.restart)
    assert ledger.claim("case_1", worker="second", now=NOW, lease_s=LEASE_S) is None
    case = ledger.case("case_1")
    assert case is not None
    assert case.steps == ()
    postgres_server.kill()
    with pytest.raises(LedgerError, match="nothing listens there"):
        ledger.newest_run()
    postgres_server.start()
    Way(ledger=ledger, claim=claim).refunded()
    assert ledger.verify().problem is None
    ledger.close()


def _open_and_lose(ledger: SqlLedger, server: PostgresServer) -> None:
    """Everything is written, and only the commit is left when the server dies."""
    with ledger.writing() as writer:
        writer.open_case(a_case(), worker="first", lease_s=LEASE_S)
        writer.append_entries()
        writer._entries.clear()
        server.kill()


def test_a_server_that_dies_before_the_commit(postgres_server: PostgresServer) -> None:
    """Told as a lost connection, for it might as well have happened; the ledger is whole, and read again later."""
    upgrade(postgres_server.url)
    ledger = started(SqlLedger.open(postgres_server.url))
    with pytest.raises(LedgerError, match="lost its connection"):
        _open_and_lose(ledger, postgres_server)
    postgres_server.start()
    assert ledger.verify().problem is None
    assert ledger.case("case_1") is None
    ledger.close()


def test_a_full_disk_and_other_codes_have_their_line() -> None:
    """What cannot be brought about here is told from the server's code."""
    lines = {
        psycopg.errors.DiskFull: "cannot grow, the disk is full: free some space, then run `refund-worker resume`",
        psycopg.errors.ReadOnlySqlTransaction: "name the primary server",
        psycopg.errors.QueryCanceled: "did not answer a statement within its time",
        psycopg.errors.TooManyConnections: "has no connection left",
        psycopg.errors.AdminShutdown: "lost its connection",
        psycopg.errors.DeadlockDetected: "is locked by another session",
        psycopg.errors.DataCorrupted: "is damaged",
        psycopg.errors.SyntaxError: "refused a statement (SQLSTATE 42601)",
    }
    for kind, line in lines.items():
        assert line in line_of("postgresql://db:5432/ledger", kind("words of the server"))


def test_32_threads_share_ten_connections(postgres_url: str) -> None:
    """None waits in vain; as many connections as the page on operations says."""
    ledger = started(SqlLedger.open(postgres_url))
    seen: list[int] = []
    done = threading.Event()

    def count() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as other:
            while not done.is_set():
                row = other.execute(f"SELECT count(*) {OTHERS}").fetchone()
                seen.append(row[0] if row else 0)
                time.sleep(0.01)

    watch = threading.Thread(target=count)
    watch.start()
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda number: opened(ledger, a_case(f"case_{number}", plan=a_plan(f"cus_{number}"))), range(64)))
    done.set()
    watch.join()
    assert 2 < max(seen) <= 10
    assert ledger.verify().entries == 2 + 64
    ledger.close()


def test_whoever_waits_for_a_connection_is_next() -> None:
    """In the order of their coming, though the one before asks again at once; and no longer than its patience."""
    turns, came = Turns(1, patience_s=5.0), list[int]()

    def takes(number: int) -> None:
        for _ in range(20):
            with turns:
                came.append(number)
                time.sleep(0.001)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(takes, range(4)))
    middle = came[8:-8]
    assert all(len(set(middle[begin : begin + 4])) == 4 for begin in range(0, len(middle) - 4, 4))
    hasty = Turns(1, patience_s=0.01)
    with hasty, pytest.raises(TurnMissed), hasty:
        pass
    with hasty:
        pass


def test_nothing_of_the_address_is_logged(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither at the start nor by the pool when a connection is lost."""
    caplog.set_level(logging.DEBUG)
    ledger = started(SqlLedger.open(postgres_url))
    run_sql(
        postgres_url,
        f"SELECT pg_terminate_backend(pid, 10000) {OTHERS}",
    )
    assert ledger.newest_run() is not None, "a lost connection is noticed before it is used"
    ledger.close()
    password = make_url(postgres_url).password
    assert password is not None
    assert password not in caplog.text


def test_a_thread_that_still_reads_at_the_end_leaves_no_connection(postgres_url: str) -> None:
    """It is closed when the thread gives it back; otherwise the interpreter would warn of it."""
    ledger = SqlLedger.open(postgres_url)
    with ledger._database.reading() as connection:
        ledger.close()
        assert connection.execute(text("SELECT 1")).scalar() == 1
    del connection, ledger
    gc.collect()
