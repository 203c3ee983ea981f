"""A ledger of version 0001, written by that version: it migrates at its opening, and nothing of it is lost.

`ledger_0001.sql` is its dump: `case_1` refunded, `case_2` and `case_3` closed with an open refund, `case_4`
re-credited, `case_5` to `case_7` interrupted at the reserve, at a refund, and released behind a refund that is pending.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.migrations import NEWEST
from refund_worker.domain.cases import State
from tests.adapters.ledger.examples import LEASE_S, NOW, read

DUMP = Path(__file__).with_name("ledger_0001.sql")
HEAD = (70, "9f4ea7a9d3b4b784e960628ea0cbab1c4d6951d4ebfb7c1917698d0e64cdf393")  # as that version printed it


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    """The ledger, opened by this version."""
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(DUMP.read_text())
    connection.close()
    opened = SqlLedger.open(f"sqlite:///{path}")
    yield opened
    opened.close()


def test_it_is_migrated_and_its_trail_verifies(ledger: SqlLedger) -> None:
    """No entry was added, and none changed."""
    assert read(ledger, "SELECT version_num FROM alembic_version") == [(NEWEST,)]
    verified = ledger.verify(noted_head=HEAD)
    assert (verified.problem, verified.head) == (None, HEAD)


def test_its_open_refunds_are_on_the_watch_list_and_due(ledger: SqlLedger) -> None:
    """Of closed cases and live ones; neither those that ended nor reserves."""
    watched = list(ledger.queue.watched_refunds())
    assert [
        (of.refund, of.case, of.step, of.customer, of.amount_minor, of.status, of.since - NOW) for of in watched
    ] == [
        ("re_2", "case_2", "refund:1", "cus_2", 1_000, "pending", 20),
        ("re_3", "case_3", "refund:1", "cus_3", 1_000, "requires_action", 30),
        ("re_7", "case_7", "refund:1", "cus_7", 400, "pending", 70),
    ]
    assert ledger.queue.due_refunds(now=NOW + 100, limit=9) == tuple(watched)
    with ledger.writing() as writer:
        assert writer.confirmed(case="case_2", step="refund:1", attempt=1, status="succeeded", now=NOW + 100)
    assert ledger.verify(noted_head=HEAD).ok


def test_its_interrupted_cases_are_in_the_queue_and_can_be_finished(ledger: SqlLedger) -> None:
    """The released one at once, the others when their leases have ended or their workers are gone."""
    taken = ledger.queue.claim_live(worker="new", now=NOW, lease_s=LEASE_S, limit=9)
    assert [(claim.case, claim.fence) for claim in taken] == [("case_7", 2)]
    assert ledger.queue.end_case_leases(gone=lambda worker: worker == "lost:1") == 1
    taken = ledger.queue.claim_live(worker="new", now=NOW, lease_s=LEASE_S, limit=9)
    assert [claim.case for claim in taken] == ["case_5"]
    taken = ledger.queue.claim_live(worker="new", now=NOW + LEASE_S, lease_s=LEASE_S, limit=9)
    assert [claim.case for claim in taken] == ["case_5", "case_6", "case_7"]
    with ledger.writing() as writer:
        writer.move(taken[1], state=State.CLOSING, outcome=None, reason=None, now=NOW + LEASE_S)
    assert ledger.verify(noted_head=HEAD).ok
