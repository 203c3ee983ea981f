"""Customers in a sandbox, made through its API as a merchant would."""

from refund_worker.sandbox import Sandbox

FIFTEEN_DAYS = 15 * 86_400


def customer_of(sandbox: Sandbox, **params: object) -> str:
    """A customer who pays by card."""
    customer = str(sandbox.post("/v1/customers", params)["id"])
    sandbox.build.payment_method(customer)
    return customer


def downgraded(sandbox: Sandbox) -> tuple[str, str]:
    """A customer who went from 100.00 to 10.00 a month in the middle of it; and the subscription."""
    customer = customer_of(sandbox)
    product = sandbox.post("/v1/products", {"name": "Plan"})["id"]
    large, small = (
        sandbox.post(
            "/v1/prices",
            {"product": product, "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}},
        )["id"]
        for amount in (10_000, 1_000)
    )
    subscription = sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": large}]})
    sandbox.clock.advance(FIFTEEN_DAYS)
    item = {"id": subscription["items"]["data"][0]["id"], "price": small}
    sandbox.post(f"/v1/subscriptions/{subscription['id']}", {"items": [item], "proration_behavior": "always_invoice"})
    return customer, str(subscription["id"])


def invoice_with(sandbox: Sandbox, customer: str, *amounts: int, pay: bool = True) -> str:
    """An invoice with a line for each amount."""
    invoice = str(sandbox.post("/v1/invoices", {"customer": customer, "auto_advance": False})["id"])
    for amount in amounts:
        sandbox.post(
            "/v1/invoiceitems", {"customer": customer, "invoice": invoice, "amount": amount, "currency": "usd"}
        )
    sandbox.post(f"/v1/invoices/{invoice}/finalize")
    if pay:
        sandbox.post(f"/v1/invoices/{invoice}/pay")
    return invoice


def cancelled_later(sandbox: Sandbox, *, named: bool = False) -> tuple[str, str]:
    """A customer who cancelled 100.00 a month in the middle of it: the credit is left pending; and the subscription."""
    customer = customer_of(sandbox)
    product = sandbox.post("/v1/products", {"name": "Plan"})["id"]
    monthly = {"product": product, "currency": "usd", "unit_amount": 10_000, "recurring": {"interval": "month"}}
    price = sandbox.post("/v1/prices", monthly)["id"]
    subscription = str(sandbox.post("/v1/subscriptions", {"customer": customer, "items": [{"price": price}]})["id"])
    sandbox.build.prorations(subscription, named=named)
    sandbox.clock.advance(FIFTEEN_DAYS)
    sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True})
    return customer, subscription
