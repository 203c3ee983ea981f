"""Plans one customer's credit in one currency: what to reserve, which charges to refund, or why nothing may be done."""

from collections.abc import Iterator
from dataclasses import asdict, replace

from refund_worker.domain import guards, traces
from refund_worker.domain.balances import balance_disagrees
from refund_worker.domain.canonical import digest_of
from refund_worker.domain.facts import Account, CustomerFacts
from refund_worker.domain.findings import Finding
from refund_worker.domain.mark_rest import mark_rests
from refund_worker.domain.pending_items import judge_items
from refund_worker.domain.plans import Candidate, Plan, PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.proposals import Proposal, propose, subscriptions_of
from refund_worker.domain.reasons import Reason
from refund_worker.domain.refundable import name_lots


def plan(*, facts: CustomerFacts, currency: str, policy: Policy, account: Account, now: int) -> Plan:
    """Decide about one customer's credit in one currency. The same facts give the same plan and the same digest.

    Args:
        facts: Everything read of the customer.
        currency: The one to look at.
        policy: What may leave as cash, and how much at a time.
        account: Whose customer it is; part of the digest.
        now: Epoch seconds, for refund windows, quiet hours and the age of reserves; not part of the digest.
    """
    disagrees = balance_disagrees(facts=facts, currency=currency)
    items = judge_items(facts=facts, currency=currency, policy=policy, now=now)
    facts = items.facts  # from here on as if the conversions were done
    proposal = propose(facts=facts, currency=currency, policy=policy, now=now)
    against = _findings(
        proposal, facts=facts, currency=currency, policy=policy, now=now, items=items.finding, disagrees=disagrees
    )
    finding = next(against, None)
    if finding is not None and not finding.held:
        proposal = replace(proposal, refunds=())
    if finding is None:
        proposal = replace(proposal, candidates=_in_reserve(proposal, facts=facts, policy=policy, now=now))
    return Plan(
        customer=facts.customer.id,
        currency=currency,
        credit_minor=proposal.credit_minor,
        excluded_minor=proposal.credit_minor - proposal.refundable_minor,
        refundable_minor=proposal.refundable_minor,
        lots=proposal.lots,
        named_lots=name_lots(proposal.shares, refunds=proposal.refunds, lots=proposal.lots),
        candidates=proposal.candidates,
        refunds=proposal.refunds,
        reason=finding.reason if finding else None,
        held=finding.held if finding else False,
        numbers=dict(finding.numbers) if finding else {},
        digest=_digest(proposal, facts=facts, currency=currency, policy=policy, account=account),
        conversions=items.conversions,
    )


def _in_reserve(proposal: Proposal, *, facts: CustomerFacts, policy: Policy, now: int) -> tuple[Candidate, ...]:
    """The charges of a plan to be executed: one that would have held it must not step in where another refuses."""
    used = {refund.charge for refund in proposal.refunds}

    def is_held(one: Candidate) -> bool:
        amount = PlannedRefund(
            charge=one.charge, invoice=one.invoice, subscription=one.subscription, amount_minor=one.refundable_minor
        )
        lots = proposal.refundable_lots
        return bool(
            guards.bank_debit_disputable(facts=facts, refunds=(amount,), policy=policy, now=now)
            or guards.automatic_tax(facts=facts, lots=lots, refunds=(amount,), policy=policy)
        )

    return tuple(one for one in proposal.candidates if one.charge in used or not is_held(one))


def _findings(
    proposal: Proposal,
    *,
    facts: CustomerFacts,
    currency: str,
    policy: Policy,
    now: int,
    items: Finding | None,
    disagrees: Finding | None,
) -> Iterator[Finding]:
    """Yield what stands against a refund, the most telling first.

    Args:
        items: What stands against it of the pending items.
        disagrees: Whether Stripe's balances, as they are now, disagree.
    """
    rests = mark_rests(facts.transactions, facts.charges)
    # A reservation in another currency is another case's, and may be live: it keeps this one from nothing.
    own = tuple(rest for rest in rests if rest.currency == currency)
    lots = proposal.refundable_lots
    subscriptions = subscriptions_of(proposal.shares, facts)
    in_order = (
        _deleted(facts),
        disagrees,
        items if items is not None and proposal.credit_minor <= 0 else _credit_gone(proposal),
        _inconsistent(proposal),
        traces.reservation_not_read(rests=own, complete=facts.complete),
        traces.mark_unreadable(facts=facts, rests=rests),
        traces.orphan_reservation(rests=own, now=now),
        traces.overdrawn_reservation(rests=own),
        guards.subscription_active(refundable_minor=proposal.refundable_minor, kept=proposal.kept),
        guards.no_refundable_credit(refundable_minor=proposal.refundable_minor, lots=proposal.lots),
        guards.excluded_customer(facts=facts, policy=policy),
        items,
        guards.open_invoice(invoices=facts.invoices),
        guards.draft_invoice(invoices=facts.invoices, quiet_hours=policy.quiet_hours, now=now),
        guards.credited_invoice_unpaid(facts=facts, lots=lots),
        guards.credited_goodwill(facts=facts, lots=lots, currency=currency, origins=policy.origins),
        guards.automatic_tax(facts=facts, lots=lots, refunds=proposal.refunds, policy=policy),
        traces.refunded_by_hand(facts=facts, lots=lots, subscriptions=subscriptions, currency=currency),
        guards.no_charge(
            candidates=proposal.candidates, excluded=proposal.excluded, refundable_minor=proposal.refundable_minor
        ),
        guards.below_minimum(planned_minor=proposal.planned_minor, currency=currency, policy=policy),
        guards.credited_invoice_charged_back(facts=facts, lots=lots),
        guards.refunded_often(facts=facts, policy=policy, now=now),
        guards.bank_debit_disputable(facts=facts, refunds=proposal.refunds, policy=policy, now=now),
        guards.above_limit(planned_minor=proposal.planned_minor, currency=currency, policy=policy),
    )
    yield from (finding for finding in in_order if finding is not None)


def _deleted(facts: CustomerFacts) -> Finding | None:
    return Finding(reason=Reason.CUSTOMER_DELETED, held=False) if facts.customer.deleted else None


def _credit_gone(proposal: Proposal) -> Finding | None:
    return None if proposal.credit_minor > 0 else Finding(reason=Reason.CREDIT_GONE, held=False)


def _inconsistent(proposal: Proposal) -> Finding | None:
    if proposal.inconsistency is None:
        return None
    return Finding(reason=Reason.HISTORY_INCONSISTENT, numbers={"because": proposal.inconsistency})


def _digest(proposal: Proposal, *, facts: CustomerFacts, currency: str, policy: Policy, account: Account) -> str:
    """Return what a person approves; no run, no case, no time."""
    return digest_of(
        {
            "account": account.id,
            "livemode": account.livemode,
            "customer": facts.customer.id,
            "currency": currency,
            "lots": [asdict(lot) for lot in proposal.lots],
            "charges": [asdict(candidate) for candidate in proposal.candidates],
            "amounts": [asdict(refund) for refund in proposal.refunds],
            "policy": policy.digest(),
        }
    )
