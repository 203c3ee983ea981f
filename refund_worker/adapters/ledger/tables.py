"""The tables of the ledger. Amounts are integers in the currency's minor unit, times are epoch seconds.

The migrations make these tables; a test compares the two. Long texts (plan, params, policy, summary) are
canonical JSON.
"""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from refund_worker.domain.cases import LIVE, Outcome, SendAnswer, State, StepState
from refund_worker.domain.runs import RunMode, RunStatus

metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite keeps rows in the order of an INTEGER key, and only of that spelling; its INTEGER has 64 bits.
BIG = BigInteger().with_variant(Integer, "sqlite")

ONE_LIVE_CASE = "one_live_case"
ONE_STANDING = "one_standing"


def one_of(column: str, words: Iterable[StrEnum]) -> CheckConstraint:
    """A CHECK that the column holds one of the words, or nothing where it may be NULL."""
    listed = ", ".join(f"'{word}'" for word in sorted(words))
    return CheckConstraint(f"{column} IN ({listed})", name=column)


bindings = Table(
    "bindings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("account", String, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("bound_at", BIG, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

policies = Table(
    "policies",
    metadata,
    Column("digest", String, primary_key=True),
    Column("policy", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    # Two runs may start within one second: the position says which was later.
    Column("position", BIG, nullable=False, unique=True),
    Column("account", String, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("command", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("sweep", Boolean, nullable=False),
    Column("policy_digest", ForeignKey("policies.digest"), nullable=False),
    Column("started_at", BIG, nullable=False),
    Column("finished_at", BIG),
    Column("status", String, nullable=False),
    Column("summary", Text, nullable=False),
    # What its discovery found, held against the past nights; None = it was not weighed.
    Column("weighed", Text),
    # Who let it through although it is unusual, when and why.
    Column("let_through", Text),
    one_of("mode", RunMode),
    one_of("status", RunStatus),
)

cases = Table(
    "cases",
    metadata,
    Column("id", String, primary_key=True),
    # No foreign key: the run of an adopted orphan may stand in a ledger that was lost.
    Column("run", String, nullable=False),
    Column("account", String, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("customer", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("plan", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("outcome", String),
    Column("reason", String),
    Column("opened_at", BIG, nullable=False),
    Column("closed_at", BIG),
    Column("covered_minor", BIG),
    Column("fence", BIG, nullable=False),
    Column("claimed_by", String),
    Column("claimed_at", BIG),
    Column("lease_until", BIG),
    Column("claim_run", String, nullable=False),
    Column("last_error", Text),
    # Not claimed from the queue of live cases before then; None = at once.
    Column("next_at", BIG),
    one_of("state", State),
    one_of("outcome", Outcome),
    CheckConstraint("covered_minor >= 0", name="covered_minor"),
    CheckConstraint("fence >= 1", name="fence"),
    CheckConstraint("(claimed_by IS NULL) = (lease_until IS NULL)", name="claim_whole"),
    Index("ix_cases_opened_at", "opened_at", "id"),
    Index("ix_cases_customer", "customer", "opened_at", "id"),
)

# Written out, not a parameter: only so may a database use the partial indexes.
LIVE_CASES = text(f"state IN ({', '.join(repr(str(state)) for state in sorted(LIVE))})")
Index(
    ONE_LIVE_CASE,
    cases.c.account,
    cases.c.livemode,
    cases.c.customer,
    cases.c.currency,
    unique=True,
    sqlite_where=LIVE_CASES,
    postgresql_where=LIVE_CASES,
)
Index("ix_cases_live", cases.c.opened_at, cases.c.id, sqlite_where=LIVE_CASES, postgresql_where=LIVE_CASES)

steps = Table(
    "steps",
    metadata,
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("step", String, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("key", String, nullable=False, unique=True),
    Column("amount_minor", BIG, nullable=False),
    Column("target", String, nullable=False),
    Column("params", Text, nullable=False),
    Column("before_minor", BIG),
    Column("state", String, nullable=False),
    Column("intended_at", BIG, nullable=False),
    Column("answered_at", BIG),
    Column("stripe_id", String),
    Column("status", String),
    Column("ending_balance_minor", BIG),
    Column("request_id", String),
    Column("code", String),
    one_of("state", StepState),
    CheckConstraint("attempt >= 1", name="attempt"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    CheckConstraint("state <> 'accepted' OR stripe_id IS NOT NULL", name="accepted_has_id"),
    UniqueConstraint("case_id", "position", name="uq_steps_position"),
    Index("ix_steps_stripe_id", "stripe_id"),
)

sends = Table(
    "sends",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("fence", BIG, nullable=False),
    Column("sent_at", BIG, nullable=False),
    Column("answered_at", BIG),
    Column("answer", String),
    one_of("answer", SendAnswer),
    CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer_whole"),
    ForeignKeyConstraint(
        ["case_id", "step", "attempt"], ["steps.case_id", "steps.step", "steps.attempt"], name="fk_sends_step"
    ),
)

standings = Table(
    "standings",
    metadata,
    Column("id", String, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("account", String, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("customer", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("plan", Text, nullable=False),
    Column("since", BIG, nullable=False),
    Column("ended_at", BIG),
    one_of("outcome", Outcome),
    Index("ix_standings_since", "since", "id"),
)

_stands = text("ended_at IS NULL")
Index(
    ONE_STANDING,
    standings.c.account,
    standings.c.livemode,
    standings.c.customer,
    standings.c.currency,
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)

Index("ix_standings_customer", standings.c.customer, sqlite_where=_stands, postgresql_where=_stands)

plans = Table(
    "plans",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("customer", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("plan", Text, nullable=False),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("sequence", BIG, primary_key=True, autoincrement=False),
    Column("at", BIG, nullable=False),
    Column("run", String),
    Column("case_id", String),
    Column("customer", String),
    Column("kind", String, nullable=False),
    Column("amount_minor", BIG),
    Column("currency", String),
    Column("body", Text, nullable=False),
    Column("form", Integer, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_audit_entries_case_id", "case_id", "sequence"),
    Index("ix_audit_entries_run", "run", "sequence"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BIG, nullable=False),
    Column("hash", String, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
