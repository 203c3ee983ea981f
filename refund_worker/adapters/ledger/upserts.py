"""Inserts that mind what stands already: the same words in SQLite and PostgreSQL, from the module of each dialect."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def inserting(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert into a table that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
