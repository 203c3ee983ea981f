"""What is decided about a customer and what `explain` says of it: outcome, reason, and the line that tells of it."""

from dataclasses import replace

from refund_worker.domain.facts import CustomerFacts, Invoice, InvoiceLine
from refund_worker.domain.policy import Policy
from refund_worker.entrypoints.explaining import explanation_lines
from refund_worker.usecases.explain_customer import Explanation, explain_currency
from tests.domain.customers import ACCOUNT, NOW, in_words, with_invoice


def decided(found: CustomerFacts, *, policy: Policy | None = None, now: int = NOW) -> str:
    """The outcome with its reason, then what would be refunded; and whether `explain` says the same."""
    own = explain_currency(facts=found, currency="usd", policy=policy or Policy(), account=ACCOUNT, now=now)
    lines = list(explanation_lines(Explanation(facts=found, own=own, others=())))
    plan = own.plan
    said = "=> would refund" if plan.reason is None else f"=> {'held' if plan.held else 'skipped'}: {plan.reason}"
    assert [line for line in lines if line.startswith(said)], lines
    return in_words(plan)


def line_of(found: CustomerFacts, beginning: str, *, policy: Policy | None = None, now: int = NOW) -> str:
    """The first line of `explain` that begins so (blanks in front apart); empty where there is none."""
    own = explain_currency(facts=found, currency="usd", policy=policy or Policy(), account=ACCOUNT, now=now)
    lines = (line.strip() for line in explanation_lines(Explanation(facts=found, own=own, others=())))
    return next((line for line in lines if line.startswith(beginning)), "")


def with_line(found: CustomerFacts, invoice: str, **changes: object) -> CustomerFacts:
    """The facts with the first line of an invoice changed."""
    old = invoice_of(found, invoice)
    line = replace(old.lines[0], **changes)  # type: ignore[arg-type]  # tests name fields by keyword
    return with_invoice(found, replace(old, lines=(line, *old.lines[1:])))


def billing(found: CustomerFacts, invoice: str, *, start: int, end: int, tax_minor: int = 0) -> CustomerFacts:
    """The facts with a line on an invoice that bills its whole total for a period, `tax_minor` of it included."""
    old = invoice_of(found, invoice)
    line = InvoiceLine(
        id=f"il_{invoice}",
        amount_minor=old.total_minor,
        inclusive_tax_minor=tax_minor,
        subscription=old.subscription,
        period_start=start,
        period_end=end,
    )
    return with_invoice(found, replace(old, lines=(line,)))


def invoice_of(found: CustomerFacts, name: str) -> Invoice:
    """An invoice by its id."""
    return next(one for one in found.invoices if one.id == name)
