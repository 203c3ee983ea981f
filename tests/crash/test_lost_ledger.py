"""Invariant 7: the ledger is deleted; with a new one and `recover` the customer ends fully refunded exactly once."""

from collections.abc import Callable

import pytest

from refund_worker.domain.credit import Origin
from refund_worker.usecases.explain_customer import explain_customer
from refund_worker.usecases.mend_orphans import Finding
from tests.usecases.stage import GIVE_BACK, HOUR_S, REFUND, RESERVE, Stage
from tests.worlds import night, recovered


def _after_reserve(stage: Stage) -> None:
    stage.kill_at(RESERVE, "after")


def _after_refund(stage: Stage) -> None:
    stage.kill_at(REFUND, "after")


def _after_second_refund(stage: Stage) -> None:
    stage.kill_at("stripe.create_refund refund:2", "after")


def _answer_of_reserve_lost(stage: Stage) -> None:
    stage.kill_at(RESERVE, "lost")


LOST = {
    "a_reserve": (_after_reserve, 26_998),
    "a_reserve_whose_answer_was_lost": (_answer_of_reserve_lost, 26_998),
    "a_refund": (_after_refund, 16_998),
    "two_refunds": (_after_second_refund, 6_998),
}


def _origins(stage: Stage) -> list[tuple[Origin, int]]:
    lots = explain_customer(stage.world("reader"), stage.book.customer).own.plan.lots
    return [(lot.origin, lot.left_minor) for lot in lots]


@pytest.mark.parametrize(("lose", "rest"), LOST.values(), ids=LOST)
def test_a_ledger_lost_in_the_middle_is_mended(lose: Callable[[Stage], None], rest: int) -> None:
    """Too young until 24 hours have passed, then given back, then refunded anew: each charge once."""
    stage = Stage.of("three_charges")
    lose(stage)
    stage.lose_ledger()
    debited_at = stage.sandbox.clock.now

    (young,) = recovered(stage.world("recover")).found
    assert (young.finding, young.rest_minor, young.at) == (Finding.TOO_YOUNG, rest, debited_at + 24 * HOUR_S)
    assert stage.book.balance == 0

    stage.hours_pass(24)
    (found,) = recovered(stage.world("recover2")).found
    assert (found.finding, found.rest_minor) == (Finding.GIVEN_BACK, rest)
    stage.check_at_rest(balance=-rest, refunded=26_998 - rest)
    assert _origins(stage) == [(Origin.PRORATION, rest)]

    night(stage.world("night"))
    stage.check_at_rest(balance=0, refunded=26_998)
    assert sorted(charge.refunded for charge in stage.book.charges) == [6_998, 10_000, 10_000]


def test_until_then_the_customer_is_held_and_nothing_moves() -> None:
    """The new ledger's nights see the orphan and leave it alone."""
    stage = Stage.of("three_charges")
    stage.kill_at(REFUND, "after")
    stage.lose_ledger()
    writes = len(stage.writes)
    customer = stage.book.customer

    result = night(stage.world("night"), customer)

    assert len(stage.writes) == writes
    assert stage.money == (0, 10_000)
    assert [str(case.outcome) for case in result.cases] in (["held"], ["skipped"])


@pytest.mark.parametrize("phase", ["lost", "after"])
def test_a_ledger_lost_after_a_give_back_leaves_nothing_to_mend(phase: str) -> None:
    """The rest of the mark is zero at Stripe; the lots stand where they stood."""
    stage = Stage.of("one_charge")
    stage.refuse("/v1/refunds", code="charge_disputed")
    stage.kill_at(GIVE_BACK, phase)
    stage.lose_ledger()
    stage.hours_pass(24)

    assert recovered(stage.world("recover")).found == []
    assert _origins(stage) == [(Origin.PRORATION, 5_000)]
    night(stage.world("night"))
    stage.check_at_rest(balance=0, refunded=5_000)


@pytest.mark.parametrize("phase", ["before", "lost", "after"])
def test_a_ledger_lost_at_a_recredit_ends_with_one_recredit(phase: str) -> None:
    """A refund failed later; whoever mends it, the lots have their origin again and are refunded once."""
    stage = Stage.of("one_charge")
    night(stage.world("first"))
    (refund,) = stage.book.refunds
    stage.hours_pass(30)
    stage.sandbox.control.turn_refund(refund.refund, "failed")
    _recover_killed(stage, phase)
    stage.lose_ledger()

    recovered(stage.world("recover"))

    stage.check_at_rest(balance=-5_000, refunded=0)
    assert _origins(stage) == [(Origin.PRORATION, 5_000)]
    recredits = [move for move in stage.book.balance_transactions if "refund_worker_refund" in move.metadata]
    assert [(move.amount, move.metadata["refund_worker_refund"]) for move in recredits] == [(-5_000, refund.refund)]
    stage.hours_pass(29 * 24)
    night(stage.world("when the charge may be asked again"))
    stage.check_at_rest(balance=0, refunded=5_000)


def _recover_killed(stage: Stage, phase: str) -> None:
    from tests.usecases.stage import Killed, at, die

    with pytest.raises(Killed):
        recovered(stage.world("killed", meet=at("stripe.create_movement recredit:1", phase, die)))
    stage.gone.add("killed")


def test_a_lost_ledger_beside_goodwill_gives_no_goodwill_away() -> None:
    """After the give-back the goodwill is goodwill, the proration credit proration credit."""
    stage = Stage.of("credit_used_meanwhile")
    stage.kill_at(RESERVE, "after")
    stage.lose_ledger()
    stage.hours_pass(25)
    recovered(stage.world("recover"))
    assert sorted(_origins(stage)) == [(Origin.ADJUSTMENT, 2_000), (Origin.PRORATION, 5_000)]
    night(stage.world("night"))
    stage.check_at_rest(balance=-2_000, refunded=5_000)
