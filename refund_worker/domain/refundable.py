"""What of the credit may leave as cash under the policy, over whose charges, and how a reserve names it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from refund_worker.domain.allocation import ANY_SUBSCRIPTION
from refund_worker.domain.credit import Lot, Origin, Replay
from refund_worker.domain.facts import Invoice, Subscription
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.plans import PlannedRefund
from refund_worker.domain.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What may leave of one lot, and for whose charges: a subscription or ANY_SUBSCRIPTION. Minor units, above zero."""

    lot: Lot
    subscription: str
    amount_minor: int


def may_leave(lot: Lot, *, policy: Policy) -> bool:
    """Whether the policy lets a lot leave as cash. Unknown origin never may, even where the policy names it."""
    if lot.origin is Origin.UNKNOWN or lot.origin not in policy.origins:
        return False
    if lot.cause is not None and not policy.refunds_after(lot.cause):
        return False
    return policy.credit_since is None or lot.created >= policy.credit_since


def shares(
    past: Replay, *, policy: Policy, invoices: Mapping[str, Invoice], subscriptions: Mapping[str, Subscription]
) -> tuple[Share, ...]:
    """Return what may leave of each lot, oldest first.

    Their sum is `max(0, min(sum of the refundable lots, credit - sum of the excluded lots))`: where a reserve found too
    little in its lots, what is missing is missing from what may leave, never from goodwill.
    """
    kept = {id(lot) for _, lot in kept_lots(past, policy=policy, invoices=invoices, subscriptions=subscriptions)}
    leaving = [lot for lot in past.lots if may_leave(lot, policy=policy) and id(lot) not in kept]
    staying = sum(lot.left_minor for lot in past.lots) - sum(lot.left_minor for lot in leaving)
    left = max(0, past.credit_minor - staying)
    found: list[Share] = []
    for lot in leaving:
        amount = min(lot.left_minor, left)
        left -= amount
        if amount > 0:
            found.append(Share(lot=lot, subscription=_subscription(lot, invoices), amount_minor=amount))
    return tuple(found)


def kept_lots(
    past: Replay, *, policy: Policy, invoices: Mapping[str, Invoice], subscriptions: Mapping[str, Subscription]
) -> tuple[tuple[str, Lot], ...]:
    """Return the lots that may leave but are left for the next invoice of their subscription, each with it.

    Only under `while_active = "leave"`. A subscription that was not read goes on, as far as anybody knows.
    """
    if policy.while_active != "leave":
        return ()
    owned = ((_subscription(lot, invoices), lot) for lot in past.lots if may_leave(lot, policy=policy))
    return tuple(
        (name, lot)
        for name, lot in owned
        if name != ANY_SUBSCRIPTION and not (name in subscriptions and subscriptions[name].ended)
    )


def amounts(found: Iterable[Share]) -> dict[str, int]:
    """Return the sum that may leave per subscription."""
    sums: Counter[str] = Counter()
    for share in found:
        sums[share.subscription] += share.amount_minor
    return dict(sums)


def name_lots(found: Sequence[Share], *, refunds: Iterable[PlannedRefund], lots: Sequence[Lot]) -> tuple[NamedLot, ...]:
    """Name what a reserve for the refunds takes of which balance transaction, in the order of the lots.

    Args:
        found: What may leave.
        refunds: What is planned; no more than may leave.
        lots: All that is left of the credit. A part is named only where the transaction alone would mean another one.
    """
    planned = Counter[str]()
    for refund in refunds:
        planned[refund.subscription] += refund.amount_minor
    taking = {name: min(amount, planned[name]) for name, amount in amounts(found).items() if name != ANY_SUBSCRIPTION}
    taking[ANY_SUBSCRIPTION] = sum(planned.values()) - sum(taking.values())
    taken: Counter[tuple[str, str]] = Counter()
    for share in found:
        amount = min(share.amount_minor, taking[share.subscription])
        taking[share.subscription] -= amount
        taken[(share.lot.transaction, share.lot.part)] += amount
    named: list[NamedLot] = []
    for transaction, group in groupby(lots, key=lambda lot: lot.transaction):
        named.extend(_name(transaction, [(lot, taken[(transaction, lot.part)]) for lot in group]))
    return tuple(named)


def _name(transaction: str, parts: Sequence[tuple[Lot, int]]) -> list[NamedLot]:
    total = sum(amount for _, amount in parts)
    if total == 0:
        return []
    left, in_order = total, True
    for lot, amount in parts:
        in_order = in_order and amount == min(lot.left_minor, left)
        left -= min(lot.left_minor, left)
    if in_order:
        return [NamedLot(transaction=transaction, amount_minor=total)]
    return [NamedLot(transaction=transaction, amount_minor=amount, part=lot.part) for lot, amount in parts if amount]


def _subscription(lot: Lot, invoices: Mapping[str, Invoice]) -> str:
    """Credit that no proration made goes by the subscription of its invoice, if it has one."""
    if lot.subscription is not None:
        return lot.subscription
    invoice = invoices.get(lot.invoice or "")
    return (invoice.subscription if invoice is not None else None) or ANY_SUBSCRIPTION
