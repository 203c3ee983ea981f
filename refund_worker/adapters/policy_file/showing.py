"""Shows a policy as the policy.toml that would make it."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from refund_worker.domain.currencies import amount_text
from refund_worker.domain.policy import NIGHTS_COMPARED, UNUSUAL_FLOORS, YOUNG_UNUSUAL_FLOORS, Policy

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def show_policy(policy: Policy, *, tz: tzinfo = UTC) -> str:
    """Write the policy in force, with what stands at its default said so, and its digest.

    Args:
        tz: The company's: in which `credit_since` is written. The moment is the same in any.

    Returns:
        TOML text that `load_policy` reads back to an equal policy.
    """
    default = Policy()

    def line(key: str, value: str) -> str:
        return _line(key, value, is_default=getattr(policy, key) == getattr(default, key))

    lines = [
        f"# digest {policy.digest()}",
        "",
        line("origins", _list(policy.origins)),
        line("refund_after", _list(policy.refund_after)),
        _since(policy, tz=tz),
        line("while_active", _text(policy.while_active)),
        line("pending_items_of_active", _text(policy.pending_items_of_active)),
        line("quiet_hours", str(policy.quiet_hours)),
        line("stripe_tax", _text(policy.stripe_tax)),
        line("bank_debits", _text(policy.bank_debits)),
        line("customer_refunds_max", str(policy.customer_refunds_max)),
        line("failures_max", str(policy.failures_max)),
        "",
        "[limits.case]",
        *_amounts(policy.case_limit_minor),
        f"# every other currency: {amount_text(default.case_limit('usd'), currency='usd')}, its own decimals",
        "",
        "[limits.run]",
        _line("cases", str(policy.run_cases_max), is_default=policy.run_cases_max == default.run_cases_max),
        *_amounts(policy.run_limit_minor),
        f"# every other currency: {amount_text(default.run_limit('usd'), currency='usd')}, its own decimals",
        "",
        "[minimum]",
        *_amounts(policy.minimum_minor),
        "# every other currency: no minimum",
        "",
        "[refund_window_days]",
        *(f"{method} = {policy.refund_window_days[method]}" for method in sorted(policy.refund_window_days)),
        "# every other payment method: as Stripe documents it (docs/payment-methods.md)",
        "",
        "[unusual]",
        _line("multiple", str(policy.unusual_multiple), is_default=policy.unusual_multiple == default.unusual_multiple),
        *_floors(policy),
        "",
        "[exclude]",
        _line("customers", _list(policy.excluded_customers), is_default=not policy.excluded_customers),
        _line("metadata", _inline(policy.excluded_metadata), is_default=not policy.excluded_metadata),
    ]
    return "\n".join(lines) + "\n"


def _floors(policy: Policy) -> list[str]:
    (customers, cents), (young_customers, young_cents) = UNUSUAL_FLOORS, YOUNG_UNUSUAL_FLOORS
    young, later = amount_text(young_cents, currency="usd"), amount_text(cents, currency="usd")
    named = policy.unusual_floor_customers
    return [
        f"# customers is not set: {young_customers}, and {customers} once {NIGHTS_COMPARED} nights are known"
        if named is None
        else _line("customers", str(named), is_default=False),
        *_amounts(policy.unusual_floor_minor),
        f"# every other currency: {young}, and {later} once {NIGHTS_COMPARED} nights are known, its own decimals",
    ]


def _line(key: str, value: str, *, is_default: bool) -> str:
    return f"{key} = {value}  # default" if is_default else f"{key} = {value}"


def _since(policy: Policy, *, tz: tzinfo) -> str:
    if policy.credit_since is None:
        return "# credit_since is not set: credit of any age is refunded; a live key needs it"
    return f"credit_since = {datetime.fromtimestamp(policy.credit_since, tz).isoformat()}"


def _amounts(amounts: Mapping[str, int]) -> list[str]:
    return [f'{currency} = "{amount_text(amounts[currency], currency=currency)}"' for currency in sorted(amounts)]


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(_text(value) for value in sorted(values))}]"


def _inline(table: Mapping[str, str]) -> str:
    pairs = [f"{key if _BARE.fullmatch(key) else _text(key)} = {_text(table[key])}" for key in sorted(table)]
    return f"{{ {', '.join(pairs)} }}" if pairs else "{}"


def _text(value: str) -> str:
    # A JSON string of printable characters is a TOML string; the file lets no other in.
    return json.dumps(str(value), ensure_ascii=False)
