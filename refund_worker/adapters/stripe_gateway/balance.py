"""Our own Stripe account's balance: what refunds draw on."""

from collections import Counter
from collections.abc import Mapping

from refund_worker.adapters.stripe_gateway.calls import Calls


def available(calls: Calls) -> Mapping[str, int]:
    """What is available per currency, minor units, also below zero, with what is set aside for refunds and disputes.

    A currency may be listed more than once. Source: docs.stripe.com/api/balance/balance_object, and the vendor's types
    for `refund_and_dispute_prefunding`, which is there only for accounts that prefund.
    """
    balance = calls.get("/v1/balance", kind="balance")
    if not balance.present("available"):
        raise balance.unreadable("available", expected="an array")
    sums: Counter[str] = Counter()
    aside = balance.inner_or_none("refund_and_dispute_prefunding")
    for part in (balance, aside):
        for entry in part.each("available") if part is not None else ():
            sums[entry.text("currency")] += entry.number("amount")
    return dict(sums)
