"""Weighs what a discovery found before money moves, and reads the money that refunds would draw on."""

from collections.abc import Iterable, Mapping

from refund_worker.domain.currencies import plain_amount
from refund_worker.domain.errors import Unauthorized
from refund_worker.domain.new_credit import Scale
from refund_worker.domain.policy import NIGHTS_COMPARED
from refund_worker.domain.unusual import Usual, Weighing, Weight
from refund_worker.usecases.world import World

FUNDS_UNKNOWN = (
    "the key may not read the Stripe balance (rak_balance_read): whether the money suffices is not looked at before"
)

Credits = Mapping[str, Mapping[str, int]]


def usual_now(world: World) -> Usual:
    """What is usual by the past nights and the policy in force."""
    return Usual(past=world.ledger.past_weights(limit=NIGHTS_COMPARED), policy=world.policy)


def weigh(world: World, pages: Iterable[Credits]) -> Weighing:
    """Weigh the credits of customers, page by page: per customer and currency, positive minor units."""
    scale = Scale()
    for page in pages:
        add_page(world, scale, page)
    return usual_now(world).weigh(scale.weight)


def add_page(world: World, scale: Scale, page: Credits) -> None:
    """Add one page of customers to a scale."""
    standing = world.ledger.standing_credits(list(page))
    for customer, credit_minor in page.items():
        scale.add(credit_minor, standing=standing.get(customer, {}))


def read_funds(world: World) -> Mapping[str, int] | None:
    """What is available per currency, minor units; None where the key may not read it: Stripe refuses by itself then.

    Raises:
        StripeError: If Stripe gives no answer.
    """
    try:
        return world.stripe.available()
    except Unauthorized:
        return None


def beyond_funds(weight: Weight, available_minor: Mapping[str, int] | None) -> str | None:
    """One line where a night's new credit is more than the money available; None where it is not, or not known."""
    if available_minor is None:
        return None
    short = [
        f"{plain_amount(minor, currency=currency)} of new credit, "
        f"{plain_amount(available_minor[currency], currency=currency)} available"
        for currency, minor in sorted(weight.credit_minor.items())
        if minor > available_minor.get(currency, minor)
    ]
    return f"the Stripe balance may not suffice: {'; '.join(short)}" if short else None
