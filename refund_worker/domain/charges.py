"""Which charges may give money back for a subscription, how much, and in which order."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from refund_worker.domain.facts import Charge, CustomerFacts, Invoice, InvoicePayment
from refund_worker.domain.failed_refunds import failed_lately
from refund_worker.domain.marks import MarkUnreadable, read_mark
from refund_worker.domain.plans import Candidate

_DAY_S = 86_400
# Only what Stripe documents, on each method's page under docs.stripe.com/payments: refunds up to 180 days after the
# payment. Methods that are not here have no documented limit; a refund that comes too late fails by itself.
REFUND_WINDOW_S = dict.fromkeys(("bancontact", "eps", "giropay", "ideal", "paypal", "sofort", "wero"), 180 * _DAY_S)


def candidates(*, facts: CustomerFacts, subscription: str, currency: str, now: int) -> tuple[Candidate, ...]:
    """Return the charges that may give money back for a subscription, newest first, then by id descending.

    Args:
        facts: The customer's invoices and charges.
        subscription: Whose invoices the charges must have paid.
        currency: Of the credit; money is never exchanged.
        now: Epoch seconds, for the refund windows.
    """
    found = (
        candidate
        for charge in _each_once(facts.charges)
        if (candidate := _candidate(charge, facts, subscription, currency)) is not None
        and _obstacle(charge, currency=currency, now=now) is None
        and candidate.refundable_minor > 0
    )
    return tuple(sorted(found, key=lambda candidate: (candidate.created, candidate.charge), reverse=True))


def excluded_charges(
    *, facts: CustomerFacts, subscriptions: AbstractSet[str], currency: str, now: int
) -> tuple[tuple[str, str], ...]:
    """Return the charges that can give nothing back for the subscriptions, each with a word why, newest first."""
    reasons: list[tuple[str, str]] = []
    for charge in sorted(_each_once(facts.charges), key=lambda charge: (charge.created, charge.id), reverse=True):
        paid = [
            candidate
            for subscription in sorted(subscriptions)
            if (candidate := _candidate(charge, facts, subscription, currency)) is not None
        ]
        word = _obstacle(charge, currency=currency, now=now)
        if word is None and not paid:
            word = "not_of_subscription"
        if word is None and all(candidate.refundable_minor == 0 for candidate in paid):
            word = "refunded"
        if word is not None:
            reasons.append((charge.id, word))
    return tuple(reasons)


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
    try:
        mark = read_mark(metadata)
    except MarkUnreadable:
        return None
    return mark.invoice if mark else None


def _obstacle(charge: Charge, *, currency: str, now: int) -> str | None:
    """The word for what keeps a charge from being refunded, whatever it paid."""
    window_s = REFUND_WINDOW_S.get(charge.method)
    obstacles = (
        ("failed", charge.status == "failed"),
        ("pending", charge.status not in {"succeeded", "failed"}),
        ("uncaptured", not charge.captured),
        ("disputed", charge.disputed),
        ("other_currency", charge.currency != currency),
        ("connect", charge.connect),
        ("refunded", charge.remaining_minor == 0),
        ("refund_failed", failed_lately(charge, now=now)),
        ("window_closed", window_s is not None and now - charge.created >= window_s),
    )
    return next((word for word, applies in obstacles if applies), None)


def _each_once(charges: Iterable[Charge]) -> Iterable[Charge]:
    """A charge that was read twice - in the list, and for a payment - counts once."""
    return {charge.id: charge for charge in charges}.values()
