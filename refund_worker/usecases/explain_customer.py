"""Why a customer was or was not refunded: the plan as it would be made now, and what the ledger says of the past."""

from dataclasses import dataclass

from refund_worker.domain.cases import Case, Standing
from refund_worker.domain.charges import excluded_charges
from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.planning import plan as make_plan
from refund_worker.domain.plans import Plan
from refund_worker.usecases.discover_credits import discover_credits
from refund_worker.usecases.read_facts import read_facts
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that decides about one customer.

    Attributes:
        excluded_charges: Charge ids that cannot take a refund, each with the word that says why.
        cases: The customer's cases in this ledger, newest first.
    """

    facts: CustomerFacts
    plan: Plan
    excluded_charges: tuple[tuple[str, str], ...]
    standings: tuple[Standing, ...]
    cases: tuple[Case, ...]


def explain_customer(world: World, customer: str) -> Explanation:
    """Read and plan one customer without writing anything.

    Raises:
        NotFound: If there is no such customer.
        StripeError: If a list could not be read.
    """
    found = next(discover_credits(world.stripe, customers=(customer,)))
    currency = found.customer.currency or "usd"
    if found.customer.deleted:
        facts = CustomerFacts(
            customer=found.customer,
            invoices=(),
            charges=(),
            transactions=(),
            pending_items=(),
            read_at=world.clock.now(),
            complete=True,
        )
    else:
        facts = read_facts(
            stripe=world.stripe, clock=world.clock, customer=found.customer, pending_items=found.pending_items
        )
    now = world.clock.now()
    plan = make_plan(facts=facts, currency=currency, policy=world.policy, account=world.account, now=now)
    return Explanation(
        facts=facts,
        plan=plan,
        excluded_charges=excluded_charges(
            facts=facts,
            subscriptions={lot.subscription for lot in plan.lots if lot.subscription is not None},
            currency=currency,
            now=now,
        ),
        standings=tuple(world.ledger.standings(customer=customer)),
        cases=tuple(world.ledger.cases_of_customer(customer)),
    )
