"""Judges a customer's pending invoice items: which are converted into credit, which are left, which need a person."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from refund_worker.domain.carried import movements_of, unsettled
from refund_worker.domain.causes import cause_of
from refund_worker.domain.conversions import Conversion, NamedItem
from refund_worker.domain.facts import Customer, CustomerBalanceTransaction, CustomerFacts, PendingItem
from refund_worker.domain.findings import Finding
from refund_worker.domain.marks import mark_of, write_mark
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason

# Of one subscription, in one currency.
Group = tuple[PendingItem, ...]


def groups_of(items: Iterable[PendingItem]) -> Mapping[tuple[str, str | None], Group]:
    """Return the items by currency and subscription, each group by id."""
    found: defaultdict[tuple[str, str | None], list[PendingItem]] = defaultdict(list)
    for item in items:
        found[item.currency, item.subscription].append(item)
    return {name: tuple(sorted(group, key=lambda item: item.id)) for name, group in found.items()}


def subscriptions_to_read(items: Iterable[PendingItem]) -> tuple[str, ...]:
    """Return the subscriptions whose state decides about their items: those whose items are a credit in the sum."""
    credit = {name: group for name, group in groups_of(items).items() if net_minor(group) < 0}
    return tuple(sorted({subscription for _, subscription in credit if subscription is not None}))


def net_minor(group: Sequence[PendingItem]) -> int:
    """The sum of a group, minor units with Stripe's sign: negative = credit."""
    return sum(item.amount_minor for item in group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What becomes of the pending items in one currency.

    Attributes:
        finding: Why nothing may be done in this currency; None where the items stand in nobody's way.
        conversions: What is to be converted first; none where there is a finding.
        facts: As they would be with the conversions done: a plan is made on these.
    """

    finding: Finding | None
    conversions: tuple[Conversion, ...]
    facts: CustomerFacts


def judge_items(*, facts: CustomerFacts, currency: str, policy: Policy, now: int) -> Judged:
    """Judge each group of pending items in a currency: held, converted, or left to the next invoice.

    Held is a group whose credit cannot be told (exclusive tax, deferred) and one that is a debit in the sum, which the
    next invoice pays out of the credit. What nets to zero stands in nobody's way.

    Args:
        facts: With `subscriptions` of `subscriptions_to_read`, and `items_now` of `carried.items_to_look_at`.
        currency: The one to look at.
        policy: Whether the items of a subscription that goes on are converted too.
        now: Epoch seconds.
    """
    finding = _unfinished(facts, currency, now=now)
    groups = {name: group for (of, name), group in groups_of(facts.pending_items).items() if of == currency}
    to_convert = {name: group for name, group in groups.items() if name and _is_converted(name, group, facts, policy)}
    finding = finding or _debit(groups) or _taxed(to_convert, facts) or _deferred(to_convert)
    if finding is not None:
        return Judged(finding=finding, conversions=(), facts=facts)
    conversions = tuple(_conversion(name, to_convert[name], facts) for name in sorted(to_convert))
    if not conversions and _balance(facts.transactions, facts.customer, currency) >= 0:
        finding = _left(groups)
    return Judged(finding=finding, conversions=conversions, facts=_as_if_done(facts, conversions))


def _unfinished(facts: CustomerFacts, currency: str, *, now: int) -> Finding | None:
    """Hold while an item and its credit both exist, or neither (rules CONVERSION_COMPLETED_FIRST and
    NO_CASH_WHILE_BOTH_EXIST)."""
    found = unsettled(
        facts.transactions,
        items_now=facts.items_now,
        pending={item.id for item in facts.pending_items},
        currency=currency,
        now=now,
    )
    if not found:
        return None
    first = found[0]
    numbers: dict[str, int | str] = {
        "conversion": first.conversion,
        "item": first.item,
        "items": len(found),
        "carried_minor": first.carried_minor,
    }
    return Finding(reason=Reason.CONVERSION_UNFINISHED, numbers=numbers)


def _is_converted(subscription: str, group: Group, facts: CustomerFacts, policy: Policy) -> bool:
    known = facts.subscriptions.get(subscription)
    if known is None or net_minor(group) >= 0:
        return False
    return known.ended or policy.pending_items_of_active == "convert"


def _debit(groups: Mapping[str | None, Group]) -> Finding | None:
    return _first(Reason.PENDING_ITEMS, {name: group for name, group in groups.items() if net_minor(group) > 0})


def _taxed(groups: Mapping[str, Group], facts: CustomerFacts) -> Finding | None:
    """Tax that an invoice would add to an item is no part of its amount: the credit would be too small."""
    taxed = {
        name: group
        for name, group in groups.items()
        if facts.subscriptions[name].exclusive_tax or any(item.exclusive_tax for item in group)
    }
    return _first(Reason.PENDING_ITEMS_TAXED, taxed)


def _deferred(groups: Mapping[str, Group]) -> Finding | None:
    deferred = {name: group for name, group in groups.items() if any(item.deferred for item in group)}
    return _first(Reason.PENDING_ITEMS_DEFERRED, deferred)


def _left(groups: Mapping[str | None, Group]) -> Finding | None:
    credit = {name: group for name, group in groups.items() if net_minor(group) < 0}
    found = _first(Reason.PENDING_ITEMS_LEFT, credit)
    return None if found is None else replace(found, held=False)


def _first(reason: Reason, groups: Mapping[Any, Group]) -> Finding | None:
    if not groups:
        return None
    name = min(groups, key=str)
    numbers: dict[str, int | str] = {"items": len(groups[name]), "net_minor": net_minor(groups[name])}
    return Finding(reason=reason, numbers=numbers | ({} if name is None else {"subscription": name}))


def _conversion(subscription: str, group: Group, facts: CustomerFacts) -> Conversion:
    named = tuple(item for item in group if item.amount_minor)
    prorations = [item for item in named if item.proration]
    credits_ = [item for item in prorations if item.amount_minor < 0]
    credited = {item.credited_invoice for item in credits_}
    return Conversion(
        subscription=subscription,
        currency=group[0].currency,
        items=tuple(NamedItem(item=item.id, amount_minor=item.amount_minor) for item in named),
        proration_minor=max(0, min(-net_minor(named), -net_minor(prorations))),
        cause=cause_of(prorations),
        credited=() if None in credited else tuple(sorted(str(invoice) for invoice in credited)),
        since=min(item.period_start for item in (credits_ or named)),
        earlier=movements_of((item.id for item in named), transactions=facts.transactions),
    )


def _as_if_done(facts: CustomerFacts, conversions: Sequence[Conversion]) -> CustomerFacts:
    """The facts with the conversions' credits as the newest balance transactions, and without their items."""
    rows = list(facts.transactions)
    for one in conversions:
        ending = _balance(rows, facts.customer, one.currency)
        mark = mark_of(one, customer=facts.customer.id, case="planned", run="planned")
        rows.insert(
            0,
            CustomerBalanceTransaction(
                id=f"planned_{one.subscription}",
                customer=facts.customer.id,
                created=facts.read_at,
                amount_minor=-one.credit_minor,
                currency=one.currency,
                ending_balance_minor=ending - one.credit_minor,
                type="adjustment",
                metadata=write_mark(mark),
            ),
        )
    taken = {item.item for one in conversions for item in one.items}
    return replace(
        facts,
        transactions=tuple(rows),
        pending_items=tuple(item for item in facts.pending_items if item.id not in taken),
    )


def _balance(rows: Sequence[CustomerBalanceTransaction], customer: Customer, currency: str) -> int:
    """Stripe's sign."""
    newest = next((row for row in rows if row.currency == currency), None)
    if newest is not None:
        return newest.ending_balance_minor
    return -customer.credit_minor if customer.currency == currency else 0
