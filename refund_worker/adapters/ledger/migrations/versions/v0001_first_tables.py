"""The first tables, and the triggers that keep the audit trail as it was written.

Written out, not taken from `tables`: what this version made must not change when the tables do.
"""

import sqlalchemy as sa
from alembic import op

from refund_worker.adapters.ledger.migrations.audit_triggers import create_audit_triggers

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUTCOMES = "outcome IN ('failed', 'held', 'owed', 'partly_refunded', 'planned', 'refunded', 'skipped', 'unknown')"


def upgrade() -> None:
    """Make every table, oldest parent first."""
    _create_runs()
    _create_cases()
    _create_steps()
    _create_standings()
    _create_audit()
    create_audit_triggers(op.get_bind())
    op.bulk_insert(
        sa.table("audit_head", sa.column("id"), sa.column("sequence"), sa.column("hash")),
        [{"id": 1, "sequence": 0, "hash": "0" * 64}],
    )


def _create_runs() -> None:
    op.create_table(
        "bindings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("bound_at", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_bindings_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_bindings"),
    )
    op.create_table(
        "policies",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_policies"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("sweep", sa.Boolean(), nullable=False),
        sa.Column("policy_digest", sa.String(), nullable=False),
        sa.Column("started_at", BIG, nullable=False),
        sa.Column("finished_at", BIG),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.CheckConstraint("mode IN ('plan', 'run')", name="ck_runs_mode"),
        sa.CheckConstraint("status IN ('finished', 'interrupted', 'running', 'stopped')", name="ck_runs_status"),
        sa.ForeignKeyConstraint(["policy_digest"], ["policies.digest"], name="fk_runs_policy_digest"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("position", name="uq_runs_position"),
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String()),
        sa.Column("reason", sa.String()),
        sa.Column("opened_at", BIG, nullable=False),
        sa.Column("closed_at", BIG),
        sa.Column("covered_minor", BIG),
        sa.Column("fence", BIG, nullable=False),
        sa.Column("claimed_by", sa.String()),
        sa.Column("claimed_at", BIG),
        sa.Column("lease_until", BIG),
        sa.Column("claim_run", sa.String(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.CheckConstraint(
            OUTCOMES,
            name="ck_cases_outcome",
        ),
        sa.CheckConstraint("state IN ('closed', 'closing', 'owed', 'refunding', 'reserving')", name="ck_cases_state"),
        sa.CheckConstraint("(claimed_by IS NULL) = (lease_until IS NULL)", name="ck_cases_claim_whole"),
        sa.CheckConstraint("covered_minor >= 0", name="ck_cases_covered_minor"),
        sa.CheckConstraint("fence >= 1", name="ck_cases_fence"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_customer", "cases", ["customer", "opened_at", "id"], unique=False)
    op.create_index("ix_cases_opened_at", "cases", ["opened_at", "id"], unique=False)
    op.create_index(
        "one_live_case",
        "cases",
        ["account", "livemode", "customer", "currency"],
        unique=True,
        sqlite_where=sa.text("state IN ('closing', 'refunding', 'reserving')"),
        postgresql_where=sa.text("state IN ('closing', 'refunding', 'reserving')"),
    )


def _create_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("before_minor", BIG),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("intended_at", BIG, nullable=False),
        sa.Column("answered_at", BIG),
        sa.Column("stripe_id", sa.String()),
        sa.Column("status", sa.String()),
        sa.Column("ending_balance_minor", BIG),
        sa.Column("request_id", sa.String()),
        sa.Column("code", sa.String()),
        sa.CheckConstraint("state <> 'accepted' OR stripe_id IS NOT NULL", name="ck_steps_accepted_has_id"),
        sa.CheckConstraint("state IN ('accepted', 'intended', 'refused', 'unknown')", name="ck_steps_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_steps_amount_minor"),
        sa.CheckConstraint("attempt >= 1", name="ck_steps_attempt"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_steps_case_id"),
        sa.PrimaryKeyConstraint("case_id", "step", "attempt", name="pk_steps"),
        sa.UniqueConstraint("case_id", "position", name="uq_steps_position"),
        sa.UniqueConstraint("key", name="uq_steps_key"),
    )
    op.create_table(
        "sends",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("fence", BIG, nullable=False),
        sa.Column("sent_at", BIG, nullable=False),
        sa.Column("answered_at", BIG),
        sa.Column("answer", sa.String()),
        sa.CheckConstraint(
            "answer IN ('accepted', 'nothing_happened', 'refused', 'stored_500', 'unknown')",
            name="ck_sends_answer",
        ),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="ck_sends_answer_whole"),
        sa.ForeignKeyConstraint(
            ["case_id", "step", "attempt"],
            ["steps.case_id", "steps.step", "steps.attempt"],
            name="fk_sends_step",
        ),
        sa.PrimaryKeyConstraint("case_id", "step", "attempt", "position", name="pk_sends"),
    )


def _create_standings() -> None:
    op.create_table(
        "standings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("since", BIG, nullable=False),
        sa.Column("ended_at", BIG),
        sa.CheckConstraint(
            OUTCOMES,
            name="ck_standings_outcome",
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_standings_run"),
        sa.PrimaryKeyConstraint("id", name="pk_standings"),
    )
    op.create_index("ix_standings_since", "standings", ["since", "id"], unique=False)
    op.create_index(
        "one_standing",
        "standings",
        ["account", "livemode", "customer", "currency"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "plans",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_plans_run"),
        sa.PrimaryKeyConstraint("case_id", name="pk_plans"),
    )


def _create_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("sequence", BIG, autoincrement=False, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("run", sa.String()),
        sa.Column("case_id", sa.String()),
        sa.Column("customer", sa.String()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", BIG),
        sa.Column("currency", sa.String()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_case_id", "audit_entries", ["case_id", "sequence"], unique=False)
    op.create_index("ix_audit_entries_run", "audit_entries", ["run", "sequence"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
