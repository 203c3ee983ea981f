"""Conversions in the ledger: kept whole, live like any case, and verified."""

from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Case, Claim, State, Step, StepState
from refund_worker.domain.conversions import Conversion, NamedItem
from refund_worker.domain.credit import Cause
from refund_worker.domain.errors import CaseIsLive
from tests.adapters.ledger.examples import NOW, a_case, a_plan, started

CONVERSION = Conversion(
    subscription="sub_1",
    currency="usd",
    items=(NamedItem(item="ii_a", amount_minor=-700), NamedItem(item="ii_b", amount_minor=200)),
    proration_minor=500,
    cause=Cause.QUANTITY,
    credited=("in_1",),
    since=NOW - 9,
    earlier=2,
)


def a_conversion(case: str = "case_c") -> Case:
    plan = replace(a_plan(), conversions=(CONVERSION,), refunds=(), named_lots=(), candidates=(), lots=())
    return replace(a_case(case), plan=plan, state=State.CREDITING)


def a_write(name: str, *, amount: int = 500, **params: object) -> Step:
    return Step(
        name=name,
        attempt=1,
        key=f"key {name}",
        amount_minor=amount,
        target="ii_a",
        params=params,
        before_minor=None,
        state=StepState.INTENDED,
        intended_at=NOW,
    )


def accepted(ledger: SqlLedger, claim: Claim, step: Step) -> None:
    with ledger.writing() as writer:
        writer.intend(claim, step)
        writer.found(claim, step=step.name, attempt=1, stripe_id="x", status=None, ending_balance_minor=None, now=NOW)


@pytest.fixture
def claimed(ledger: SqlLedger) -> tuple[SqlLedger, Claim]:
    started(ledger)
    with ledger.writing() as writer:
        return ledger, writer.open_case(a_conversion(), worker="w", lease_s=300)


def test_a_conversion_is_kept_whole_and_live(claimed: tuple[SqlLedger, Claim]) -> None:
    """Rule ONE_LIVE_CASE covers it, in both of its states."""
    ledger, claim = claimed
    kept = ledger.case("case_c")
    assert kept is not None
    assert kept.plan.conversions == (CONVERSION,)
    for state in (None, State.DELETING):
        if state is not None:
            with ledger.writing() as writer:
                writer.move(claim, state=state, outcome=None, reason=None, now=NOW)
        assert ledger.live_cases() == ("case_c",)
        with pytest.raises(CaseIsLive), ledger.writing() as writer:
            writer.open_case(a_case("case_d"), worker="w", lease_s=300)


def test_an_adopted_conversion_only_deletes(ledger: SqlLedger) -> None:
    started(ledger)
    with ledger.writing() as writer:
        writer.adopt_orphan(a_conversion(), run="run_1", worker="w", lease_s=300)
    kept = ledger.case("case_c")
    assert kept is not None
    assert kept.state is State.DELETING


def test_verify_names_a_deletion_without_credit_record_or_sum(claimed: tuple[SqlLedger, Claim]) -> None:
    ledger, claim = claimed
    accepted(ledger, claim, a_write("delete_item:1", amount=700, record={"id": "ii_a"}))
    assert ledger.verify().problem == "case case_c: delete_item:1 was made without an accepted credit"
    accepted(ledger, claim, a_write("credit_items", amount=499))
    assert ledger.verify().problem == "case case_c: 499 were credited for items whose sum is -500"


def test_verify_names_a_deletion_without_a_record(claimed: tuple[SqlLedger, Claim]) -> None:
    ledger, claim = claimed
    accepted(ledger, claim, a_write("credit_items"))
    accepted(ledger, claim, a_write("delete_item:1", amount=700, record={"id": "ii_a"}))
    assert ledger.verify().ok
    accepted(ledger, claim, a_write("delete_item:2", amount=200))
    assert ledger.verify().problem == "case case_c: delete_item:2 kept no record of the item"
