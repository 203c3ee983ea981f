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

# Tables, indexes, checks and keys as PostgreSQL itself spells them.
_CATALOGUE = """
    SELECT table_name || '.' || column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


def _declared(connection: Connection) -> dict[str, list[str]]:
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(_CATALOGUE)
        return {name: [said] for name, said in rows if not name.startswith("alembic_version.")}
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger' AND name <> 'alembic_version'"
    )
    # Constraints may stand in another order, and a column that was added stands last: the parts are compared, sorted.
    parts = {
        name: re.split(r"[,\n]", sql.rstrip().removesuffix(")")) for name, sql in rows if name != "alembic_version"
    }
    return {name: sorted(part.strip() for part in of_table if part.strip()) for name, of_table in parts.items()}


@pytest.mark.parametrize(
    ("migrated", "fresh"),
    [("file_url", "memory_url"), ("postgres_url", "empty_postgres_url")],
    ids=["file", "postgres"],
)
def test_the_migrations_make_the_tables_that_are_declared(
    request: pytest.FixtureRequest, migrated: str, fresh: str
) -> None:
    """Columns, keys, checks, indexes: all of it."""
    address = request.getfixturevalue(fresh)
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        metadata.create_all(connection)
        declared = _declared(connection)
    engine.dispose()
    ledger = SqlLedger.open(request.getfixturevalue(migrated))
    with ledger._database.reading() as connection:
        assert _declared(connection) == declared
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    ledger.close()


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


def test_what_was_written_is_there_when_it_is_opened_again(lasting_url: str) -> None:
    """Also by `upgrade`, which changes nothing then, and by `verify`."""
    url = lasting_url
    first = started(SqlLedger.open(url))
    Way(ledger=first, claim=opened(first)).refunded()
    kept = first.case("case_1")
    first.close()
    assert upgrade(url) == f"the ledger {first._database.where} is up to date"
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
    ],
)
def test_triggers_refuse_every_change_of_the_trail(ledger: SqlLedger, statement: str, refusal: str) -> None:
    """Invariant 8."""
    _refused(ledger, statement, refusal if ledger._database._engine.dialect.name == "sqlite" else "never updated or")


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE sequence = 2", "never replaced"),
        ("INSERT INTO audit_entries SELECT * FROM audit_entries WHERE sequence = 2", "never replaced"),
    ],
)
@pytest.mark.parametrize("ledger", ["memory_url"], indirect=True)
def test_triggers_refuse_what_sqlite_calls_replacing(ledger: SqlLedger, statement: str, refusal: str) -> None:
    """REPLACE deletes without a delete trigger."""
    _refused(ledger, statement, refusal)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("TRUNCATE audit_entries", "never updated or deleted"),
        ("TRUNCATE audit_entries, audit_head CASCADE", "never updated or deleted"),
        ("INSERT INTO audit_entries SELECT * FROM audit_entries WHERE sequence = 2", "pk_audit_entries"),
        (
            "INSERT INTO audit_entries SELECT * FROM audit_entries ON CONFLICT (sequence) DO UPDATE SET kind = 'x'",
            "never updated or deleted",
        ),
    ],
)
@pytest.mark.parametrize("ledger", ["postgres_url"], indirect=True)
def test_triggers_refuse_what_postgresql_knows_besides(ledger: SqlLedger, statement: str, refusal: str) -> None:
    """All rows at once, and an insert that becomes an update."""
    _refused(ledger, statement, refusal)


def _refused(ledger: SqlLedger, statement: str, refusal: str) -> None:
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
        "INSERT INTO bindings VALUES (2, 'acct_2', FALSE, 1)",
    ],
)
def test_the_database_refuses_what_makes_no_sense(ledger: SqlLedger, statement: str) -> None:
    """Integrity stands in the constraints, not in the program alone."""
    started(ledger)
    way = Way(ledger=ledger, claim=opened(ledger))
    for name in ("reserve", "refund:1"):
        way.accepted(a_step(name), stripe_id=f"id_{name}")
    with (
        pytest.raises(DBAPIError, match=r"constraint failed|violates .*constraint"),
        ledger._database.writing() as connection,
    ):
        connection.exec_driver_sql(statement)
