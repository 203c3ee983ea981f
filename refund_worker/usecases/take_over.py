"""What whoever takes a case over does first: reads what bears the mark of its reserve (rule TAKEN_OVER_READS_THE_MARK).

The ledger may be an older copy of itself, put back from a backup: it has forgotten refunds that were made since, and
that the rest was given back. Only cases that were interrupted pay for these reads.
"""

from refund_worker.domain.cases import Case, Claim, State, Step, StepState
from refund_worker.domain.reasons import Reason
from refund_worker.domain.steps import debit_of
from refund_worker.usecases.mark_view import charges_of, record_what_stripe_shows, transactions_to, view_of
from refund_worker.usecases.world import World


def mark_to_read(claim: Claim, case: Case) -> Step | None:
    """The reserve whose mark must be read before anything of the case is refunded; None where none must.

    Not by the claim that opened the case, nor while the reserve has no answer; a case that closes reads it anyway.
    """
    return debit_of(case) if claim.fence > 1 and case.state in {State.RESERVING, State.REFUNDING} else None


def read_the_mark(world: World, claim: Claim, case: Case, debit: Step) -> None:
    """Adopt what Stripe shows of the mark; only close where a newer ledger had decided it all, or nothing can be read.

    A give-back is sent only after the decision to close, whatever the case's row says now (rule CLOSING_IS_FINAL); and
    where less is left than an open refund asks for, it was refused, and others were sent after it.

    Raises:
        StripeError: If the mark could not be read; the case stays live.
    """
    transactions = transactions_to(world, case, debit)
    if transactions is not None:
        view = view_of(transactions=transactions, charges=charges_of(world, case), debit=debit, case=case)
        case = record_what_stripe_shows(world, claim, case, view)
        if not view.returned and _largest_open_minor(case) <= view.rest_minor:
            return
    with world.ledger.writing() as writer:
        writer.move(claim, state=State.CLOSING, outcome=None, reason=Reason.CLOSED_BY_MARK, now=world.clock.now())


def _largest_open_minor(case: Case) -> int:
    undecided = {StepState.INTENDED, StepState.UNKNOWN}
    refunds = (step for step in case.steps if step.kind == "refund" and step.state in undecided)
    return max((step.amount_minor for step in refunds), default=0)
