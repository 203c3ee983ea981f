"""The tables as migrated are the tables as declared, and the trail cannot be rewritten by SQL alone."""

import os
import re
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from refund_worker.adapters.ledger import SqlLedger, upgrade, verify
from refund_worker.adapters.ledger.migrations import NEWEST
from refund_worker.adapters.ledger.schema import known_versions
from refund_worker.adapters.ledger.tables import metadata
from tests.adapters.ledger.examples import Way, a_step, opened, read, started


def _declared(connection: Connection) -> dict[str, list[str]]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'")
    # Constraints may stand in another order, and a column that was added stands last: the parts are compared, sorted.
    parts = {name: re.split(r"[,\n]", sql.rstrip().removesuffix(")")) for name, sql in rows}
    return {name: sorted(part.strip() for part in of_table if part.strip()) for name, of_table in parts.items()}


def test_the_migrations_make_the_tables_that_are_declared(ledger: SqlLedger) -> None:
    """Columns, keys, checks, indexes: all of it."""
    engine = create_engine("sqlite://")
    with engine.connect() as fresh:
        metadata.create_all(fresh)
        declared = _declared(fresh)
    engine.dispose()
    with ledger._database.reading() as connection:
        migrated = _declared(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrated.pop("alembic_version")
    assert migrated == declared


def test_the_newest_version_is_the_one_that_is_named() -> None:
    """A migration that is added without its name here would never run."""
    assert max(known_versions()) == NEWEST


def test_a_file_is_for_its_owner_and_lasts(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask, write-ahead log, FULL, foreign keys."""
    path = tmp_path / "ledger.sqlite"
    before = os.umask(0)
    try:
        ledger = SqlLedger.open(f"sqlite:///{path}")
    finally:
        os.umask(before)
    settings = [read(ledger, f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert settings == [[("wal",)], [(2,)], [(1,)]]
    started(ledger)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {"ledger.sqlite": 0o600, "ledger.sqlite-wal": 0o600, "ledger.sqlite-shm": 0o600}
    ledger.close()


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    """Also by `upgrade`, which changes nothing then, and by `verify`."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    first = started(SqlLedger.open(url))
    Way(ledger=first, claim=opened(first)).refunded()
    kept = first.case("case_1")
    first.close()
    assert upgrade(url) == f"the ledger {tmp_path / 'ledger.sqlite'} is up to date"
    second = SqlLedger.open(url)
    assert second.case("case_1") == kept
    assert verify(url, noted_head=second.verify().head).ok
    second.close()


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE audit_entries SET amount_minor = 1 WHERE sequence = 2", "never updated"),
        ("UPDATE audit_entries SET sequence = 99 WHERE sequence = 2", "never updated"),
        ("DELETE FROM audit_entries WHERE sequence = 2", "never deleted"),
        ("DELETE FROM audit_entries", "never deleted"),
        ("INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE sequence = 2", "never replaced"),
        ("INSERT INTO audit_entries SELECT * FROM audit_entries WHERE sequence = 2", "never replaced"),
    ],
)
def test_triggers_refuse_every_change_of_the_trail(ledger: SqlLedger, statement: str, refusal: str) -> None:
    """Invariant 8."""
    started(ledger)
    before = read(ledger, "SELECT * FROM audit_entries")
    assert len(before) == 2
    with pytest.raises(DBAPIError, match=refusal), ledger._database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert read(ledger, "SELECT * FROM audit_entries") == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases SET state = 'gone'",
        "UPDATE cases SET outcome = 'paid'",
        "UPDATE cases SET claimed_by = NULL",
        "UPDATE cases SET fence = 0",
        "UPDATE steps SET amount_minor = 0",
        "UPDATE steps SET amount_minor = -1",
        "UPDATE steps SET attempt = 0",
        "UPDATE steps SET stripe_id = NULL",
        "UPDATE steps SET case_id = 'case_9'",
        "UPDATE steps SET key = 'same'",
        "UPDATE sends SET answer = 'perhaps'",
        "UPDATE sends SET answered_at = NULL",
        "UPDATE runs SET status = 'tired'",
        "UPDATE runs SET policy_digest = 'none'",
        "UPDATE audit_head SET id = 2",
        "DELETE FROM cases",
        "INSERT INTO bindings VALUES (2, 'acct_2', 0, 1)",
    ],
)
def test_the_database_refuses_what_makes_no_sense(ledger: SqlLedger, statement: str) -> None:
    """Integrity stands in the constraints, not in the program alone."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    for name in ("reserve", "refund:1"):
        way.accepted(a_step(name), stripe_id=f"id_{name}")
    with pytest.raises(DBAPIError, match="constraint failed"), ledger._database.writing() as connection:
        connection.exec_driver_sql(statement)
