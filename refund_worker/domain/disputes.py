"""Which disputed charges can still be refunded (docs.stripe.com/api/disputes/object, `status`)."""

from refund_worker.domain.facts import Charge, Dispute

_ENDED_WELL = frozenset({"won", "warning_closed", "prevented"})
_INQUIRIES = frozenset({"warning_needs_response", "warning_under_review"})
_WORST_FIRST = ("dispute_lost", "dispute_open", "dispute_inquiry", "dispute_won_not_refundable")
_NOT_READ = "disputed"

# The words that `dispute_word` gives.
DISPUTE_WORDS = frozenset({_NOT_READ, *_WORST_FIRST})


def dispute_word(charge: Charge) -> str | None:
    """Return the word for a dispute that keeps a charge from being refunded; None where none does.

    Lost: the customer has the money already. Open: whoever loses it pays twice. An inquiry, too: it ends with a full
    refund only, a part would leave it open. Disputes that nobody read: `disputed`.
    """
    if not charge.disputed:
        return None
    if not charge.disputes:
        return _NOT_READ
    words = {_word_of(dispute) for dispute in charge.disputes}
    return next((word for word in _WORST_FIRST if word in words), None)


def telling_dispute(charge: Charge) -> Dispute | None:
    """Return the newest dispute that the word is about; None where there is none."""
    word = dispute_word(charge)
    return next((dispute for dispute in charge.disputes if word and _word_of(dispute) == word), None)


def _word_of(dispute: Dispute) -> str | None:
    """A status of tomorrow counts as open."""
    if dispute.status == "lost":
        return "dispute_lost"
    if dispute.status in _INQUIRIES:
        return "dispute_inquiry"
    if dispute.status not in _ENDED_WELL:
        return "dispute_open"
    return None if dispute.refundable else "dispute_won_not_refundable"
