"""Which account and mode a key belongs to."""

import re

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.domain.errors import Unauthorized
from refund_worker.domain.facts import Account

_REFUSED_ON = re.compile(r"on account (acct_[A-Za-z0-9]+)")


def read_account(calls: Calls, *, livemode: bool) -> Account:
    """Read the account's id; one call, no further permission.

    `GET /v1/account` needs `rak_accounts_kyc_basic_read`, which the Dashboard does not offer for every restricted key.
    But Stripe's refusal to a valid key names the account, and that is all that is asked here: a refund key needs no
    permission to read about its owner. The mode is in the key's prefix and is compared with `livemode` of each object
    read.

    Raises:
        Unauthorized: If Stripe does not know the key, or refuses without naming the account.
    """
    try:
        found = calls.get("/v1/account", kind="account").text("id")
    except Unauthorized as error:
        named = _REFUSED_ON.search(error.message) if error.http_status == 403 else None
        if named is None:
            raise
        found = named[1]
    return Account(id=found, livemode=livemode)
