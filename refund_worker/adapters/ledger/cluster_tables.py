"""The tables that all workers share beside the cases: events, queue, shared runs, leases, halts, counters, notices.

Nothing here moves money by itself and none of it is in the audit trail (a halt is, by entries of its own): it says what
is to be looked at, by whom, and when. Times are epoch seconds, amounts the currency's minor unit.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text

from refund_worker.adapters.ledger.tables import BIG, metadata, one_of
from refund_worker.domain.events import EventSource
from refund_worker.domain.nights import Phase

events = Table(
    "events",
    metadata,
    Column("id", String, primary_key=True),
    Column("type", String, nullable=False),
    Column("created", BIG, nullable=False),
    Column("customer", String),
    Column("charge", String),
    Column("refund", String),
    # The customer's credit per currency where the event told it: weighed with its night, never refunded by.
    Column("credit", Text),
    Column("source", String, nullable=False),
    Column("received_at", BIG, nullable=False),
    Column("absorbed_at", BIG),
    one_of("source", EventSource),
    Index("ix_events_received_at", "received_at"),
)

_unabsorbed = text("absorbed_at IS NULL")
Index(
    "ix_events_unabsorbed",
    events.c.created,
    events.c.id,
    sqlite_where=_unabsorbed,
    postgresql_where=_unabsorbed,
)

queue = Table(
    "queue",
    metadata,
    Column("customer", String, primary_key=True),
    Column("cause", String, nullable=False),
    Column("due_at", BIG, nullable=False),
    Column("run", ForeignKey("runs.id")),
    Column("pending_items", Text),
    Column("credit", Text),
    Column("requested", BIG, nullable=False),
    # As `requested` was when it was claimed: a wish made since then begins anew, with its own time.
    Column("claimed_requested", BIG),
    Column("attempts", Integer, nullable=False),
    Column("fence", BIG, nullable=False),
    Column("claimed_by", String),
    Column("lease_until", BIG),
    CheckConstraint("requested >= 1", name="requested"),
    CheckConstraint("(claimed_by IS NULL) = (lease_until IS NULL)", name="claim_whole"),
)

# Literal conditions, not parameters: only so may a database use a partial index.
FREE = text("claimed_by IS NULL")
CLAIMED = text("claimed_by IS NOT NULL")
_of_a_run = text("run IS NOT NULL")
Index("ix_queue_free", queue.c.due_at, queue.c.customer, sqlite_where=FREE, postgresql_where=FREE)
Index("ix_queue_claimed", queue.c.lease_until, queue.c.due_at, sqlite_where=CLAIMED, postgresql_where=CLAIMED)
Index("ix_queue_run", queue.c.run, queue.c.due_at, sqlite_where=_of_a_run, postgresql_where=_of_a_run)
# While a night is not weighed, or waits: what may be claimed meanwhile is found without reading all of its entries.
FREE_OF_NO_RUN = text("claimed_by IS NULL AND run IS NULL")
Index(
    "ix_queue_of_no_run",
    queue.c.due_at,
    queue.c.customer,
    sqlite_where=FREE_OF_NO_RUN,
    postgresql_where=FREE_OF_NO_RUN,
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String, primary_key=True),
    Column("at", BIG, nullable=False),
)

shared_runs = Table(
    "shared_runs",
    metadata,
    # Deferred: the name is taken first, so that of two workers only one goes on to write the run.
    Column("run", ForeignKey("runs.id", deferrable=True, initially="DEFERRED"), primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("phase", String, nullable=False),
    Column("cursor", String),
    Column("customers_read", BIG, nullable=False),
    Column("missed", BIG, nullable=False),
    Column("stopped_by", Text),
    Column("stop", String),
    Column("failures", Integer, nullable=False),
    Column("cases", BIG, nullable=False),
    # When the money in the Stripe balance was read for it; None = never.
    Column("funds_read_at", BIG),
    one_of("phase", Phase),
    CheckConstraint("(stopped_by IS NULL) = (stop IS NULL)", name="stop_whole"),
)

# Of these runs no entry is claimed: they are not weighed yet, or wait to be let through.
NOT_TO_WORK = text("phase IN ('discovering', 'waiting')")
TO_WORK = text("phase IN ('working', 'ended')")
Index("ix_shared_runs_not_to_work", shared_runs.c.run, sqlite_where=NOT_TO_WORK, postgresql_where=NOT_TO_WORK)

run_sums = Table(
    "run_sums",
    metadata,
    Column("run", ForeignKey("shared_runs.run"), primary_key=True),
    Column("currency", String, primary_key=True),
    Column("planned_minor", BIG, nullable=False),
    CheckConstraint("planned_minor >= 0", name="planned_minor"),
)

# Per currency the money in the Stripe balance as read, and what admitted cases have booked of it since.
run_funds = Table(
    "run_funds",
    metadata,
    Column("run", ForeignKey("shared_runs.run"), primary_key=True),
    Column("currency", String, primary_key=True),
    Column("available_minor", BIG, nullable=False),
    Column("booked_minor", BIG, nullable=False),
    # What the first case needed that did not fit: no other is admitted in this currency until it is read again.
    Column("short_minor", BIG),
    CheckConstraint("booked_minor >= 0", name="booked_minor"),
    CheckConstraint("short_minor > 0", name="short_minor"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("lease_until", BIG, nullable=False),
)

# One row while a halt stands; those that ended are in the audit trail.
halts = Table(
    "halts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("halted_by", String, nullable=False),
    Column("halted_at", BIG, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String, primary_key=True),
    Column("labels", String, primary_key=True),
    Column("count", BIG, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("key", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BIG, nullable=False),
    # When it may be sent, or sent again: a claim moves it to the end of the claim's lease.
    Column("due_at", BIG, nullable=False),
    Column("sent_at", BIG),
)

_unsent = text("sent_at IS NULL")
Index("ix_notices_unsent", notices.c.due_at, notices.c.key, sqlite_where=_unsent, postgresql_where=_unsent)

watched_refunds = Table(
    "watched_refunds",
    metadata,
    Column("refund", String, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    Column("step", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("customer", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("amount_minor", BIG, nullable=False),
    Column("status", String, nullable=False),
    Column("since", BIG, nullable=False),
    Column("look_at", BIG, nullable=False),
    CheckConstraint("status IN ('pending', 'requires_action')", name="status"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index("ix_watched_refunds_look_at", "look_at", "refund"),
    Index("ix_watched_refunds_since", "since", "refund"),
)
