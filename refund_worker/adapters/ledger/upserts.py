"""Inserts that mind what stands already: the same words in SQLite and PostgreSQL, from the module of each dialect."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def inserting(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert into a table that knows `on_conflict_do_nothing` and `on_conflict_do_update`.

    Its `rowcount` says how many rows it wrote, which for inserts SQLAlchemy else leaves open.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).execution_options(preserve_rowcount=True)
