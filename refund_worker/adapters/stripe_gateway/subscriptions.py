"""Subscriptions, as far as it matters when they ended, what they billed and whether tax comes on top."""

from collections.abc import Iterable, Iterator

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.facts import Subscription, SubscriptionItem

_KIND = "subscription"


def one_subscription(calls: Calls, *, subscription: str) -> Subscription:
    """One subscription, also an ended one. Raises NotFound."""
    answer = calls.get("/v1/subscriptions/{}", subscription, kind=_KIND, asked=subscription)
    return _read_subscription(calls, answer)


def all_subscriptions(calls: Calls, *, customer: str) -> tuple[Subscription, ...]:
    """Every subscription of the customer; without `status=all` Stripe leaves out the ended ones."""
    rows = calls.rows("/v1/subscriptions", kind=_KIND, customer=customer, status="all")
    return tuple(_subscription_of(calls, row, customer=customer) for row in rows)


def any_exclusive(fields: Fields, key: str) -> bool:
    """One of the tax rates under the key comes on top of the amount."""
    return any(not rate.flag("inclusive") for rate in fields.each(key))


def _subscription_of(calls: Calls, fields: Fields, *, customer: str) -> Subscription:
    found = _read_subscription(calls, fields)
    if found.customer != customer:
        raise fields.unreadable("customer", expected="the customer asked for")
    return found


def _read_subscription(calls: Calls, fields: Fields) -> Subscription:
    items = tuple(_items(calls, fields))
    return Subscription(
        id=fields.text("id"),
        customer=fields.reference("customer") or fields.text("customer_account"),
        status=fields.text("status"),
        exclusive_tax=_exclusive_tax(fields, items),
        ended_at=fields.number_or_none("ended_at"),
        items=tuple(_read_item(item) for item in items),
    )


def _read_item(fields: Fields) -> SubscriptionItem:
    price = fields.inner_or_none("price")
    return SubscriptionItem(
        price=fields.reference("price"),
        product=price.reference("product") if price is not None else None,
        quantity=fields.number_or_none("quantity"),
        period_start=fields.number_or_none("current_period_start"),
        period_end=fields.number_or_none("current_period_end"),
    )


def _exclusive_tax(fields: Fields, items: Iterable[Fields]) -> bool:
    if fields.inner("automatic_tax").flag("enabled") or any_exclusive(fields, "default_tax_rates"):
        return True
    return any(any_exclusive(item, "tax_rates") for item in items)


def _items(calls: Calls, fields: Fields) -> Iterator[Fields]:
    """All items: a subscription holds the first ones, the rest has pages of its own."""
    inline = fields.inner("items")
    if inline.flag("has_more"):
        return calls.rows("/v1/subscription_items", kind="subscription_item", subscription=fields.text("id"))
    return iter(inline.rows("data", kind="subscription_item"))
