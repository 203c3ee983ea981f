"""Tells of customers who could not be planned: Stripe gave no answer, a case is live, or a bug struck."""

from collections.abc import Callable
from typing import TypeVar

from refund_worker.domain.balances import own_currency, stated_credits
from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import Rejected, StripeError, Unauthorized, UnreadableAnswer
from refund_worker.domain.facts import Customer
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult
from refund_worker.usecases.finish_case import traceback_of
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.world import World

FORBIDDEN = 403  # the key lacks a permission; 401 = Stripe does not know the key

T = TypeVar("T")


def read_or_fail(
    world: World,
    gate: Gate,
    customer: Customer,
    read: Callable[[], T | tuple[CaseResult, ...]],
    *,
    currency: str | None = None,
) -> T | tuple[CaseResult, ...]:
    """Return what `read` brings of Stripe; cases that could not be planned where it brings an error.

    Args:
        customer: As far as it is known.
        currency: The only one of which nothing can be decided; None = all in which there is credit.
    """
    try:
        return read()
    except Unauthorized as error:
        if error.http_status != FORBIDDEN:
            gate.refuse(str(error))
        # A permission that few customers need - of disputes, of subscriptions - must not cost all others their refund;
        # one that all need stops the run as any row of failures does.
        reason, detail = Reason.PERMISSION_MISSING, str(error)
    except StripeError as error:
        reason = Reason.FACTS_UNREADABLE if isinstance(error, UnreadableAnswer | Rejected) else Reason.STRIPE_BUSY
        detail = str(error)
    return _failed(world, customer, currency, reason=reason, detail=detail)


def fail_customer(
    world: World, bug: Exception, customer: Customer, *, currency: str | None = None
) -> tuple[CaseResult, ...]:
    """Tell of a bug that struck before anything was reserved in this currency, or in any."""
    return _failed(world, customer, currency, reason=Reason.BUG, detail=traceback_of(bug))


def unplanned(
    case: str,
    customer: Customer,
    *,
    currency: str,
    credit_minor: int,
    outcome: Outcome,
    reason: Reason,
    detail: str | None = None,
) -> CaseResult:
    """A case that could not be planned: all of its credit stays where it is."""
    credit = max(0, credit_minor)
    return CaseResult(
        case=case,
        customer=customer.id,
        currency=currency,
        credit_minor=credit,
        excluded_minor=credit,
        refundable_minor=0,
        outcome=outcome,
        reason=reason,
        digest="",
        detail=detail,
    )


def _failed(
    world: World, customer: Customer, currency: str | None, *, reason: Reason, detail: str
) -> tuple[CaseResult, ...]:
    stated = stated_credits(customer)
    with_credit = sorted(name for name, minor in stated.items() if minor > 0)
    concerned = [currency] if currency is not None else with_credit or [own_currency(customer)]
    return tuple(
        unplanned(
            world.new_id("case"),
            customer,
            currency=name,
            credit_minor=stated.get(name, 0),
            outcome=Outcome.FAILED,
            reason=reason,
            detail=detail,
        )
        for name in concerned
    )
