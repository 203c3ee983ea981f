"""A case that was interrupted is resumed in another world than the one it was planned in."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Outcome
from refund_worker.domain.reasons import Reason
from refund_worker.sandbox import Sandbox
from tests.crash.scenes import goodwill, refund_by_hand, use_credit
from tests.usecases.stage import REFUND, RESERVE, Stage
from tests.worlds import night, resume


@pytest.mark.parametrize("moment", [(RESERVE, "after"), (REFUND, "before")])
def test_a_refund_by_hand_meanwhile_is_not_made_twice(moment: tuple[str, str]) -> None:
    """Support sees a balance of zero, refunds by hand, and the resumed case must not refund again."""
    stage = Stage.of("one_charge")
    stage.kill_at(*moment)
    refund_by_hand(stage.sandbox, 5_000)
    resume(stage.world("next"))
    assert stage.book.refunded == 5_000
    stage.hours_pass(25)
    night(stage.world("again"))
    night(stage.world("and again"))
    stage.check_at_rest(balance=-5_000, refunded=5_000)


def _pending_item(sandbox: Sandbox) -> None:
    customer = sandbox.books()[0].customer
    sandbox.post("/v1/invoiceitems", {"customer": customer, "amount": 1_000, "currency": "usd"})


def test_guards_that_stand_against_it_ten_hours_later_are_asked_again() -> None:
    """Killed before the refund was sent; then something is pending: given back and held, not refunded."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "after")
    _pending_item(stage.sandbox)
    stage.hours_pass(10)
    result = night(stage.world("next"))
    assert [case.reason for case in result.cases] == [Reason.PLAN_STALE, Reason.PENDING_ITEMS]
    stage.check_at_rest(balance=-5_000, refunded=0)


def test_moves_that_cancel_out_while_a_case_was_interrupted_are_seen() -> None:
    """Killed before the reserve; an invoice uses 20.00 and as much goodwill is granted: only 30.00 may leave."""
    stage = Stage.of("one_charge")
    stage.kill_at(RESERVE, "before")
    customer = stage.book.customer
    use_credit(stage.sandbox, 2_000)
    goodwill(stage.sandbox, customer, 2_000)
    resume(stage.world("next"))
    stage.check_at_rest(balance=-2_000, refunded=3_000)


def test_an_older_copy_of_the_ledger_gives_nothing_back_that_was_refunded(tmp_path: Path) -> None:
    """The copy knows the reserve and no refund; Stripe's refunds say what became of it."""
    stage = Stage.of("three_charges")
    stage.ledger = SqlLedger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    stage.kill_at(REFUND, "before")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as now, closing(sqlite3.connect(tmp_path / "old")) as old:
        now.backup(old)
    resume(stage.world("next"))
    assert stage.money == (0, 26_998)
    stage.ledger = SqlLedger.open(f"sqlite:///{tmp_path / 'old'}")
    stage.hours_pass(25)
    resume(stage.world("restored"))
    assert stage.money == (0, 26_998)
    assert stage.case.outcome is Outcome.REFUNDED
    assert stage.ledger.verify().ok
