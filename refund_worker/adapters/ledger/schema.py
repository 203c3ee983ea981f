"""Which version of the tables a database has, and bringing it to the newest."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from refund_worker.adapters.ledger.migrations import NEWEST
from refund_worker.adapters.ledger.tables import audit_entries
from refund_worker.domain.errors import LedgerError

_VERSIONS = "alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"


def check_schema(connection: Connection, *, where: str) -> bool:
    """Return whether the tables are of the newest version; False where they must be made or migrated.

    Raises:
        LedgerError: If the database belongs to another program, or to a newer version of this one.
    """
    found = _version(connection, where=where)
    if found is None or found == NEWEST:
        return found == NEWEST
    if found not in known_versions():
        raise LedgerError(
            f"the ledger {where} was made by a newer version of refund-worker (tables {found}, "
            f"this version knows {NEWEST}): install that version again"
        )
    return False


def migrate(connection: Connection, *, where: str) -> None:
    """Bring the tables to the newest version inside the open write transaction; none where they are.

    Raises:
        LedgerError: As `check_schema`.
    """
    if check_schema(connection, where=where):
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection, *, where: str) -> str | None:
    tables = inspect(connection).get_table_names()
    if _VERSIONS in tables and (audit_entries.name in tables or len(tables) == 1):
        return connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()  # noqa: S608  a constant
    if tables:
        raise LedgerError(f"the database {where} belongs to another program: correct DATABASE_URL")
    return None


def known_versions() -> set[str]:
    """The versions that this program can migrate from or to."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
