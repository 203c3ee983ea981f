"""Why a customer was or was not refunded: the plans as they would be made now, and what the ledger says of the past."""

from dataclasses import dataclass

from refund_worker.domain.balances import currencies_with_credit, own_currency
from refund_worker.domain.cases import Case, Standing
from refund_worker.domain.charges import ExcludedCharge, excluded_charges
from refund_worker.domain.facts import Account, CustomerFacts, PendingItem
from refund_worker.domain.planning import plan as make_plan
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from refund_worker.domain.tax_parts import tax_part
from refund_worker.usecases.read_facts import read_facts_of
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCurrency:
    """Everything that decides about one customer's credit in one currency.

    Attributes:
        excluded_charges: Those that cannot take a refund for the credit's subscriptions, each with the word why.
        tax_minor: The tax in what would be refunded, where Stripe Tax is on.
        waiting_items: Pending items that the plan does not put on the balance.
        standings: The hold or skip that stands.
        cases: The customer's cases in this currency in this ledger, newest first.
    """

    plan: Plan
    excluded_charges: tuple[ExcludedCharge, ...]
    tax_minor: int
    waiting_items: tuple[PendingItem, ...]
    standings: tuple[Standing, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that decides about one customer.

    Attributes:
        own: The customer's own currency, whether or not there is credit in it.
        others: Each other currency with credit or with a past in this ledger, in order of their codes.
    """

    facts: CustomerFacts
    own: ExplainedCurrency
    others: tuple[ExplainedCurrency, ...]


def explain_customer(world: World, customer: str) -> Explanation:
    """Read and plan one customer without writing anything.

    Raises:
        NotFound: If there is no such customer.
        StripeError: If a list could not be read.
    """
    facts = _facts(world, customer)
    standings = tuple(world.ledger.standings(customer=customer))
    cases = tuple(world.ledger.cases_of_customer(customer))
    own = own_currency(facts.customer)
    past = {one.plan.currency for one in standings} | {one.plan.currency for one in cases}
    others = sorted({*currencies_with_credit(facts), *past} - {own})
    explained = [
        explain_currency(
            facts=facts,
            currency=currency,
            policy=world.policy,
            account=world.account,
            now=world.clock.now(),
            standings=standings,
            cases=cases,
        )
        for currency in (own, *others)
    ]
    return Explanation(facts=facts, own=explained[0], others=tuple(explained[1:]))


def _facts(world: World, name: str) -> CustomerFacts:
    customer = world.stripe.customer(name)
    if not customer.deleted:
        return read_facts_of(world, customer=name, pending_items=True)
    return CustomerFacts(
        customer=customer,
        invoices=(),
        charges=(),
        transactions=(),
        pending_items=(),
        read_at=world.clock.now(),
        complete=True,
    )


def explain_currency(
    *,
    facts: CustomerFacts,
    currency: str,
    policy: Policy,
    account: Account,
    now: int,
    standings: tuple[Standing, ...] = (),
    cases: tuple[Case, ...] = (),
) -> ExplainedCurrency:
    """Plan one currency of a customer who was read, and say what decided.

    Args:
        facts: Of the customer.
        currency: The one to explain.
        policy: In force.
        account: Whose customer it is.
        now: Epoch seconds.
        standings: Of the customer; those in other currencies are left out.
        cases: The same.
    """
    plan = make_plan(facts=facts, currency=currency, policy=policy, account=account, now=now)
    converted = {item.item for one in plan.conversions for item in one.items}
    subscriptions = {lot.subscription for lot in plan.lots if lot.subscription is not None}
    return ExplainedCurrency(
        plan=plan,
        excluded_charges=excluded_charges(
            facts=facts, subscriptions=subscriptions, currency=currency, policy=policy, now=now
        )
        if subscriptions
        else (),
        tax_minor=tax_part(refunds=plan.refunds, invoices={invoice.id: invoice for invoice in facts.invoices}),
        waiting_items=tuple(
            item for item in facts.pending_items if item.currency == currency and item.id not in converted
        ),
        standings=tuple(one for one in standings if one.plan.currency == currency),
        cases=tuple(one for one in cases if one.plan.currency == currency),
    )
