"""What a customer's id looks like."""

import re

# Stripe's ids are letters, digits and underscores; merchants could once choose customer ids, also with dashes.
_CUSTOMER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}")


def is_customer_id(text: str) -> bool:
    """Whether the text can be a customer's id."""
    return _CUSTOMER.fullmatch(text) is not None
