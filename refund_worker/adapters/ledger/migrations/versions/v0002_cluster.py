"""What several workers share: inbox, queue, shared runs, leases, halts, counters, notices, the watch list of refunds.

Written out, as version 0001. The refunds that are open already come onto the watch list, to be looked at first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = "state IN ('closing', 'refunding', 'reserving')"


def upgrade() -> None:
    """Add the tables, the column and the indexes; no row of version 0001 is changed."""
    op.add_column("cases", sa.Column("next_at", BIG))
    _index("ix_cases_live", "cases", ["opened_at", "id"], where=LIVE)
    op.create_index("ix_steps_stripe_id", "steps", ["stripe_id"])
    _create_inbox()
    _create_queue()
    _create_shared_runs()
    _create_coordination()
    _create_watch_list()


def _index(name: str, table: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _create_inbox() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("customer", sa.String()),
        sa.Column("charge", sa.String()),
        sa.Column("refund", sa.String()),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("absorbed_at", BIG),
        sa.CheckConstraint("source IN ('poll', 'webhook')", name="ck_events_source"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_received_at", "events", ["received_at"])
    _index("ix_events_unabsorbed", "events", ["created", "id"], where="absorbed_at IS NULL")
    op.create_table(
        "watermarks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_watermarks"),
    )


def _create_queue() -> None:
    op.create_table(
        "queue",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("due_at", BIG, nullable=False),
        sa.Column("run", sa.String()),
        sa.Column("pending_items", sa.Text()),
        sa.Column("requested", BIG, nullable=False),
        sa.Column("claimed_requested", BIG),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", BIG, nullable=False),
        sa.Column("claimed_by", sa.String()),
        sa.Column("lease_until", BIG),
        sa.CheckConstraint("requested >= 1", name="ck_queue_requested"),
        sa.CheckConstraint("(claimed_by IS NULL) = (lease_until IS NULL)", name="ck_queue_claim_whole"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_queue_run"),
        sa.PrimaryKeyConstraint("customer", name="pk_queue"),
    )
    _index("ix_queue_free", "queue", ["due_at", "customer"], where="claimed_by IS NULL")
    _index("ix_queue_claimed", "queue", ["lease_until", "due_at"], where="claimed_by IS NOT NULL")
    _index("ix_queue_run", "queue", ["run"], where="run IS NOT NULL")


def _create_shared_runs() -> None:
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
        sa.CheckConstraint("phase IN ('discovering', 'ended', 'working')", name="ck_shared_runs_phase"),
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


def _create_coordination() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("lease_until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "halts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("halted_by", sa.String(), nullable=False),
        sa.Column("halted_at", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_halts_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_halts"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("labels", sa.String(), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name="pk_counters"),
    )
    op.create_table(
        "notices",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("due_at", BIG, nullable=False),
        sa.Column("sent_at", BIG),
        sa.PrimaryKeyConstraint("key", name="pk_notices"),
    )
    _index("ix_notices_unsent", "notices", ["due_at", "key"], where="sent_at IS NULL")


def _create_watch_list() -> None:
    op.create_table(
        "watched_refunds",
        sa.Column("refund", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("since", BIG, nullable=False),
        sa.Column("look_at", BIG, nullable=False),
        sa.CheckConstraint("status IN ('pending', 'requires_action')", name="ck_watched_refunds_status"),
        sa.CheckConstraint("amount_minor > 0", name="ck_watched_refunds_amount_minor"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_watched_refunds_case_id"),
        sa.PrimaryKeyConstraint("refund", name="pk_watched_refunds"),
    )
    op.create_index("ix_watched_refunds_look_at", "watched_refunds", ["look_at", "refund"])
    op.create_index("ix_watched_refunds_since", "watched_refunds", ["since", "refund"])
    # Two attempts may have found the same refund: the newest names it.
    op.execute(
        """
        INSERT INTO watched_refunds
            (refund, case_id, step, attempt, customer, currency, amount_minor, status, since, look_at)
        SELECT steps.stripe_id, steps.case_id, steps.step, steps.attempt, cases.customer, cases.currency,
            steps.amount_minor, steps.status, COALESCE(steps.answered_at, steps.intended_at),
            COALESCE(steps.answered_at, steps.intended_at)
        FROM steps JOIN cases ON cases.id = steps.case_id
        WHERE steps.state = 'accepted' AND steps.step LIKE 'refund:%'
            AND steps.status IN ('pending', 'requires_action')
        ORDER BY steps.intended_at DESC, steps.attempt DESC
        ON CONFLICT (refund) DO NOTHING
        """
    )
