"""Run by Alembic: migrates over the connection it is given, inside the transaction that is open on it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
