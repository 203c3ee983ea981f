"""What could be refunded of a customer's credit in one currency, before anything that stands against it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from refund_worker.domain.allocation import ANY_SUBSCRIPTION, allocate
from refund_worker.domain.balances import credit_in
from refund_worker.domain.charges import ExcludedCharge, candidates, excluded_charges
from refund_worker.domain.credit import Lot, Replay
from refund_worker.domain.currencies import step_minor
from refund_worker.domain.errors import HistoryInconsistent
from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.plans import Candidate, PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.provenance import replay
from refund_worker.domain.refundable import Share, amounts, kept_lots, may_leave, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be refunded if nothing stood against it.

    Attributes:
        shares: What may leave.
        kept: Lots that are left for the next invoice of a subscription, each with it.
        excluded: The charges that can take nothing of the shares, newest first; asked where none can.
        inconsistency: Why the lots cannot be told.
    """

    credit_minor: int
    lots: tuple[Lot, ...] = ()
    shares: tuple[Share, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    refunds: tuple[PlannedRefund, ...] = ()
    kept: tuple[tuple[str, Lot], ...] = ()
    excluded: tuple[ExcludedCharge, ...] = ()
    inconsistency: str | None = None

    @property
    def refundable_minor(self) -> int:
        return sum(share.amount_minor for share in self.shares)

    @property
    def planned_minor(self) -> int:
        return sum(refund.amount_minor for refund in self.refunds)

    @property
    def refundable_lots(self) -> tuple[Lot, ...]:
        return tuple(share.lot for share in self.shares)


def propose(*, facts: CustomerFacts, currency: str, policy: Policy, now: int) -> Proposal:
    """Say what would be refunded of the credit in a currency, over which charges; `now` in epoch seconds."""
    credit = credit_in(facts, currency)
    if credit <= 0:
        return Proposal(credit_minor=0)
    try:
        past = _replay(facts, currency, policy)
    except HistoryInconsistent as error:
        return Proposal(credit_minor=credit, inconsistency=error.message)
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    found = shares(past, policy=policy, invoices=invoices, subscriptions=facts.subscriptions)
    charges = _candidates(found, facts=facts, currency=currency, policy=policy, now=now)
    return Proposal(
        credit_minor=credit,
        lots=past.lots,
        shares=found,
        candidates=charges,
        refunds=allocate(amounts=amounts(found), candidates=charges, step_minor=step_minor(currency)),
        kept=kept_lots(past, policy=policy, invoices=invoices, subscriptions=facts.subscriptions),
        excluded=()
        if charges
        else excluded_charges(
            facts=facts, subscriptions=subscriptions_of(found, facts), currency=currency, policy=policy, now=now
        ),
    )


def _replay(facts: CustomerFacts, currency: str, policy: Policy) -> Replay:
    if not any(transaction.currency == currency for transaction in facts.transactions):
        raise HistoryInconsistent("the customer has credit, but no balance transaction tells of it")
    return replay(
        transactions=facts.transactions,
        currency=currency,
        invoices={invoice.id: invoice for invoice in facts.invoices},
        refundable_origins=policy.origins,
        complete=facts.complete,
        may_leave=partial(may_leave, policy=policy),
    )


def subscriptions_of(found: Sequence[Share], facts: CustomerFacts) -> frozenset[str]:
    """Whose charges may be used; credit of no subscription may go back over a charge of any."""
    named = {share.subscription for share in found}
    if ANY_SUBSCRIPTION in named:
        named |= {invoice.subscription for invoice in facts.invoices if invoice.subscription is not None}
    return frozenset(named - {ANY_SUBSCRIPTION})


def _candidates(
    found: Sequence[Share], *, facts: CustomerFacts, currency: str, policy: Policy, now: int
) -> tuple[Candidate, ...]:
    charges = [
        candidate
        for subscription in sorted(subscriptions_of(found, facts))
        for candidate in candidates(facts=facts, subscription=subscription, currency=currency, policy=policy, now=now)
    ]
    return tuple(sorted(charges, key=lambda one: (one.created, one.charge), reverse=True))
