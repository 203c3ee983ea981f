"""Nights that are weighed before they work: what of them is kept, the phase in which one waits, and the funds of a run.

Written out, as version 0001. SQLite cannot change a check: there the table of shared runs is made anew, and with it the
sums that refer to it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PHASES = "phase IN ('discovering', 'ended', 'waiting', 'working')"
_KEPT = (
    "run", "name", "phase", "cursor", "customers_read", "missed", "stopped_by", "stop", "failures", "cases",
)  # fmt: skip


def upgrade() -> None:
    """Add the columns, the table and the indexes, and let a phase be `waiting`; no row is changed."""
    op.add_column("runs", sa.Column("weighed", sa.Text()))
    op.add_column("runs", sa.Column("let_through", sa.Text()))
    op.add_column("events", sa.Column("credit", sa.Text()))
    op.add_column("queue", sa.Column("credit", sa.Text()))
    if op.get_bind().dialect.name == "sqlite":
        _make_shared_runs_anew()
    else:
        op.add_column("shared_runs", sa.Column("funds_read_at", BIG))
        op.drop_constraint("ck_shared_runs_phase", "shared_runs", type_="check")
        op.create_check_constraint("ck_shared_runs_phase", "shared_runs", sa.text(PHASES))
    _create_run_funds()
    _create_indexes()


def _create_indexes() -> None:
    op.drop_index("ix_queue_run", "queue")
    _index("ix_queue_run", "queue", ["run", "due_at"], where="run IS NOT NULL")
    _index("ix_queue_of_no_run", "queue", ["due_at", "customer"], where="claimed_by IS NULL AND run IS NULL")
    _index("ix_standings_customer", "standings", ["customer"], where="ended_at IS NULL")
    _index("ix_shared_runs_not_to_work", "shared_runs", ["run"], where="phase IN ('discovering', 'waiting')")


def _index(name: str, table: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _create_run_funds() -> None:
    op.create_table(
        "run_funds",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("available_minor", BIG, nullable=False),
        sa.Column("booked_minor", BIG, nullable=False),
        sa.Column("short_minor", BIG),
        sa.CheckConstraint("booked_minor >= 0", name="ck_run_funds_booked_minor"),
        sa.CheckConstraint("short_minor > 0", name="ck_run_funds_short_minor"),
        sa.ForeignKeyConstraint(["run"], ["shared_runs.run"], name="fk_run_funds_run"),
        sa.PrimaryKeyConstraint("run", "currency", name="pk_run_funds"),
    )


def _make_shared_runs_anew() -> None:
    op.execute("CREATE TABLE run_sums_kept AS SELECT run, currency, planned_minor FROM run_sums")
    op.drop_table("run_sums")
    op.execute("CREATE TABLE shared_runs_kept AS SELECT * FROM shared_runs")
    op.drop_table("shared_runs")
    op.create_table(
        "shared_runs",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("cursor", sa.String()),
        sa.Column("customers_read", BIG, nullable=False),
        sa.Column("missed", BIG, nullable=False),
        sa.Column("stopped_by", sa.Text()),
        sa.Column("stop", sa.String()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("cases", BIG, nullable=False),
        sa.Column("funds_read_at", BIG),
        sa.CheckConstraint(PHASES, name="ck_shared_runs_phase"),
        sa.CheckConstraint("(stopped_by IS NULL) = (stop IS NULL)", name="ck_shared_runs_stop_whole"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_shared_runs_run", deferrable=True, initially="DEFERRED"),
        sa.PrimaryKeyConstraint("run", name="pk_shared_runs"),
        sa.UniqueConstraint("name", name="uq_shared_runs_name"),
    )
    op.create_table(
        "run_sums",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("planned_minor", BIG, nullable=False),
        sa.CheckConstraint("planned_minor >= 0", name="ck_run_sums_planned_minor"),
        sa.ForeignKeyConstraint(["run"], ["shared_runs.run"], name="fk_run_sums_run"),
        sa.PrimaryKeyConstraint("run", "currency", name="pk_run_sums"),
    )
    kept = ", ".join(_KEPT)
    op.execute(f"INSERT INTO shared_runs ({kept}) SELECT {kept} FROM shared_runs_kept")  # noqa: S608  constants
    op.execute("INSERT INTO run_sums SELECT run, currency, planned_minor FROM run_sums_kept")
    op.drop_table("run_sums_kept")
    op.drop_table("shared_runs_kept")
