"""Customers and the movements on their balance."""

from collections.abc import Iterator, Mapping
from itertools import chain

import structlog

from refund_worker.adapters.stripe_gateway.calls import Calls
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.errors import NotFound, Rejected
from refund_worker.domain.facts import Customer, CustomerBalanceTransaction

CREDITS = "invoice_credit_balance"
CUSTOMERS = "/v1/customers"
CUSTOMER = "/v1/customers/{}"
MOVEMENTS = "/v1/customers/{}/balance_transactions"
MOVEMENT = "customer_balance_transaction"

log = structlog.get_logger(__name__)


class Customers:
    """Reads customers with their credit in other currencies, which Stripe gives only when it is asked to expand it.

    That it can be expanded is documented for a single customer only. A path where Stripe refuses it is read without it
    from then on: a sweep does not see other currencies then, and a customer is read beside its movements instead of
    with them. Source: docs.stripe.com/invoicing/multi-currency-customers.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._refusing: set[str] = set()

    def all(self, *, after: str | None = None) -> Iterator[Customer]:
        """Every customer, or those behind one, page by page."""
        behind = {} if after is None else {"starting_after": after}
        rows = self._expanded(CUSTOMERS, kind="customer", expand=f"data.{CREDITS}", params=behind)
        if rows is None:
            rows = self._calls.rows(CUSTOMERS, kind="customer", **behind)
        yield from map(read_customer, rows)

    def statement(self, customer: str) -> tuple[Customer, Iterator[CustomerBalanceTransaction]]:
        """The customer as its first page of movements shows it, and the movements; one call for both.

        A customer without movements is read by itself. Raises NotFound.
        """
        expand = f"data.customer.{CREDITS}"
        rows = self._expanded(MOVEMENTS, customer, kind=MOVEMENT, expand=expand, params={})
        if rows is None:
            return self.one(customer), movements(self._calls, customer=customer)
        first = next(rows, None)
        if first is None:
            return self.one(customer), iter(())
        holder = first.inner("customer")
        holder.name = f"customer {customer}"
        read = read_customer(holder)
        if read.id != customer:
            raise first.unreadable("customer", expected="the customer asked for")
        return read, (read_movement(row, customer=customer) for row in chain((first,), rows))

    def one(self, customer: str) -> Customer:
        """One customer, also a deleted one. Raises NotFound."""
        if CUSTOMER not in self._refusing:
            try:
                return self._one(customer, expand=[CREDITS])
            except Rejected as error:
                if not self._refused(CUSTOMER, error):
                    raise
        return self._one(customer)

    def _expanded(
        self, path: str, *ids: str, kind: str, expand: str, params: Mapping[str, object]
    ) -> Iterator[Fields] | None:
        """The rows of a list with their expansion; None where Stripe refuses to expand. Its first page is read."""
        if path in self._refusing:
            return None
        rows = self._calls.rows(path, *ids, kind=kind, expand=[expand], **params)
        try:
            first = next(rows, None)
        except Rejected as error:
            if not self._refused(path, error):
                raise
            return None
        return chain(() if first is None else (first,), rows)

    def _one(self, customer: str, **params: object) -> Customer:
        return read_customer(self._calls.get(CUSTOMER, customer, kind="customer", asked=customer, **params))

    def _refused(self, path: str, error: Rejected) -> bool:
        refused = error.http_status == 400 and not isinstance(error, NotFound) and CREDITS in error.message
        if refused:
            self._refusing.add(path)
            log.warning("expansion_refused", path=path, detail=str(error))
        return refused


def movements(calls: Calls, *, customer: str) -> Iterator[CustomerBalanceTransaction]:
    """The movements on the customer's balance, newest first; a page is read when its first row is asked for."""
    for row in calls.rows(MOVEMENTS, customer, kind=MOVEMENT):
        yield read_movement(row, customer=customer)


def read_customer(fields: Fields) -> Customer:
    """Read a customer. The sign of the balance is flipped here and nowhere else."""
    if fields.flag_or_false("deleted"):
        return Customer(id=fields.text("id"), deleted=True)
    currency = fields.text_or_none("currency")
    by_currency = fields.numbers(CREDITS)
    return Customer(
        id=fields.text("id"),
        created=fields.number("created"),
        currency=currency,
        credit_minor=-fields.number("balance"),
        metadata=fields.strings("metadata"),
        other_credits={code: minor for code, minor in by_currency.items() if minor != 0 and code != currency},
        credit_balances=by_currency,
    )


def read_movement(fields: Fields, *, customer: str) -> CustomerBalanceTransaction:
    """Read a customer balance transaction of the customer; amounts keep Stripe's sign.

    Raises:
        UnreadableAnswer: Also if it is another customer's.
    """
    if fields.reference("customer") != customer:
        raise fields.unreadable("customer", expected="the customer asked for")
    return CustomerBalanceTransaction(
        id=fields.text("id"),
        customer=customer,
        created=fields.number("created"),
        amount_minor=fields.number("amount"),
        currency=fields.text("currency"),
        ending_balance_minor=fields.number("ending_balance"),
        type=fields.text("type"),
        invoice=fields.reference("invoice"),
        credit_note=fields.reference("credit_note"),
        metadata=fields.strings("metadata"),
    )
