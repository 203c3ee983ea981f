"""Plans one customer's credit in one currency: what to reserve, which charges to refund, or why nothing may be done."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from refund_worker.domain import guards, traces
from refund_worker.domain.allocation import ANY_SUBSCRIPTION, allocate
from refund_worker.domain.balances import balance_disagrees, credit_in
from refund_worker.domain.canonical import digest_of
from refund_worker.domain.charges import candidates
from refund_worker.domain.credit import Lot, Replay
from refund_worker.domain.currencies import step_minor
from refund_worker.domain.errors import HistoryInconsistent
from refund_worker.domain.facts import Account, CustomerFacts
from refund_worker.domain.guards import Finding
from refund_worker.domain.mark_rest import mark_rests
from refund_worker.domain.plans import Candidate, Plan, PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.provenance import replay
from refund_worker.domain.reasons import Reason
from refund_worker.domain.refundable import Share, amounts, may_leave, name_lots, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    """What would be refunded if nothing stood against it."""

    credit_minor: int
    lots: tuple[Lot, ...] = ()
    shares: tuple[Share, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    refunds: tuple[PlannedRefund, ...] = ()
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


def plan(*, facts: CustomerFacts, currency: str, policy: Policy, account: Account, now: int) -> Plan:
    """Decide about one customer's credit in one currency. The same facts give the same plan and the same digest.

    Args:
        facts: Everything read of the customer.
        currency: The one to look at.
        policy: What may leave as cash, and how much at a time.
        account: Whose customer it is; part of the digest.
        now: Epoch seconds, for refund windows, quiet hours and the age of reserves; not part of the digest.
    """
    proposal = _propose(facts=facts, currency=currency, policy=policy, now=now)
    finding = next(_findings(proposal, facts=facts, currency=currency, policy=policy, now=now), None)
    if finding is not None and not finding.held:
        proposal = replace(proposal, refunds=())
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
    )


def _propose(*, facts: CustomerFacts, currency: str, policy: Policy, now: int) -> _Proposal:
    credit = credit_in(facts, currency)
    if credit <= 0:
        return _Proposal(credit_minor=0)
    try:
        past = _replay(facts, currency, policy)
    except HistoryInconsistent as error:
        return _Proposal(credit_minor=credit, inconsistency=error.message)
    found = shares(past, policy=policy, invoices={invoice.id: invoice for invoice in facts.invoices})
    charges = _candidates(found, facts=facts, currency=currency, now=now)
    refunds = allocate(amounts=amounts(found), candidates=charges, step_minor=step_minor(currency))
    return _Proposal(credit_minor=credit, lots=past.lots, shares=found, candidates=charges, refunds=refunds)


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


def _subscriptions(found: Sequence[Share], facts: CustomerFacts) -> frozenset[str]:
    """Whose charges may be used; credit of no subscription may go back over a charge of any."""
    named = {share.subscription for share in found}
    if ANY_SUBSCRIPTION in named:
        named |= {invoice.subscription for invoice in facts.invoices if invoice.subscription is not None}
    return frozenset(named - {ANY_SUBSCRIPTION})


def _candidates(found: Sequence[Share], *, facts: CustomerFacts, currency: str, now: int) -> tuple[Candidate, ...]:
    charges = [
        candidate
        for subscription in sorted(_subscriptions(found, facts))
        for candidate in candidates(facts=facts, subscription=subscription, currency=currency, now=now)
    ]
    return tuple(sorted(charges, key=lambda one: (one.created, one.charge), reverse=True))


def _findings(
    proposal: _Proposal, *, facts: CustomerFacts, currency: str, policy: Policy, now: int
) -> Iterator[Finding]:
    """Yield what stands against a refund, the most telling first."""
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    pending = guards.pending_items(items=facts.pending_items, currency=currency)
    rests = mark_rests(facts.transactions, facts.charges)
    lots = proposal.refundable_lots
    subscriptions = _subscriptions(proposal.shares, facts)
    in_order = (
        _deleted(facts),
        balance_disagrees(facts=facts, currency=currency),
        None if pending and proposal.credit_minor == 0 else _credit_gone(proposal),
        pending if proposal.credit_minor == 0 else None,
        _inconsistent(proposal),
        traces.reservation_not_read(rests=rests, complete=facts.complete),
        traces.mark_unreadable(facts=facts, rests=rests),
        traces.orphan_reservation(rests=rests, now=now),
        traces.overdrawn_reservation(rests=rests),
        _no_refundable_credit(proposal),
        guards.excluded_customer(facts=facts, policy=policy),
        pending,
        guards.open_invoice(invoices=facts.invoices),
        guards.draft_invoice(invoices=facts.invoices, quiet_hours=policy.quiet_hours, now=now),
        guards.credited_invoice_unpaid(lots=lots, invoices=invoices),
        guards.automatic_tax(facts=facts, lots=lots, refunds=proposal.refunds, policy=policy),
        traces.refunded_by_hand(facts=facts, lots=lots, subscriptions=subscriptions, currency=currency),
        _no_charge(proposal),
        _below_minimum(proposal, currency=currency, policy=policy),
        _above_limit(proposal, currency=currency, policy=policy),
    )
    yield from (finding for finding in in_order if finding is not None)


def _deleted(facts: CustomerFacts) -> Finding | None:
    return Finding(reason=Reason.CUSTOMER_DELETED, held=False) if facts.customer.deleted else None


def _credit_gone(proposal: _Proposal) -> Finding | None:
    return None if proposal.credit_minor > 0 else Finding(reason=Reason.CREDIT_GONE, held=False)


def _inconsistent(proposal: _Proposal) -> Finding | None:
    if proposal.inconsistency is None:
        return None
    return Finding(reason=Reason.HISTORY_INCONSISTENT, numbers={"because": proposal.inconsistency})


def _no_refundable_credit(proposal: _Proposal) -> Finding | None:
    """Numbers: what is left of the lots, by origin."""
    if proposal.refundable_minor > 0:
        return None
    by_origin: dict[str, int | str] = {}
    for origin in sorted({lot.origin for lot in proposal.lots}):
        by_origin[f"{origin}_minor"] = sum(lot.left_minor for lot in proposal.lots if lot.origin is origin)
    return Finding(reason=Reason.NO_REFUNDABLE_CREDIT, held=False, numbers=by_origin)


def _no_charge(proposal: _Proposal) -> Finding | None:
    if proposal.candidates:
        return None
    numbers: dict[str, int | str] = {"refundable_minor": proposal.refundable_minor}
    return Finding(reason=Reason.NO_CHARGE, held=False, numbers=numbers)


def _below_minimum(proposal: _Proposal, *, currency: str, policy: Policy) -> Finding | None:
    """Also where the currency's step leaves nothing to refund."""
    minimum = policy.minimum(currency)
    if proposal.planned_minor >= max(minimum, 1):
        return None
    numbers: dict[str, int | str] = {
        "planned_minor": proposal.planned_minor,
        "minimum_minor": max(minimum, step_minor(currency)),
    }
    return Finding(reason=Reason.BELOW_MINIMUM, held=False, numbers=numbers)


def _above_limit(proposal: _Proposal, *, currency: str, policy: Policy) -> Finding | None:
    limit = policy.case_limit(currency)
    if proposal.planned_minor <= limit:
        return None
    return Finding(reason=Reason.ABOVE_LIMIT, numbers={"planned_minor": proposal.planned_minor, "limit_minor": limit})


def _digest(proposal: _Proposal, *, facts: CustomerFacts, currency: str, policy: Policy, account: Account) -> str:
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
