"""Charges that must not be refunded over, and credit that no charge is left for."""

from collections.abc import Iterable, Sequence

from refund_worker.domain.bank_debits import disputable_until, is_disputable
from refund_worker.domain.charges import ExcludedCharge
from refund_worker.domain.disputes import DISPUTE_WORDS
from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.findings import Finding
from refund_worker.domain.plans import Candidate, PlannedRefund
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason

# What a person is told first where several apply.
_TELLING = (
    (Reason.CONNECT_CHARGE, frozenset({"connect"})),
    (Reason.CHARGE_DISPUTED, DISPUTE_WORDS),
    (Reason.REFUND_WINDOW_CLOSED, frozenset({"window_closed"})),
)


def no_charge(
    *, candidates: Sequence[Candidate], excluded: Iterable[ExcludedCharge], refundable_minor: int
) -> Finding | None:
    """Skip where no charge can take anything; the reason names what keeps those back that have something left.

    Args:
        candidates: The charges that can.
        excluded: Those that cannot, newest first.
        refundable_minor: What may leave.
    """
    if candidates:
        return None
    numbers: dict[str, int | str] = {"refundable_minor": refundable_minor}
    with_something_left = [one for one in excluded if one.left_minor > 0]
    for reason, words in _TELLING:
        found = [one for one in with_something_left if one.why in words]
        if found:
            newest = found[0]
            left = sum(one.left_minor for one in found)
            told = {"charge": newest.charge, "charges": len(found), "left_minor": left, **newest.numbers}
            return Finding(reason=reason, held=False, numbers=numbers | told)
    return Finding(reason=Reason.NO_CHARGE, held=False, numbers=numbers)


def bank_debit_disputable(
    *, facts: CustomerFacts, refunds: Iterable[PlannedRefund], policy: Policy, now: int
) -> Finding | None:
    """Hold where a refund would go over a bank debit that the customer can still take back through the bank.

    Numbers: `charge` (the newest), `charges`, `method`, and `disputable_until`, or `disputable` "without limit".
    """
    if policy.bank_debits != "hold":
        return None
    used = {refund.charge for refund in refunds}
    found = [
        charge
        for charge in {charge.id: charge for charge in facts.charges}.values()
        if charge.id in used and is_disputable(charge.method, created=charge.created, now=now)
    ]
    if not found:
        return None
    newest = max(found, key=lambda charge: (charge.created, charge.id))
    until = disputable_until(newest.method, created=newest.created)
    numbers: dict[str, int | str] = {
        "charge": newest.id,
        "charges": len(found),
        "method": newest.method,
    }
    numbers |= {"disputable": "without limit"} if until is None else {"disputable_until": until}
    return Finding(reason=Reason.BANK_DEBIT_DISPUTABLE, numbers=numbers)
