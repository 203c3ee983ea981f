"""A year of the sandbox's time in which stories happen side by side, and what merchants and customers do in it.

Everything goes through Stripe's own API acts where the API can do it, so that the credit arises as in real life; the
sandbox's builders are used only for what it cannot. Amounts are minor units; moments are epoch seconds.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.billing import periods

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from refund_worker.sandbox.population.scenario import Story
    from refund_worker.sandbox.sandbox import Sandbox

DAY_S: Final = 86_400
LIVED_S: Final = 365 * DAY_S
EARLIER_RUN: Final = "run_before"  # in the marks of refunds that a run of another ledger made
# Billing periods begin this long before the end: their middle is then some days past, their renewal some days ahead,
# and no draft of a renewal waits for its hour when the clock stops.
_PERIOD_BEGAN_S: Final = 20 * DAY_S


def live(sandbox: Sandbox, stories: Mapping[str, Callable[[Life], Story]]) -> dict[str, str]:
    """Let stories happen side by side, each act at its time; then move the clock to the end of the lived year.

    Args:
        stories: By the name that the customer's description will show.

    Returns:
        The customers' ids by the stories' names.
    """
    ends = sandbox.clock.now + LIVED_S
    waiting = [
        (sandbox.clock.now, number, name, tell(Life(sandbox, name=name, ends=ends)))
        for number, (name, tell) in enumerate(stories.items())
    ]
    heapq.heapify(waiting)
    customers: dict[str, str] = {}
    while waiting:
        moment, number, name, story = heapq.heappop(waiting)
        sandbox.clock.advance(moment - sandbox.clock.now)
        try:
            heapq.heappush(waiting, (next(story), number, name, story))
        except StopIteration as told:
            customers[name] = told.value
    sandbox.clock.advance(ends - sandbox.clock.now)
    return {name: customers[name] for name in stories}


class Life:
    """The acts of one story: the merchant's, by Stripe's API, and the customer's."""

    def __init__(self, sandbox: Sandbox, *, name: str, ends: int) -> None:
        self.sandbox = sandbox
        self.name = name
        self.ends = ends

    # when

    def days_before_end(self, days: int) -> int:
        """The moment so many days before the clock stops."""
        return self.ends - days * DAY_S

    def months_before_end(self, months: int, *, seconds_later: int = 0) -> int:
        """When to begin, so that a monthly subscription has renewed `months` times 20 days before the clock stops.

        Args:
            seconds_later: Shifts those 20 days, from two days before to three days after.
        """
        last_renewal = self.ends - _PERIOD_BEGAN_S + seconds_later
        return periods.step(last_renewal, interval="month", count=1, steps=-months)

    def share_of_period(self, subscription: str, part: int, whole: int) -> int:
        """The moment when `part / whole` of the current billing period is over.

        Days divide by 2, 3, 4, 5, 6, 8, 9, 10, 12, 15 and 50 in whole seconds, months and years therefore too.
        """
        row = self._item(subscription)
        start, end = row["current_period_start"], row["current_period_end"]
        return int(start + (end - start) * part // whole)

    # who

    def newcomer(self, *, balance: int = 0) -> str:
        """A customer whose description is the story's name; `balance` has Stripe's sign (negative is credit)."""
        given: dict[str, Any] = {"description": self.name, "email": f"{self.name.replace('_', '-')}@example.com"}
        if balance:
            given["balance"] = balance
        return str(self.sandbox.post("/v1/customers", given)["id"])

    def pays(self, customer: str, outcome: str = "succeeds", *, kind: str = "card", to: str | None = None) -> None:
        """From now on the customer's payments turn out so: `succeeds`, `fails`, or `waits` to be paid by hand."""
        self.sandbox.build.payment_method(customer, kind=kind, outcome=outcome, destination=to)

    # subscriptions

    def price(self, amount: int, *, currency: str, every: str) -> str:
        """A recurring price."""
        return str(
            self.sandbox.post(
                "/v1/prices",
                {
                    "currency": currency, "unit_amount": amount, "recurring": {"interval": every},
                    "product_data": {"name": f"Plan of {amount} {currency} a {every}"},
                },
            )["id"]
        )  # fmt: skip

    def subscribe(
        self, customer: str, *amounts: int, currency: str = "usd", every: str = "month", seats: int = 1, **terms: Any
    ) -> str:
        """Subscribe to a plan of each amount; the first invoice is due at once. `terms` are the API's parameters."""
        prices = [self.price(amount, currency=currency, every=every) for amount in amounts]
        return self.subscribe_to(customer, *prices, seats=seats, **terms)

    def subscribe_to(self, customer: str, *prices: str, seats: int = 1, **terms: Any) -> str:
        """The same to prices that are there already."""
        rows = [{"price": price, "quantity": seats} for price in prices]
        return str(self.sandbox.post("/v1/subscriptions", {"customer": customer, "items": rows, **terms})["id"])

    def price_of(self, subscription: str) -> str:
        """The price of a subscription's first item."""
        return str(self._item(subscription)["price"]["id"])

    def change(
        self,
        subscription: str,
        *,
        amount: int | None = None,
        seats: int | None = None,
        proration: str = "always_invoice",
    ) -> None:
        """Another price or number of seats; the difference for the rest of the period is invoiced at once."""
        row = self._item(subscription)
        changed: dict[str, Any] = {"id": row["id"]}
        if amount is not None:
            recurring = row["price"]["recurring"]
            changed["price"] = self.price(amount, currency=row["price"]["currency"], every=recurring["interval"])
        if seats is not None:
            changed["quantity"] = seats
        self.sandbox.post(f"/v1/subscriptions/{subscription}", {"items": [changed], "proration_behavior": proration})

    def cancel(self, subscription: str, *, invoice: bool = True) -> None:
        """Cancel now; the unused time is credited, and invoiced at once or left as pending items."""
        self.sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True, "invoice_now": invoice})

    def end(self, subscription: str) -> None:
        """Cancel now without giving anything back."""
        self.sandbox.delete(f"/v1/subscriptions/{subscription}")

    def _item(self, subscription: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.sandbox.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]
        return shown

    # invoices

    def pending_item(self, customer: str, amount: int, *, why: str, **terms: Any) -> str:
        """An invoice item in dollars that waits for the next invoice; negative gives credit."""
        asked = {"customer": customer, "amount": amount, "currency": "usd", "description": why, **terms}
        return str(self.sandbox.post("/v1/invoiceitems", asked)["id"])

    def newest_invoice(self, subscription: str) -> str:
        """The subscription's newest invoice."""
        return str(self.sandbox.get("/v1/invoices", {"subscription": subscription, "limit": 1})["data"][0]["id"])

    def bill(
        self,
        customer: str,
        amount: int,
        *,
        currency: str = "usd",
        subscription: str | None = None,
        auto_advance: bool = False,
    ) -> str:
        """A draft invoice over one item, apart from the plan."""
        of = {"subscription": subscription} if subscription else {}
        self.sandbox.post(
            "/v1/invoiceitems",
            {"customer": customer, "amount": amount, "currency": currency, "description": "Extra work", **of},
        )
        return self.bill_pending(customer, currency=currency, auto_advance=auto_advance, **of)

    def bill_pending(self, customer: str, *, currency: str = "usd", auto_advance: bool = False, **of: str) -> str:
        """A draft invoice over what is pending, apart from any plan but the one of `subscription`."""
        asked = {
            "customer": customer, "currency": currency, "pending_invoice_items_behavior": "include",
            "auto_advance": auto_advance, **of,
        }  # fmt: skip
        return str(self.sandbox.post("/v1/invoices", asked)["id"])

    def invoice_act(self, invoice: str, act: str, **given: Any) -> None:
        """`finalize`, `pay`, `void` or `mark_uncollectible` an invoice."""
        self.sandbox.post(f"/v1/invoices/{invoice}/{act}", given)

    # money

    def newest_charge(self, customer: str) -> str:
        """The customer's newest charge."""
        return str(self.sandbox.get("/v1/charges", {"customer": customer, "limit": 1})["data"][0]["id"])

    def paid_by(self, invoice: str, customer: str, *, amount: int, **charged: Any) -> str:
        """A payment made apart pays an open invoice; `charged` says what is odd about it. Returns the charge."""
        charge = str(self.sandbox.build.charge(customer, amount=amount, **charged)["id"])
        self.sandbox.build.pay(invoice, charge=charge)
        return charge

    def adjust(self, customer: str, amount: int, *, currency: str = "usd", why: str) -> None:
        """Somebody adjusts the balance by hand; negative gives credit."""
        self.sandbox.post(
            f"/v1/customers/{customer}/balance_transactions",
            {"amount": amount, "currency": currency, "description": why},
        )

    def refunded_before(self, customer: str, *, number: int) -> None:
        """A run of another ledger refunds all credit over the newest charge, and marks what it does.

        Args:
            number: Which case of that run it is.
        """
        path = f"/v1/customers/{customer}/balance_transactions"
        credit = self.sandbox.get(path, {"limit": 1})["data"][0]
        amount = -credit["ending_balance"]
        mark = {"refund_worker_case": f"case_before_{number}", "refund_worker_run": EARLIER_RUN}
        debit = self.sandbox.post(
            path,
            {
                "amount": amount, "currency": credit["currency"], "description": "Credit refunded",
                "metadata": {
                    **mark, "refund_worker_step": "reserve", "refund_worker_lots": f"{credit['id']}:{amount}",
                },
            },
        )["id"]  # fmt: skip
        refund = {**mark, "refund_worker_step": "refund:1", "refund_worker_debit": debit}
        self.sandbox.post("/v1/refunds", {"charge": self.newest_charge(customer), "amount": amount, "metadata": refund})

    def refund_by_hand(self, charge: str, amount: int) -> None:
        """Support refunds a charge, wholly or in part."""
        self.sandbox.post("/v1/refunds", {"charge": charge, "amount": amount})
