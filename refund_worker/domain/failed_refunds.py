"""Refunds that failed or were canceled: when their charge may be tried again, and what people are told."""

from refund_worker.domain.cases import Case
from refund_worker.domain.currencies import plain_amount
from refund_worker.domain.facts import Charge, Refund
from refund_worker.domain.marks import CASE
from refund_worker.domain.notices import Notice, NoticeKind

_DAY_S = 86_400
# A refund can fail for 30 days, and then another way to pay is needed (docs.stripe.com/refunds#failed-refunds): the
# same charge is asked once in that time, so that credit and customer are not moved to and fro every night.
SAME_CHARGE_AGAIN_S = 30 * _DAY_S
# This one is not the bank's word on the card: our own Stripe balance did not cover the refund.
OUR_FUNDS = "insufficient_funds"
FUNDS_AGAIN_S = _DAY_S


def failed_lately(charge: Charge, *, now: int) -> bool:
    """Whether a refund of ours over the charge failed or was canceled too lately to try another.

    Args:
        charge: With all its refunds; each counts from its creation.
        now: Epoch seconds.
    """
    return any(
        not refund.stands and CASE in refund.metadata and now < refund.created + _rest_s(refund)
        for refund in charge.refunds
    )


def failed_notice(case: Case, *, refund: str, amount_minor: int, status: str) -> Notice:
    """The message about a refund of a case that failed or was canceled; one for each refund, ever.

    Args:
        case: Whose refund it was.
        refund: re_...
        amount_minor: Its sum, positive, in the case's currency.
        status: failed or canceled.
    """
    amount = plain_amount(amount_minor, currency=case.plan.currency)
    return Notice(
        key=f"refund_failed:{refund}",
        kind=NoticeKind.REFUND_FAILED,
        title=f"A refund of {amount} {'was canceled' if status == 'canceled' else 'failed'}",
        body=(
            f"Refund {refund} of case {case.id} (run {case.run}) is {status}: {amount} go back to "
            "the credit of the customer, who is planned anew. Stripe names the bank's reason."
        ),
    )


def _rest_s(refund: Refund) -> int:
    return FUNDS_AGAIN_S if refund.failure_reason == OUR_FUNDS else SAME_CHARGE_AGAIN_S
