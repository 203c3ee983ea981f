"""What a person reads when the ledger cannot be used: one line that names it and says what to do, and no password."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger, upgrade, verify
from refund_worker.adapters.ledger.migrations import NEWEST
from refund_worker.domain.errors import LedgerError
from tests.adapters.ledger.examples import NOW, a_case, a_plan, opened, read, started


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("", "DATABASE_URL is no database address"),
        ("hunter2", "DATABASE_URL is no database address"),
        ("postgresql://me:hunter2@db", "DATABASE_URL names no database"),
        ("postgres://me:hunter2@db/", "DATABASE_URL names no database"),
        ("postgresql+psycopg2://me:hunter2@db/ledger", "a database of the kind 'postgresql.psycopg2' is not supported"),
        ("mysql://me:hunter2@db/ledger", "a database of the kind 'mysql' is not supported"),
        ("sqlite://ledger.sqlite", "three slashes"),
        ("sqlite://me:hunter2@/ledger.sqlite", "three slashes"),
        ("sqlite:///ledger.sqlite?password=hunter2", "three slashes"),
        ("sqlite://db:port/hunter2", "DATABASE_URL is no database address"),
    ],
)
@pytest.mark.parametrize("use", [SqlLedger.open, upgrade, verify], ids=["open", "upgrade", "verify"])
def test_addresses_that_are_none(use: Callable[[str], object], url: str, line: str) -> None:
    """Every way in says the same, with an example of what to write, and never repeats a password."""
    with pytest.raises(LedgerError, match=line) as told:
        use(url)
    assert "sqlite:///refund-worker.sqlite" in str(told.value)
    assert "hunter2" not in str(told.value)
    assert "\n" not in str(told.value)


def _no_database(path: Path) -> None:
    path.write_bytes(b"date,amount\n" * 1_000)


def _of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")


def _newer(path: Path) -> None:
    SqlLedger.open(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")


def _directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "name", "line"),
    [
        (_no_database, "ledger.sqlite", "is not a ledger: it is no SQLite database"),
        (_of_another_program, "ledger.sqlite", "belongs to another program"),
        (
            _newer,
            "ledger.sqlite",
            f"was made by a newer version of refund-worker (tables 9999, this version knows {NEWEST})",
        ),
        (_directory, "ledger.sqlite", "is a directory: name a file"),
        (None, "no/such/place.sqlite", "of the ledger does not exist: create it"),
        (None, "l" * 300, "cannot be created (File name too long)"),
    ],
)
def test_files_that_are_no_ledger(tmp_path: Path, make: Callable[[Path], None] | None, name: str, line: str) -> None:
    """The line names the path; what was there is not touched."""
    path = tmp_path / name
    if make is not None:
        make(path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for use in (SqlLedger.open, upgrade):
        with pytest.raises(LedgerError) as told:
            use(f"sqlite:///{path}")
        assert line in str(told.value)
        assert str(tmp_path) in str(told.value)
        assert "\n" not in str(told.value)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_places_this_user_may_not_write(tmp_path: Path) -> None:
    """A directory without write permission, and a file without."""
    path = tmp_path / "ledger.sqlite"
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LedgerError, match="cannot be created"):
            SqlLedger.open(f"sqlite:///{path}")
    finally:
        tmp_path.chmod(0o700)
    started(SqlLedger.open(f"sqlite:///{path}")).close()
    path.chmod(0o400)
    with pytest.raises(LedgerError, match="cannot be written"):
        started(SqlLedger.open(f"sqlite:///{path}"), "run_2")


def test_reading_creates_nothing(tmp_path: Path) -> None:
    """`audit verify` of a ledger that is not there."""
    with pytest.raises(LedgerError, match="there is no ledger at"):
        verify(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def _locking(path: Path, how: str) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(how)
        yield
        other.execute("ROLLBACK")


def test_a_ledger_that_another_program_locks(tmp_path: Path) -> None:
    """Waited for as long as was asked, then told; afterwards it goes on."""
    path = tmp_path / "ledger.sqlite"
    ledger = SqlLedger.open(f"sqlite:///{path}", busy_timeout_s=0.05)
    with _locking(path, "BEGIN IMMEDIATE"):
        with pytest.raises(LedgerError, match="is locked by another program: wait until") as told:
            started(ledger)
        assert str(path) in str(told.value)
        assert ledger.newest_run() is None, "readers are not kept waiting"
    started(ledger)
    ledger.close()


def test_a_new_file_that_another_program_locks(tmp_path: Path) -> None:
    """Before the write-ahead log a lock keeps readers out too."""
    path = tmp_path / "ledger.sqlite"
    path.touch()
    with _locking(path, "BEGIN EXCLUSIVE"), pytest.raises(LedgerError, match="is locked by another program"):
        SqlLedger.open(f"sqlite:///{path}", busy_timeout_s=0.05)
    SqlLedger.open(f"sqlite:///{path}").close()


def test_a_new_file_that_another_program_is_making(tmp_path: Path) -> None:
    """Its lock is waited for, also where SQLite itself would not wait: at the switch to the write-ahead log."""
    path = tmp_path / "ledger.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.3, other.rollback)
    done.start()
    SqlLedger.open(f"sqlite:///{path}", busy_timeout_s=30).close()
    done.join()
    other.close()


def _plan_many(ledger: SqlLedger) -> None:
    with ledger.writing() as writer:
        for number in range(200):
            writer.plan_only(case=f"case_{number}", run="run_1", plan=a_plan(), now=NOW)


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """The transaction is rolled back whole, the line says how to go on; then it does go on."""
    path = tmp_path / "ledger.sqlite"
    ledger = started(SqlLedger.open(f"sqlite:///{path}"))
    entries = read(ledger, "SELECT * FROM audit_entries")
    with ledger._database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match=r"the disk is full: free some space.*resume") as told:
        _plan_many(ledger)
    assert str(path) in str(told.value)
    assert read(ledger, "SELECT * FROM audit_entries") == entries
    with ledger._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    opened(ledger)
    assert ledger.verify().ok
    ledger.close()


def test_a_file_that_became_read_only(tmp_path: Path) -> None:
    """SQLite's own refusal to write, as a remounted disk brings it."""
    ledger = started(SqlLedger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    with ledger._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(LedgerError, match="cannot be written: give this user write permission"):
        opened(ledger)
    ledger.close()


def test_a_file_that_is_damaged(tmp_path: Path) -> None:
    """Pages that somebody overwrote."""
    path = tmp_path / "ledger.sqlite"
    started(SqlLedger.open(f"sqlite:///{path}")).close()
    content = bytearray(path.read_bytes())
    content[8_192:] = b"\xa5" * (len(content) - 8_192)
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"is damaged: restore it from a backup.*recover --full"):
        verify(f"sqlite:///{path}")


def test_a_plan_that_somebody_made_unreadable(ledger: SqlLedger) -> None:
    """The case is named, and the command that tells more."""
    started(ledger)
    opened(ledger, a_case())
    with ledger._database.writing() as connection:
        connection.exec_driver_sql("UPDATE cases SET plan = '[]'")
    with pytest.raises(LedgerError, match="the plan of case_1 in the ledger was changed"):
        ledger.case("case_1")
