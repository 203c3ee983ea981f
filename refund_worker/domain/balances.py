"""What the places where Stripe states a customer's balance say of the credit in each currency, and whether they agree.

Three of them: `customer.balance` (the customer's own currency), `invoice_credit_balance` (every currency, with the
opposite sign) and the ending balance of the newest balance transaction of a currency. The last one counts: it is what a
debit of ours moves.
"""

from refund_worker.domain.carried import unsettled
from refund_worker.domain.facts import Customer, CustomerFacts, PendingItem
from refund_worker.domain.findings import Finding
from refund_worker.domain.pending_items import groups_of, net_minor
from refund_worker.domain.reasons import Reason

# The currency of a customer who has none yet: one with which nothing was ever done.
NO_CURRENCY = "usd"


def own_currency(customer: Customer) -> str:
    """The customer's own currency: the one of `customer.balance`."""
    return customer.currency or NO_CURRENCY


def stated_credits(customer: Customer) -> dict[str, int]:
    """What the customer object says per currency, positive = credit; zeros left out."""
    stated = {**customer.other_credits, own_currency(customer): customer.credit_minor}
    return {currency: minor for currency, minor in stated.items() if minor}


def ending_balances(facts: CustomerFacts) -> dict[str, int]:
    """The newest ending balance of each currency of which a balance transaction was read; Stripe's sign."""
    newest: dict[str, int] = {}
    for transaction in facts.transactions:
        newest.setdefault(transaction.currency, transaction.ending_balance_minor)
    return newest


def credit_in(facts: CustomerFacts, currency: str) -> int:
    """What the newest balance transaction says, positive = credit; without any, what the customer object says."""
    ending = ending_balances(facts).get(currency)
    return stated_credits(facts.customer).get(currency, 0) if ending is None else -ending


def pending_credits(items: tuple[PendingItem, ...]) -> frozenset[str]:
    """The currencies in which the pending items of some subscription, or of none, are a credit in the sum."""
    return frozenset(currency for (currency, _), group in groups_of(items).items() if net_minor(group) < 0)


def currencies_with_credit(facts: CustomerFacts) -> tuple[str, ...]:
    """The currencies in which any place tells of credit, in order of their codes; also of a conversion to complete."""
    if facts.customer.deleted:
        return ()
    stated = {currency for currency, minor in stated_credits(facts.customer).items() if minor > 0}
    moved = {currency for currency, minor in ending_balances(facts).items() if minor < 0}
    return tuple(sorted(stated | moved | pending_credits(facts.pending_items) | _to_complete(facts)))


def _to_complete(facts: CustomerFacts) -> frozenset[str]:
    """Where a credit was used before its items were deleted, nothing else tells of it."""
    if not facts.items_now:
        return frozenset()
    pending = {item.id for item in facts.pending_items}
    return frozenset(
        currency
        for currency in ending_balances(facts)
        if unsettled(
            facts.transactions, items_now=facts.items_now, pending=pending, currency=currency, now=facts.read_at
        )
    )


def currencies_to_plan(facts: CustomerFacts) -> tuple[str, ...]:
    """Those with credit; where there is none, the customer's own, whose plan says why."""
    return currencies_with_credit(facts) or (own_currency(facts.customer),)


def balance_disagrees(*, facts: CustomerFacts, currency: str) -> Finding | None:
    """Hold where the customer object and the newest balance transaction of the currency tell of different balances.

    That `invoice_credit_balance` counts a credit as positive is documented, and the opposite of `balance`
    (docs.stripe.com/api/customers/object): were it otherwise, all of them would be held here.

    Numbers, each with the sign that Stripe gives it: `balance_minor` (of the customer's own currency only),
    `invoice_credit_balance_minor` (where Stripe gave one), `ending_balance_minor`.
    """
    ending = ending_balances(facts).get(currency)
    if ending is None:
        return None  # nothing was read that could disagree; credit of which no movement tells is held elsewhere
    numbers: dict[str, int | str] = {}
    agree = True
    if facts.customer.currency == currency:
        numbers["balance_minor"] = balance = -facts.customer.credit_minor
        agree = balance == ending
    credit_balance = _credit_balance(facts.customer, currency)
    if credit_balance is not None:
        numbers["invoice_credit_balance_minor"] = credit_balance
        agree = agree and credit_balance == -ending
    if agree:
        return None
    return Finding(reason=Reason.BALANCE_DISAGREES, numbers={**numbers, "ending_balance_minor": ending})


def _credit_balance(customer: Customer, currency: str) -> int | None:
    """What `invoice_credit_balance` says; where it was given without another currency than the own: that it is zero."""
    given, own = customer.credit_balances, customer.currency == currency
    return given.get(currency, None if own or not given else 0)
