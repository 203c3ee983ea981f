"""Which change made a credit: told from what is credited and what is billed beside it."""

import pytest

from refund_worker.domain.causes import cause_of
from refund_worker.domain.credit import Cause
from refund_worker.domain.policy import Policy
from refund_worker.domain.results import result_of_plan
from tests.domain.customers import facts, planned
from tests.domain.histories import parse

LINES = """
-50p@s                                                 | cancellation
-50p@s$gold -30p@s$seats*3                             | cancellation
-50p@s$gold +0p@s$free                                 | cancellation
-50p@s$gold +5p@s$silver                               | price
-50p@s$gold*2 +5p@s$silver*7                           | price
-50p@s$gold -30p@s$seats*3 +5p@s$silver +30p@s$seats*3 | price
-50p@s$seats*5 +30p@s$seats*3                          | quantity
-50p@s$gold -9p@s$seats*5 +50p@s$gold +5p@s$seats*4    | quantity
-50p@s$gold +30p@s$gold                                | other_change
-50p@s +30p@s                                          | other_change
-50p@s$gold +30p@s                                     | other_change
-50p@s +30p@s$gold                                     | other_change
# an upgrade that was taken back, or cancelled, in the same period
-50p@s$gold +90p@s$big -80p@s$big +40p@s$gold          | other_change
-50p@s$gold +90p@s$big -80p@s$big                      | cancellation
-50p@s$gold +90p@s$big -80p@s$big +4p@s$silver         | price
+90p@s$big                                             | other_change
"""


@pytest.mark.parametrize("row", [row for row in LINES.strip().splitlines() if not row.startswith("#")])
def test_the_cause(row: str) -> None:
    """Lines | cause."""
    lines, cause = (part.strip() for part in row.split("|"))
    invoice = parse(f"invoice in_1 -1: {lines}").invoices["in_1"]
    assert cause_of(invoice.lines) == cause


@pytest.mark.parametrize(
    ("named", "covered"),
    [
        ({Cause.CANCELLATION}, {Cause.CANCELLATION}),
        ({Cause.DOWNGRADE}, {Cause.DOWNGRADE, Cause.PRICE, Cause.QUANTITY, Cause.OTHER_CHANGE}),
        ({Cause.PRICE}, {Cause.PRICE}),
        ({Cause.QUANTITY, Cause.CANCELLATION}, {Cause.QUANTITY, Cause.CANCELLATION}),
        ({Cause.DOWNGRADE, Cause.CANCELLATION}, set(Cause)),
    ],
)
def test_downgrade_in_a_policy_covers_every_change_but_a_cancellation(named: set[Cause], covered: set[Cause]) -> None:
    policy = Policy(refund_after=frozenset(named))
    assert {cause for cause in Cause if policy.refunds_after(cause)} == covered


def test_results_tell_the_changes_that_made_the_credit() -> None:
    """For the table and the reports: each change once; goodwill has none."""
    history = (
        "invoice in_p -50: -90p@sub_1$gold +40p@sub_1$silver\nc1 -50 applied in_p\n"
        "invoice in_q -10: -30p@sub_2$seat*3 +20p@sub_2$seat*2\nc2 -10 applied in_q\n"
        "invoice in_r -10: -30p@sub_2$seat*3 +20p@sub_2$seat*2\nc3 -10 applied in_r\nc4 -7 adjustment"
    )
    result = result_of_plan("case_1", planned(facts(history, "ch_1 100 in_1@sub_1")), reason=None)
    assert result.causes == ("price", "quantity")
    assert result_of_plan("case_2", planned(facts("c1 -7 adjustment")), reason=None).causes == ()
