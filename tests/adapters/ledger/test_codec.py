"""Plans as JSON: the same plan comes back, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refund_worker.adapters.ledger.codec import plan_from_json, plan_to_json
from refund_worker.domain.credit import Cause, Lot, Origin
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.plans import Candidate, Plan, PlannedRefund
from refund_worker.domain.reasons import Reason
from tests.adapters.ledger.examples import a_plan

words = st.text(max_size=12)
amounts = st.integers(min_value=0, max_value=2**53)
lots = st.builds(
    Lot,
    transaction=words,
    created=amounts,
    origin=st.sampled_from(Origin),
    cause=st.none() | st.sampled_from(Cause),
    subscription=st.none() | words,
    invoice=st.none() | words,
    opened_minor=amounts,
    left_minor=amounts,
)
candidates = st.builds(
    Candidate,
    charge=words,
    subscription=words,
    invoice=words,
    created=amounts,
    captured_minor=amounts,
    refunded_minor=amounts,
    refundable_minor=amounts,
    method=words,
)
plans = st.builds(
    Plan,
    customer=words,
    currency=words,
    credit_minor=amounts,
    excluded_minor=amounts,
    refundable_minor=amounts,
    lots=st.lists(lots, max_size=3).map(tuple),
    named_lots=st.lists(st.builds(NamedLot, transaction=words, amount_minor=amounts), max_size=3).map(tuple),
    candidates=st.lists(candidates, max_size=3).map(tuple),
    refunds=st.lists(
        st.builds(PlannedRefund, charge=words, invoice=words, subscription=words, amount_minor=amounts), max_size=3
    ).map(tuple),
    reason=st.none() | st.sampled_from(Reason),
    held=st.booleans(),
    numbers=st.dictionaries(words, st.integers() | words, max_size=3),
    digest=words,
)


@given(plan=plans)
def test_a_plan_comes_back_as_it_was(plan: Plan) -> None:
    """Exactly: values, order, enums."""
    back = plan_from_json(plan_to_json(plan))
    assert back == plan
    assert all(isinstance(lot.origin, Origin) for lot in back.lots)
    assert all(lot.cause is None or isinstance(lot.cause, Cause) for lot in back.lots)
    assert back.reason is None or isinstance(back.reason, Reason)


@given(plan=plans)
def test_equal_plans_give_equal_texts(plan: Plan) -> None:
    """So that an unchanged hold is seen by its text."""
    assert plan_to_json(plan_from_json(plan_to_json(plan))) == plan_to_json(plan)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"origin":"proration"', '"origin":"gift"'), ('"held":false', '"hold":false'), ("{", "["), ('"charge":', '"ch":')],
)
def test_what_is_no_plan_is_refused(old: str, new: str) -> None:
    """A word outside the closed lists, another key, or no JSON."""
    content = plan_to_json(a_plan())
    assert old in content
    with pytest.raises((ValueError, TypeError)):
        plan_from_json(content.replace(old, new))
