"""What `doctor` asks of Stripe: which permissions the key has, without writing, the clock, and the webhook endpoints.

A write permission is tried with an object that cannot exist: Stripe checks the key first, so 403 says that it is
missing, and "no such object" that it is there. Nothing is ever created or deleted by that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final, Literal

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.domain.errors import NotFound, Rejected, StripeError, Unauthorized

# No id of Stripe's has such a shape, and no merchant would choose it.
NOBODY: Final = "refund_worker_doctor_asks_for_nobody"

_LISTS: Final[Mapping[str, str]] = {
    "rak_customer_read": "/v1/customers",
    "rak_invoice_read": "/v1/invoices",
    "rak_charge_read": "/v1/charges",
    "rak_payment_intent_read": "/v1/payment_intents",
    "rak_subscription_read": "/v1/subscriptions",
    "rak_dispute_read": "/v1/disputes",
    "rak_event_read": "/v1/events",
}
_WRITES: Final[Mapping[str, tuple[Literal["post", "delete"], str, Mapping[str, object]]]] = {
    "rak_customer_write": ("post", f"/v1/customers/{NOBODY}/balance_transactions", {"amount": 1, "currency": "usd"}),
    "rak_charge_write": ("post", "/v1/refunds", {"charge": NOBODY, "amount": 1}),
    "rak_invoice_write": ("delete", f"/v1/invoiceitems/{NOBODY}", {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A permission of the key's; `given` is None where Stripe's answer does not tell, and `said` says what it was."""

    name: str
    given: bool | None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A webhook endpoint as Stripe has it; `events` holds `*` where it gets all of them."""

    id: str
    url: str
    enabled: bool
    events: frozenset[str]
    api_version: str | None


class StripeProbe:
    """Asks. Nothing is created, changed or deleted."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def permissions(self) -> tuple[Permission, ...]:
        """Each permission that refund-worker needs, present or missing."""
        get = self._calls.get
        lists = [self._read(name, partial(get, path, kind="list", limit=1)) for name, path in _LISTS.items()]
        funds = self._read("rak_balance_read", partial(get, "/v1/balance", kind="balance"))
        return (*lists, funds, *(self._write(name, *tried) for name, tried in _WRITES.items()))

    def skew_s(self, *, now: int) -> int | None:
        """By how many seconds this machine's clock is ahead of Stripe's last answer; None where that had no date."""
        said = self._calls.last_date
        try:
            return None if said is None else now - int(parsedate_to_datetime(said).timestamp())
        except ValueError:
            return None

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The webhook endpoints of the account. Raises StripeError; Unauthorized without `rak_webhook_read`."""
        return tuple(
            Endpoint(
                id=row.text("id"),
                url=row.text("url"),
                enabled=row.text("status") == "enabled",
                events=frozenset(str(kind) for kind in _list(row.raw("enabled_events"))),
                api_version=row.text_or_none("api_version"),
            )
            for row in self._calls.rows("/v1/webhook_endpoints", kind="webhook_endpoint")
        )

    @staticmethod
    def _read(name: str, ask: Callable[[], object]) -> Permission:
        try:
            ask()
        except Unauthorized as error:
            return Permission(name=name, given=False, said=str(error))
        except StripeError as error:
            return Permission(name=name, given=None, said=str(error))
        return Permission(name=name, given=True)

    def _write(
        self, name: str, method: Literal["post", "delete"], path: str, params: Mapping[str, object]
    ) -> Permission:
        error = self._calls.refused(method, path, params)
        if isinstance(error, Unauthorized):
            return Permission(name=name, given=False, said=str(error))
        if isinstance(error, NotFound | Rejected):
            return Permission(name=name, given=True)
        return Permission(name=name, given=None, said="no error" if error is None else str(error))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
