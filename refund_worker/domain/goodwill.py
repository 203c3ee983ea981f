"""How much goodwill an invoice used: credit that would never have left as cash."""

from collections.abc import Set as AbstractSet

from refund_worker.domain.credit import Origin
from refund_worker.domain.errors import HistoryInconsistent
from refund_worker.domain.facts import CustomerBalanceTransaction, CustomerFacts
from refund_worker.domain.movements import Kind, read_movement
from refund_worker.domain.provenance import replay


def goodwill_used(invoice: str, *, facts: CustomerFacts, currency: str, origins: AbstractSet[Origin]) -> int:
    """Return what an invoice used of credit that may not leave as cash, in minor units, zero or more.

    Replays the history up to each use. Where it was not read far enough, all that was used counts as goodwill; a use
    that was not read at all is not known.

    Args:
        invoice: Its id.
        facts: Of the customer.
        currency: Of the credit.
        origins: What may leave as cash.
    """
    invoices = {one.id: one for one in facts.invoices}
    used = 0
    for row in facts.transactions:
        if row.currency == currency and row.invoice == invoice:
            kind = read_movement(row, invoices=invoices).kind
            if kind is Kind.INVOICE_USE:
                used += _goodwill_of(row, facts=facts, origins=origins)
            elif kind is Kind.UNAPPLIED:
                used += row.amount_minor
    return max(0, used)


def _goodwill_of(use: CustomerBalanceTransaction, *, facts: CustomerFacts, origins: AbstractSet[Origin]) -> int:
    """What one use took of goodwill; first in, first out, as an invoice uses credit."""
    try:
        before = replay(
            transactions=facts.transactions,
            currency=use.currency,
            invoices={one.id: one for one in facts.invoices},
            refundable_origins=frozenset(origins),
            complete=facts.complete,
            up_to=use.id,
            before=True,
        )
    except HistoryInconsistent:
        return use.amount_minor
    goodwill, wanted = 0, use.amount_minor
    for lot in before.lots:
        taken = min(lot.left_minor, wanted)
        wanted -= taken
        if lot.origin is Origin.UNKNOWN or lot.origin not in origins:
            goodwill += taken
    return goodwill
