"""A customer's facts as text: the history of the credit (`histories`), and the charges with the invoices they paid.

    ch_1 4000 in_1@sub_1                            one charge, one invoice
    ch_2 5000 in_2@sub_1:3000 in_3@sub_2:2000       one charge for two invoices
    ch_3 5000 in_4@sub_1 refunded=1000 disputed     flags: refunded=, captured=, method=, currency=, status=,
                                                    disputed, uncaptured, connect, legacy (no
                                                    payment intent), record (outside Stripe)

Charges are created in the order of the lines, one day apart, the last one at DAY_OF_LAST_CHARGE.
"""

from dataclasses import replace

from refund_worker.domain.facts import (
    Account,
    Charge,
    Customer,
    CustomerFacts,
    Invoice,
    InvoicePayment,
    Refund,
)
from refund_worker.domain.planning import plan
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from tests.domain.histories import parse

DAY = 86_400
NOW = 400 * DAY
DAY_OF_LAST_CHARGE = NOW - 10 * DAY
ACCOUNT = Account(id="acct_1", livemode=False)


def facts(history: str, charges: str = "", *, currency: str = "usd") -> CustomerFacts:
    """A customer with this history and these charges; movements are of now."""
    parsed = parse(history, currency=currency)
    invoices = dict(parsed.invoices)
    lines = [line.split() for line in charges.strip().splitlines() if line.strip()]
    made = []
    for place, words in enumerate(lines):
        created = DAY_OF_LAST_CHARGE - (len(lines) - 1 - place) * DAY
        made.append(_charge(words, created, currency))
        _add_payments(invoices, words, created, currency)
    return CustomerFacts(
        customer=Customer(id="cus_1", currency=currency, credit_minor=-parsed.balance),
        invoices=tuple(invoices.values()),
        charges=tuple(reversed(made)),
        transactions=tuple(replace(row, created=NOW - DAY + row.created) for row in parsed.transactions),
        pending_items=(),
        read_at=NOW,
        complete=parsed.complete,
    )


def planned(found: CustomerFacts, *, policy: Policy | None = None, now: int = NOW, currency: str | None = None) -> Plan:
    """The plan with the default policy, unless another is given."""
    return plan(
        facts=found,
        currency=currency or found.customer.currency or "usd",
        policy=policy or Policy(),
        account=ACCOUNT,
        now=now,
    )


def in_words(made: Plan) -> str:
    """A plan as one line: the reason, then what would be refunded."""
    refunds = [f"{refund.charge} {refund.amount_minor}" for refund in made.refunds]
    words = [f"{'held' if made.held else 'skipped'} {made.reason}:"] if made.reason else []
    return " ".join([*words, ", ".join(refunds)]).strip()


def hand_refund(charge: str, amount: int, *, created: int, refund: str = "re_1", status: str = "succeeded") -> Refund:
    """A refund without our mark."""
    return Refund(id=refund, charge=charge, amount_minor=amount, currency="usd", status=status, created=created)


def with_invoice(found: CustomerFacts, invoice: Invoice) -> CustomerFacts:
    """The facts with an invoice added, or put in the place of the one with its id."""
    others = tuple(one for one in found.invoices if one.id != invoice.id)
    return replace(found, invoices=(*others, invoice))


def with_charge(found: CustomerFacts, charge: Charge) -> CustomerFacts:
    """The facts with a charge put in the place of the one with its id."""
    return replace(found, charges=tuple(charge if one.id == charge.id else one for one in found.charges))


def _charge(words: list[str], created: int, currency: str) -> Charge:
    options = dict(word.split("=") for word in words[2:] if "=" in word)
    captured = int(options.get("captured", words[1]))
    refunded = int(options.get("refunded", 0))
    return Charge(
        id=words[0],
        created=created,
        currency=options.get("currency", currency),
        status=options.get("status", "succeeded"),
        captured="uncaptured" not in words,
        captured_minor=captured,
        refunded_minor=refunded,
        disputed="disputed" in words,
        connect="connect" in words,
        method=options.get("method", "card"),
        payment_intent=None if "legacy" in words else words[0].replace("ch_", "pi_"),
        refunds=(hand_refund(words[0], refunded, created=created, refund=f"re_{words[0]}"),) if refunded else (),
    )


def _add_payments(invoices: dict[str, Invoice], words: list[str], created: int, currency: str) -> None:
    for word in (word for word in words[2:] if "@" in word):
        name, _, owner = word.partition("@")
        subscription, _, amount = owner.partition(":")
        invoice = invoices.get(name) or Invoice(
            id=name,
            status="paid",
            created=created,
            currency=currency,
            total_minor=0,
            subscription=subscription,
        )
        paid = int(amount or words[1])
        payment = _payment(words, paid)
        invoices[name] = replace(invoice, total_minor=invoice.total_minor + paid, payments=(*invoice.payments, payment))


def _payment(words: list[str], paid: int) -> InvoicePayment:
    kind = "payment_intent"
    if "legacy" in words:
        kind = "charge"
    elif "record" in words:
        kind = "payment_record"
    return InvoicePayment(
        id=f"inpay_{words[0]}",
        status="paid",
        amount_paid_minor=paid,
        type=kind,
        charge=words[0] if kind == "charge" else None,
        payment_intent=words[0].replace("ch_", "pi_") if kind == "payment_intent" else None,
    )
