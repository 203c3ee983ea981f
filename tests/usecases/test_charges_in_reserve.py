"""A charge that would have held the plan does not step in where a planned one refuses."""

from dataclasses import replace

import pytest

from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.policy import Policy
from refund_worker.sandbox import Sandbox
from tests.crash.scenes import DAY_S, cancel, subscribe
from tests.domain.customers import facts, planned, with_charge, with_invoice
from tests.usecases.stage import REFUNDS, Stage
from tests.worlds import night

HISTORY = "invoice in_c -100: -100p@sub_1\nc1 -100 too_small in_c"
CHARGES = "ch_1 100 in_1@sub_1\nch_2 100 in_2@sub_1"


def paid_by_bank_and_by_card() -> Stage:
    """Half of an invoice was paid by SEPA debit, then the rest by card; 50.00 of it are credit."""
    sandbox = Sandbox(seed=7, renewals=False)
    customer = sandbox.post("/v1/customers", {})["id"]
    sandbox.build.payment_method(customer, outcome="waits")
    subscription = subscribe(sandbox, customer, price=20_000)
    for method in ("sepa_debit", "card"):
        sandbox.clock.advance(60)
        charge = sandbox.build.charge(customer, amount=10_000, method=method)["id"]
        sandbox.build.pay(subscription["latest_invoice"], charge=charge, amount=10_000)
    sandbox.clock.advance(23 * DAY_S)
    cancel(sandbox, subscription["id"])
    return Stage(sandbox)


@pytest.mark.parametrize(("policy", "refunded"), [(Policy(), False), (Policy(bank_debits="refund"), True)])
def test_where_the_card_refuses_a_bank_debit_steps_in_only_where_the_policy_lets_it(
    policy: Policy, refunded: bool
) -> None:
    stage = paid_by_bank_and_by_card()
    credit = -stage.book.balance
    stage.refuse(REFUNDS, code="charge_disputed")
    (result,) = night(stage.world(policy=policy)).cases
    assert (str(result.outcome), result.reason, result.refunded_minor) == (
        ("refunded", None, credit) if refunded else ("skipped", "charges_exhausted", 0)
    )
    stage.check_at_rest(balance=0 if refunded else -credit, refunded=credit if refunded else 0)


def _older_by_bank() -> CustomerFacts:
    found = facts(HISTORY, CHARGES)
    older = next(one for one in found.charges if one.id == "ch_1")
    return with_charge(found, replace(older, method="sepa_debit"))


def _older_taxed() -> CustomerFacts:
    found = facts(HISTORY, CHARGES)
    older = next(one for one in found.invoices if one.id == "in_1")
    return with_invoice(found, replace(older, automatic_tax=True))


@pytest.mark.parametrize(
    ("found", "expected"),
    [(facts(HISTORY, CHARGES), ["ch_2", "ch_1"]), (_older_by_bank(), ["ch_2"]), (_older_taxed(), ["ch_2"])],
)
def test_a_plan_keeps_no_charge_that_would_have_held_it(found: CustomerFacts, expected: list[str]) -> None:
    assert [one.charge for one in planned(found).candidates] == expected
