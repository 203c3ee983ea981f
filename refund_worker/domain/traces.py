"""What earlier refunds left behind, by us or by hand, and what of it forbids another one."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from refund_worker.domain.charges import payments_by
from refund_worker.domain.credit import Lot
from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.findings import Finding
from refund_worker.domain.mark_rest import MarkRest, refunds_without_debit, unreadable_refund_marks
from refund_worker.domain.marks import CASE
from refund_worker.domain.movements import Kind, read_movement
from refund_worker.domain.protocol import CLOSE_BY_MARK_AFTER_S
from refund_worker.domain.reasons import Reason


def mark_unreadable(*, facts: CustomerFacts, rests: Iterable[MarkRest]) -> Finding | None:
    """Hold a customer with a mark that cannot be ours: somebody edited the metadata that tells what we did.

    A refund that is marked for a debit which the whole history does not show is such a mark too.
    """
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    rows = [row.id for row in facts.transactions if read_movement(row, invoices=invoices).malformed]
    found = [*rows, *unreadable_refund_marks(facts.charges)]
    if facts.complete:
        found += refunds_without_debit(facts.charges, debits={rest.debit for rest in rests})
    if not found:
        return None
    return Finding(reason=Reason.MARK_UNREADABLE, numbers={"object": found[0], "objects": len(found)})


def orphan_reservation(*, rests: Iterable[MarkRest], now: int) -> Finding | None:
    """Hold a customer from whom a reserve still has something: it is given back by `recover`, never refunded.

    A reserve younger than 24 hours may be a live case of another deployment; `may_be_live_until` says so.
    """
    for rest in rests:
        if rest.rest_minor > 0 and not rest.incomplete:
            numbers = _numbers(rest)
            live_until = rest.created + CLOSE_BY_MARK_AFTER_S
            if live_until > now:
                numbers["may_be_live_until"] = live_until
            return Finding(reason=Reason.ORPHAN_RESERVATION, numbers=numbers)
    return None


def overdrawn_reservation(*, rests: Iterable[MarkRest]) -> Finding | None:
    """Hold a customer to whom more went out than a reserve took: reported, never debited."""
    for rest in rests:
        if rest.rest_minor < 0:
            return Finding(reason=Reason.OVERDRAWN_RESERVATION, numbers=_numbers(rest))
    return None


def reservation_not_read(*, rests: Iterable[MarkRest], complete: bool) -> Finding | None:
    """Hold a customer of whom a give-back was read without its reserve, where older transactions were not read."""
    for rest in rests:
        if rest.incomplete and not complete:
            return Finding(reason=Reason.HISTORY_INCONSISTENT, numbers={"debit": rest.debit, "case": rest.case})
    return None


def refunded_by_hand(
    *, facts: CustomerFacts, lots: Iterable[Lot], subscriptions: AbstractSet[str], currency: str
) -> Finding | None:
    """Hold where somebody refunded by hand more than was taken off the credit by hand since.

    Args:
        facts: Of the customer.
        lots: The refundable ones; older refunds cannot have been meant for them.
        subscriptions: Refunds count on every charge that paid one of their invoices.
        currency: Of the credit.
    """
    since = min((lot.created for lot in lots), default=None)
    if since is None:
        return None
    refunds = {
        refund.id: refund.amount_minor
        for charge in facts.charges
        if any(invoice.subscription in subscriptions for invoice, _ in payments_by(charge, facts.invoices))
        for refund in charge.refunds
        if refund.stands and refund.created >= since and refund.currency == currency and not refund.metadata.get(CASE)
    }
    invoices = {invoice.id: invoice for invoice in facts.invoices}
    debited = sum(
        row.amount_minor
        for row in facts.transactions
        if row.currency == currency
        and row.created >= since
        and read_movement(row, invoices=invoices).kind is Kind.FOREIGN_DEBIT
    )
    refunded = sum(refunds.values())
    if refunded <= debited:
        return None
    return Finding(
        reason=Reason.REFUNDED_BY_HAND,
        numbers={"refunded_minor": refunded, "debited_minor": debited, "since": since},
    )


def _numbers(rest: MarkRest) -> dict[str, int | str]:
    return {
        "case": rest.case,
        "debit": rest.debit,
        "reserved_at": rest.created,
        "currency": rest.currency,
        "reserved_minor": rest.reserved_minor,
        "given_back_minor": rest.given_back_minor,
        "recredited_minor": rest.recredited_minor,
        "refunded_minor": rest.refunded_minor,
        "rest_minor": rest.rest_minor,
    }
