"""Cases that the first version left in the middle, its tables 0001: this version opens its ledger and ends them right.

How `ledger.sql` and `sandbox.json.gz` were made, with the code of commit 754981b: ten customers of a sandbox (seed 8)
subscribed, in one payment or three, and cancelled three days later; then each had a run of its own that was killed
(`tests.usecases.stage.at` and `die`) at the step that names it - `reserve_lost` before the answer to its reserve
arrived, `give_back_after` between the give-back's answer and its record, and so on; at a give-back the first refund
had been refused. `finished` was not killed; the refunds of `pending` and `pending_fails` are pending. The SQLite file
was dumped as SQL, and of the sandbox its clock, counters, keys of ours and all records but the events as JSON.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.migrations import NEWEST
from refund_worker.sandbox import Books
from refund_worker.usecases.confirm_refund import confirm_due_refunds
from tests.adapters.ledger.examples import read
from tests.crash import judge
from tests.upgrade.account import account
from tests.usecases.stage import HOUR_S, Stage
from tests.worlds import night, resume

DUMP = Path(__file__).with_name("ledger.sql")
HEAD = (105, "6ba8693089f719942ab443e579cf559f6d3375cf874772f28dfb59c0beb48f6d")  # as that version printed it
INTERRUPTED = (
    "reserve_before", "reserve_lost", "reserve_after", "refund_before", "refund_lost", "give_back_lost",
    "give_back_after",
)  # fmt: skip
LEASE_OVER_H, KEYS_GONE_H = 0.1, 25


@dataclass(frozen=True, slots=True)
class Left:
    """What that version left: its ledger, opened by this version, and the account."""

    stage: Stage
    customers: dict[str, str]
    credits: dict[str, int]

    def book(self, name: str) -> Books:
        """What an outside judge reads of one of them."""
        return next(book for book in self.stage.sandbox.books() if book.customer == self.customers[name])

    def check(self) -> None:
        """Nobody is short of a cent, nothing was refunded twice, nothing is stuck, the trail goes on and verifies."""
        for name in self.customers:
            book = self.book(name)
            assert book.refunded + book.pending - book.balance == self.credits[name], name
            assert judge.double_refunds(book) == []
        assert judge.losses(self.stage.sandbox) == []
        assert self.stage.ledger.live_cases() == ()
        verified = self.stage.ledger.verify(noted_head=HEAD)
        assert verified.ok, verified.problem


@pytest.fixture
def left(tmp_path: Path) -> Left:
    """The ledger and the account as they were left."""
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(DUMP.read_text())
    connection.close()
    sandbox, customers = account()
    stage = Stage(sandbox, SqlLedger.open(f"sqlite:///{path}"))
    names = {customer: name for name, customer in customers.items()}
    # The books tell the credit of each: the first balance transaction is the cancellation's.
    credits_minor = {names[book.customer]: -book.balance_transactions[0].amount for book in sandbox.books()}
    return Left(stage, customers, credits_minor)


def test_the_fixture_is_what_it_is_said_to_be(left: Left) -> None:
    """Its cases are interrupted, money is under way, and it was migrated without a new entry."""
    ledger = left.stage.ledger
    assert read(ledger, "SELECT version_num FROM alembic_version") == [(NEWEST,)]
    assert sorted(ledger.live_cases()) == sorted(f"case_{name}000001" for name in INTERRUPTED)
    assert ledger.verify(noted_head=HEAD).head == HEAD
    assert any(rest for book in left.stage.sandbox.books() for rest in judge.rests(book).values())


@pytest.mark.parametrize("hours", [LEASE_OVER_H, KEYS_GONE_H])
def test_resume_ends_them_right(left: Left, hours: float) -> None:
    """While Stripe still knows the keys, and a day later, by the marks; the next night refunds what was given back."""
    left.stage.hours_pass(hours)
    told = resume(left.stage.world("new"))
    assert {case.customer for case in told.cases} >= {left.customers[name] for name in INTERRUPTED}
    left.check()
    night(left.stage.world("next"))
    left.check()
    for name in INTERRUPTED:
        book = left.book(name)
        assert (book.balance, book.refunded) == (0, left.credits[name]), name


def test_what_was_pending_is_followed_to_its_end(left: Left) -> None:
    """One refund succeeds and is recorded, one fails and is re-credited once."""
    sandbox = left.stage.sandbox
    for name, status in (("pending", "succeeded"), ("pending_fails", "failed")):
        (refund,) = left.book(name).refunds
        sandbox.control.turn_refund(refund.refund, status)
    left.stage.hours_pass(LEASE_OVER_H)
    resume(left.stage.world("new"))
    sandbox.clock.advance(HOUR_S)
    for _ in range(2):
        confirm_due_refunds(left.stage.world("looks"), limit=10)
    left.check()
    credit = left.credits["pending_fails"]
    assert (left.book("pending").refunded, left.book("pending").balance) == (left.credits["pending"], 0)
    assert (left.book("pending_fails").refunded, left.book("pending_fails").balance) == (0, -credit)
    assert list(left.stage.ledger.queue.watched_refunds()) == []
