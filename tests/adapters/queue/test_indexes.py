"""With many rows the queue's questions read an index, on both databases: what the planner says."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, event

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.case_queue import _CLAIMABLE
from refund_worker.adapters.ledger.customer_queue import (
    _CLAIM_DUE,
    _CLAIM_ENDED,
    _CLAIM_OF_NO_RUN,
    _CLAIMED_COUNT,
    _DUE_COUNT,
    _ENDED_COUNT,
    _KNOWN,
    _LEFT,
    _NOT_TO_WORK,
)
from refund_worker.adapters.ledger.inbox import _FORGET, _UNABSORBED
from refund_worker.adapters.ledger.outbox import _TO_SEND
from refund_worker.adapters.ledger.refund_watch import _DUE, _OF_REFUND
from tests.adapters.ledger.examples import NOW, started

# As many as one statement makes without a program's loop; most are none of the question's.
_FILL = (
    (
        "INSERT INTO runs (id, position, account, livemode, command, mode, sweep, policy_digest, started_at, status,"
        " summary) SELECT 'run_n' || n, n + 1, 'acct_1', {no}, 'night', 'run', {no},"
        " (SELECT digest FROM policies LIMIT 1), n, 'finished', '' FROM numbers"
    ),
    (
        "INSERT INTO shared_runs (run, name, phase, customers_read, missed, failures, cases)"
        " SELECT 'run_n' || n, 'night ' || n, CASE WHEN n < {rows} THEN 'ended' ELSE 'waiting' END, 0, 0, 0, 0"
        " FROM numbers"
    ),
    (
        "INSERT INTO queue (customer, cause, due_at, run, requested, attempts, fence, claimed_by, lease_until)"
        " SELECT 'cus_' || n, 'night', {now} - 500 + n, CASE WHEN n * 100 < {rows} THEN 'run_1' END, 1, 0, 1,"
        " CASE WHEN n > {rows} - 100 THEN 'w' END, CASE WHEN n > {rows} - 100 THEN {now} + 50 + n - {rows} END"
        " FROM numbers"
    ),
    (
        "INSERT INTO events (id, type, created, source, received_at, absorbed_at)"
        " SELECT 'evt_' || n, 'customer.updated', n, 'poll', n, CASE WHEN n * 100 < {rows} * 99 THEN n END FROM numbers"
    ),
    (
        "INSERT INTO notices (key, kind, title, body, created_at, due_at, sent_at)"
        " SELECT 'n_' || n, 'halted', '', '', {now}, {now}, CASE WHEN n * 100 < {rows} * 99 THEN n END FROM numbers"
    ),
    (
        "INSERT INTO cases"
        " (id, run, account, livemode, customer, currency, digest, plan, state, opened_at, fence, claim_run)"
        " SELECT 'case_' || n, 'run_1', 'acct_1', {no}, 'cus_' || n, 'usd', '', '',"
        " CASE WHEN n < {rows} - 100 THEN 'closed' ELSE 'refunding' END, n, 1, 'run_1' FROM numbers"
    ),
    (
        "INSERT INTO steps"
        " (case_id, step, attempt, position, key, amount_minor, target, params, state, intended_at, stripe_id)"
        " SELECT 'case_' || n, 'refund:1', 1, 1, 'key_' || n, 1, '', '', 'accepted', n, 're_' || n FROM numbers"
    ),
    (
        "INSERT INTO watched_refunds"
        " (refund, case_id, step, attempt, customer, currency, amount_minor, status, since, look_at)"
        " SELECT 're_' || n, 'case_' || n, 'refund:1', 1, 'c', 'usd', 1, 'pending', n, {now} - 500 + n FROM numbers"
    ),
)
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) ",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(1, {rows}) AS n) ",
}
_ASKED = {
    "of_now": NOW,
    "at_most": 32,
    "of_run": "run_1",
    "before": 99,
    "oldest": NOW - 9,
    "of_refund": "re_5",
    "of_customers": ["cus_1", "cus_2"],
}
QUESTIONS = {
    # The count of those that wait is not asked: here they are nearly all, and who counts all may read the table.
    "ix_queue_free": (_CLAIM_DUE, _DUE_COUNT),
    "ix_queue_claimed": (_CLAIM_ENDED, _ENDED_COUNT, _CLAIMED_COUNT),
    # What is claimed of runs while one waits reads the runs too, two of which a day brings: not asked here.
    "ix_queue_run": (_LEFT,),
    "ix_queue_of_no_run": (_CLAIM_OF_NO_RUN,),
    "ix_shared_runs_not_to_work": (_NOT_TO_WORK,),
    "pk_queue": (_KNOWN,),
    "ix_cases_live": (_CLAIMABLE,),
    "ix_events_unabsorbed": (_UNABSORBED,),
    "ix_events_received_at": (_FORGET,),
    "ix_notices_unsent": (_TO_SEND,),
    "ix_watched_refunds_look_at": (_DUE,),
    "ix_steps_stripe_id": (_OF_REFUND,),
}


@pytest.fixture(params=[10_000, pytest.param(100_000, marks=pytest.mark.deep)])
def full(lasting_url: str, request: pytest.FixtureRequest) -> Iterator[SqlLedger]:
    """A ledger with so many rows of everything."""
    ledger = started(SqlLedger.open(lasting_url))
    with ledger._database.writing() as connection:
        of = connection.dialect.name
        no = {"sqlite": "0", "postgresql": "false"}[of]
        for statement in _FILL:
            insert, _, rows = statement.partition(" SELECT ")
            connection.exec_driver_sql(
                f"{insert} {_NUMBERS[of]} SELECT {rows}".format(now=NOW, no=no, rows=request.param)
            )
        connection.exec_driver_sql("ANALYZE")
    yield ledger
    ledger.close()


def test_the_queue_reads_indexes(full: SqlLedger) -> None:
    """Each question the one that was made for it; none reads a whole table."""
    with full._database.writing() as connection:
        wrong = {
            index: plan
            for index, statements in QUESTIONS.items()
            for plan in (_plan(connection, statement) for statement in statements)
            if not _uses(plan, index)
        }
    assert wrong == {}


def _plan(connection: Connection, statement: Executable) -> str:
    """What the planner says of a statement as the driver gets it, parameters and all."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, text: str, parameters: Any, *_more: Any) -> None:
        sent.append((text, parameters))

    event.listen(connection, "before_cursor_execute", note)
    connection.execute(statement, _ASKED)
    event.remove(connection, "before_cursor_execute", note)
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[connection.dialect.name]
    ((text, parameters),) = sent
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + text, parameters))


def _uses(plan: str, index: str) -> bool:
    whole = any(line.startswith("SCAN ") and "INDEX" not in line for line in plan.splitlines()) or "Seq Scan" in plan
    return not whole and (index in plan or (index.startswith("pk_") and "sqlite_autoindex" in plan))
