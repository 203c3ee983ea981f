"""Conversions of pending items: cases have two more states, both of them live.

Written out, as the versions before it. Only the rule on a case's state and the two indexes of live cases change; rows
stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

STATES = "state IN ('closed', 'closing', 'crediting', 'deleting', 'owed', 'refunding', 'reserving')"
LIVE = "state IN ('closing', 'crediting', 'deleting', 'refunding', 'reserving')"
_OF_SQLITE = "state IN ('closed', 'closing', 'owed', 'refunding', 'reserving')"


def upgrade() -> None:
    """Let a case be crediting or deleting."""
    op.drop_index("one_live_case", "cases")
    op.drop_index("ix_cases_live", "cases")
    if op.get_context().dialect.name == "sqlite":
        _widen_in_place()
    else:
        op.drop_constraint("ck_cases_state", "cases", type_="check")
        op.create_check_constraint("ck_cases_state", "cases", STATES)
    _index("one_live_case", ["account", "livemode", "customer", "currency"], unique=True)
    _index("ix_cases_live", ["opened_at", "id"], unique=False)


def _index(name: str, columns: list[str], *, unique: bool) -> None:
    where = sa.text(LIVE)
    op.create_index(name, "cases", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _widen_in_place() -> None:
    """Change the rule in the table's own text, as SQLite documents it for changes that touch no row.

    A new table in the old one's place would take the rows of `steps` with it, whose foreign key cannot be switched off
    inside a transaction (sqlite.org/lang_altertable.html, section 7).
    """
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'cases' AND instr(sql, ?)",
        (_OF_SQLITE, STATES, _OF_SQLITE),
    )
    if changed.rowcount != 1:
        raise RuntimeError("the table of cases is not as version 0002 made it")
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
