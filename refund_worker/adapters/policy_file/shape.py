"""The shape of policy.toml: which keys there are, and what each may hold. Amounts are read in `amounts`."""

import re
from datetime import UTC, date, datetime, time, tzinfo
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from refund_worker.domain.credit import Cause, Origin
from refund_worker.domain.policy import Policy

_DEFAULT: Final = Policy()
FIRST_YEAR, LAST_YEAR = 2011, 2099  # Stripe opened in 2011; what lies outside is a slip
DAYS_MAX: Final = 3650
# An id that a merchant chose itself when it came to Stripe may look like anything, but has none of these.
_NOT_IN_AN_ID: Final = re.compile(r"[\s/?#%\\\x00-\x1f\x7f]")
_ORIGINS: Final = [str(one) for one in Origin if one is not Origin.UNKNOWN]
_CAUSES: Final = [str(one) for one in Cause]


def _origin(value: object) -> Origin:
    if value == Origin.UNKNOWN:
        raise ValueError("must not name 'unknown': credit whose origin nobody can tell is never refunded")
    if value not in _ORIGINS:
        raise ValueError(f"{shown(value)} is no origin: use {', '.join(_ORIGINS)}")
    return Origin(str(value))


def _cause(value: object) -> Cause:
    if value not in _CAUSES:
        raise ValueError(f"{shown(value)} is no change that makes credit: use {', '.join(_CAUSES)}")
    return Cause(str(value))


def _since(value: object, told: ValidationInfo) -> int:
    """Midnight of a day in the company's zone, or a moment with its own offset: epoch seconds."""
    zone: tzinfo = told.context["tz"] if told.context else UTC
    moment = value
    if isinstance(value, date) and not isinstance(value, datetime):
        moment = datetime.combine(value, time.min, tzinfo=zone)
    if not isinstance(moment, datetime) or moment.tzinfo is None or moment.microsecond:
        raise ValueError("must be a date without quotes such as 2026-10-01, or a moment such as 2026-10-01T00:00:00Z")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must be a date from {FIRST_YEAR} to {LAST_YEAR}")
    return int(moment.timestamp())


def _customer(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255 or _NOT_IN_AN_ID.search(value):
        raise ValueError(f"{shown(value)} is no customer id: use one in quotes such as cus_NffrFeUfNV2Hib")
    return value


def _metadata(table: dict[str, str]) -> dict[str, str]:
    for key, value in table.items():
        if not 0 < len(key) <= 40 or len(value) > 500 or not (key + value).isprintable():
            raise ValueError(f"{shown(key)} cannot be in Stripe's metadata: a key has 40 characters, a value 500")
    return table


def shown(value: object) -> str:
    """A value of the file as one short line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class RunLimits(_Table):
    """Limits of a run; a key that is not `cases` is a currency."""

    model_config = ConfigDict(extra="allow")

    cases: Annotated[int, Field(ge=1, le=1_000_000)] = _DEFAULT.run_cases_max


class Limits(_Table):
    """Above these sums a case is held, and a run ends."""

    case: dict[str, Any] = Field(default_factory=dict)
    run: RunLimits = Field(default_factory=RunLimits)


class Exclude(_Table):
    """Whom the program must leave alone."""

    customers: list[Annotated[str, BeforeValidator(_customer)]] = Field(default_factory=list)
    metadata: Annotated[dict[str, str], AfterValidator(_metadata)] = Field(default_factory=dict)


class Unusual(_Table):
    """Which nights are unlike the past ones; a key that is neither `multiple` nor `customers` is a currency."""

    model_config = ConfigDict(extra="allow")

    multiple: Annotated[int, Field(ge=2, le=1_000)] = _DEFAULT.unusual_multiple
    customers: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class PolicyFile(_Table):
    """The whole file; what it leaves out is as in the default policy."""

    origins: Annotated[list[Annotated[Origin, BeforeValidator(_origin)]], Field(min_length=1)] = sorted(
        _DEFAULT.origins
    )
    refund_after: Annotated[list[Annotated[Cause, BeforeValidator(_cause)]], Field(min_length=1)] = sorted(
        _DEFAULT.refund_after
    )
    credit_since: Annotated[int | None, BeforeValidator(_since)] = None
    quiet_hours: Annotated[int, Field(ge=0, le=720)] = _DEFAULT.quiet_hours
    stripe_tax: Literal["hold", "refund"] = _DEFAULT.stripe_tax
    while_active: Literal["refund", "leave"] = _DEFAULT.while_active
    pending_items_of_active: Literal["leave", "convert"] = _DEFAULT.pending_items_of_active
    bank_debits: Literal["hold", "refund"] = _DEFAULT.bank_debits
    customer_refunds_max: Annotated[int, Field(ge=1, le=1_000)] = _DEFAULT.customer_refunds_max
    failures_max: Annotated[int, Field(ge=1, le=1_000)] = _DEFAULT.failures_max
    limits: Limits = Field(default_factory=Limits)
    minimum: dict[str, Any] = Field(default_factory=dict)
    refund_window_days: dict[str, Annotated[int, Field(ge=0, le=DAYS_MAX)]] = Field(default_factory=dict)
    unusual: Unusual = Field(default_factory=Unusual)
    exclude: Exclude = Field(default_factory=Exclude)
