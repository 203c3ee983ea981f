"""Which charges may give money back for a subscription, how much, and in which order."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from refund_worker.domain.disputes import DISPUTE_WORDS, dispute_word, telling_dispute
from refund_worker.domain.facts import Charge, CustomerFacts, Invoice, InvoicePayment
from refund_worker.domain.failed_refunds import failed_lately
from refund_worker.domain.marks import readable_mark
from refund_worker.domain.plans import Candidate
from refund_worker.domain.policy import Policy
from refund_worker.domain.refund_windows import closes_at, window_days


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedCharge:
    """A charge that can give nothing back.

    Attributes:
        why: One word: failed, connect, window_closed, ...
        left_minor: What it could give back for the subscriptions if the word did not stand against it.
        numbers: The figures behind the word.
    """

    charge: str
    why: str
    left_minor: int = 0
    numbers: Mapping[str, int | str] = field(default_factory=dict)


def candidates(
    *, facts: CustomerFacts, subscription: str, currency: str, policy: Policy, now: int
) -> tuple[Candidate, ...]:
    """Return the charges that may give money back for a subscription, newest first, then by id descending.

    Args:
        facts: The customer's invoices and charges.
        subscription: Whose invoices the charges must have paid.
        currency: Of the credit; money is never exchanged.
        policy: Its refund windows go before the documented ones.
        now: Epoch seconds, for the refund windows.
    """
    found = (
        candidate
        for charge in _each_once(facts.charges)
        if (candidate := _candidate(charge, facts, subscription, currency)) is not None
        and _obstacle(charge, currency=currency, policy=policy, now=now) is None
        and candidate.refundable_minor > 0
    )
    return tuple(sorted(found, key=lambda candidate: (candidate.created, candidate.charge), reverse=True))


def excluded_charges(
    *, facts: CustomerFacts, subscriptions: AbstractSet[str], currency: str, policy: Policy, now: int
) -> tuple[ExcludedCharge, ...]:
    """Return the charges that can give nothing back for the subscriptions, each with a word why, newest first."""
    excluded: list[ExcludedCharge] = []
    for charge in sorted(_each_once(facts.charges), key=lambda charge: (charge.created, charge.id), reverse=True):
        paid = [
            candidate
            for subscription in sorted(subscriptions)
            if (candidate := _candidate(charge, facts, subscription, currency)) is not None
        ]
        left = min(charge.remaining_minor, sum(candidate.refundable_minor for candidate in paid))
        word = _obstacle(charge, currency=currency, policy=policy, now=now)
        if word is None and not paid:
            word = "not_of_subscription"
        if word is None and left == 0:
            word = "refunded"
        if word is not None:
            numbers = _numbers(charge, word, policy=policy)
            excluded.append(ExcludedCharge(charge=charge.id, why=word, left_minor=left, numbers=numbers))
    return tuple(excluded)


def _numbers(charge: Charge, word: str, *, policy: Policy) -> dict[str, int | str]:
    """The figures behind the word of an excluded charge."""
    if word == "window_closed":
        days = window_days(charge.method, own=policy.refund_window_days)
        closed = closes_at(charge.method, created=charge.created, own=policy.refund_window_days)
        return {"method": charge.method, "window_days": days or 0, "closed_at": closed or 0}
    dispute = telling_dispute(charge) if word in DISPUTE_WORDS else None
    return {"dispute": dispute.id, "status": dispute.status} if dispute is not None else {}


def payments_by(charge: Charge, invoices: Iterable[Invoice]) -> Iterator[tuple[Invoice, InvoicePayment]]:
    """Yield each payment of an invoice that this charge made; money from outside Stripe has no charge."""
    for invoice in invoices:
        for payment in invoice.payments:
            if payment.status == "paid" and _is_by(payment, charge):
                yield invoice, payment


def _is_by(payment: InvoicePayment, charge: Charge) -> bool:
    if payment.type == "charge":
        return payment.charge == charge.id
    by_intent = payment.payment_intent is not None and payment.payment_intent == charge.payment_intent
    # Of the attempts on one payment intent only the one that succeeded paid.
    return payment.type == "payment_intent" and by_intent and charge.status == "succeeded"


def _candidate(charge: Charge, facts: CustomerFacts, subscription: str, currency: str) -> Candidate | None:
    paid = [
        (invoice, payment)
        for invoice, payment in payments_by(charge, facts.invoices)
        if invoice.subscription == subscription and invoice.currency == currency
    ]
    if not paid:
        return None
    newest = max((invoice for invoice, _ in paid), key=lambda invoice: (invoice.created, invoice.id))
    others = {invoice.id for invoice, _ in payments_by(charge, facts.invoices) if invoice.subscription != subscription}
    left = sum(payment.amount_paid_minor for _, payment in paid) - _refunded(charge, not_for=others)
    return Candidate(
        charge=charge.id,
        subscription=subscription,
        invoice=newest.id,
        created=charge.created,
        captured_minor=charge.captured_minor,
        refunded_minor=charge.refunded_minor,
        refundable_minor=max(0, min(charge.remaining_minor, left)),
        method=charge.method,
    )


def _refunded(charge: Charge, *, not_for: AbstractSet[str]) -> int:
    """What was refunded of it, but for refunds marked for another invoice that it paid."""
    return sum(
        refund.amount_minor
        for refund in charge.refunds
        if refund.stands and _marked_invoice(refund.metadata) not in not_for
    )


def _marked_invoice(metadata: Mapping[str, str]) -> str | None:
    mark = readable_mark(metadata)
    return mark.invoice if mark else None


def _obstacle(charge: Charge, *, currency: str, policy: Policy, now: int) -> str | None:
    """The word for what keeps a charge from being refunded, whatever it paid."""
    dispute = dispute_word(charge)
    closed_at = closes_at(charge.method, created=charge.created, own=policy.refund_window_days)
    obstacles = (
        ("failed", charge.status == "failed"),
        ("pending", charge.status not in {"succeeded", "failed"}),
        ("uncaptured", not charge.captured),
        (dispute, dispute is not None),
        ("other_currency", charge.currency != currency),
        ("connect", charge.connect),
        ("refunded", charge.remaining_minor == 0),
        ("refund_failed", failed_lately(charge, now=now)),
        ("window_closed", closed_at is not None and now >= closed_at),
    )
    return next((word for word, applies in obstacles if applies), None)


def _each_once(charges: Iterable[Charge]) -> Iterable[Charge]:
    """A charge that was read twice - in the list, and for a payment - counts once."""
    return {charge.id: charge for charge in charges}.values()
