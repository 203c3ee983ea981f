"""Which disputed charges can still be refunded (docs.stripe.com/api/disputes/object, `status`)."""

from refund_worker.domain.facts import Charge

_ENDED_WELL = frozenset({"won", "warning_closed", "prevented"})
_INQUIRIES = frozenset({"warning_needs_response", "warning_under_review"})

# The words that `dispute_word` gives.
DISPUTE_WORDS = frozenset({"disputed", "dispute_lost", "dispute_open", "dispute_inquiry", "dispute_won_not_refundable"})


def dispute_word(charge: Charge) -> str | None:
    """Return the word for a dispute that keeps a charge from being refunded; None where none does.

    Lost: the customer has the money already. Open: whoever loses it pays twice. An inquiry, too: it ends with a full
    refund only, a part would leave it open. A status of tomorrow counts as open. Disputes that nobody read: `disputed`.
    """
    if not charge.disputed:
        return None
    if not charge.disputes:
        return "disputed"
    states = {dispute.status for dispute in charge.disputes}
    if "lost" in states:
        return "dispute_lost"
    if states - _ENDED_WELL - _INQUIRIES:
        return "dispute_open"
    if states & _INQUIRIES:
        return "dispute_inquiry"
    return None if all(dispute.refundable for dispute in charge.disputes) else "dispute_won_not_refundable"
