"""Why a customer was or was not refunded, for people and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from refund_worker.domain.results import result_of_case
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.explaining_items import (
    conversion_json,
    past_conversion,
    planned_conversions,
    waiting_items,
    waiting_json,
)
from refund_worker.entrypoints.json_form import case_json
from refund_worker.entrypoints.times import utc
from refund_worker.usecases.explain_customer import ExplainedCurrency, Explanation


def explanation_json(explanation: Explanation) -> dict[str, object]:
    """Return the explanation as JSON: the customer's own currency, and every other one in a list; minor units."""
    return {
        "customer": explanation.facts.customer.id,
        **_currency_json(explanation.own),
        "other_currencies": [_currency_json(one) for one in explanation.others],
    }


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Per currency lots, charges, the past and the decision with its numbers: one fact a line, no id ever broken."""
    own = explanation.own
    # Of a customer whose only credit is in another currency, the own one has nothing to tell.
    shown = [own] if own.plan.credit_minor or own.standings or own.cases or not explanation.others else []
    for one in (*shown, *explanation.others):
        yield from _currency_lines(one)


def _currency_json(one: ExplainedCurrency) -> dict[str, object]:
    plan = one.plan
    return {
        "currency": plan.currency,
        "credit_minor": plan.credit_minor,
        "excluded_minor": plan.excluded_minor,
        "refundable_minor": plan.refundable_minor,
        "planned_minor": plan.planned_minor,
        "tax_minor": one.tax_minor,
        "held": plan.held,
        "reason": None if plan.reason is None else str(plan.reason),
        "numbers": plan.numbers,
        "digest": plan.digest,
        "conversions": [asdict(conversion) for conversion in plan.conversions],
        "pending_items": waiting_json(one.waiting_items),
        "lots": [asdict(lot) for lot in plan.lots],
        "charges": [asdict(candidate) for candidate in plan.candidates],
        "excluded_charges": [asdict(charge) for charge in one.excluded_charges],
        "refunds": [asdict(refund) for refund in plan.refunds],
        "standing": [
            {
                "case": standing.id,
                "outcome": str(standing.outcome),
                "reason": str(standing.reason),
                "since": standing.since,
            }
            for standing in one.standings
        ],
        "cases": [case_json(result_of_case(case)) | conversion_json(case) for case in one.cases],
    }


def _currency_lines(one: ExplainedCurrency) -> Iterator[str]:
    plan = one.plan
    credit, excluded, refundable = (
        face_value(minor, plan.currency) for minor in (plan.credit_minor, plan.excluded_minor, plan.refundable_minor)
    )
    yield f"{plan.customer}: credit {credit} = excluded {excluded} + refundable {refundable}"
    yield from planned_conversions(plan)
    yield from waiting_items(one.waiting_items)
    yield from _lots(one)
    yield from _charges(one)
    yield from _past(one)
    yield from _decision(one)


def _lots(one: ExplainedCurrency) -> Iterator[str]:
    if one.plan.lots:
        yield "where the credit came from, oldest first:"
    for lot in one.plan.lots:
        money = face_value(lot.left_minor, one.plan.currency)
        cause = f" by {lot.cause.replace('_', ' ')} of {lot.subscription}" if lot.cause else ""
        by = f"{lot.transaction}, {lot.invoice}" if lot.invoice else lot.transaction
        yield f"  {utc(lot.created)}  {money} {lot.origin}{cause} ({by})"


def _charges(explained: ExplainedCurrency) -> Iterator[str]:
    plan = explained.plan
    planned = {(refund.charge, refund.invoice): refund.amount_minor for refund in plan.refunds}
    if plan.candidates:
        yield "charges that can take a refund, newest first:"
    for one in plan.candidates:
        captured, refunded, refundable, part = (
            face_value(minor, plan.currency)
            for minor in (
                one.captured_minor,
                one.refunded_minor,
                one.refundable_minor,
                planned.get((one.charge, one.invoice), 0),
            )
        )
        yield (
            f"  {utc(one.created)}  {one.charge} {one.method}, paid {one.invoice}: captured {captured}, "
            f"refunded {refunded}, refundable {refundable}, planned {part}"
        )
    if explained.excluded_charges:
        yield "charges that cannot:"
    for excluded in explained.excluded_charges:
        yield f"  {excluded.charge}: {excluded.why.replace('_', ' ')}{_told(excluded.numbers, plan.currency)}"


def _decision(one: ExplainedCurrency) -> Iterator[str]:
    plan = one.plan
    planned = face_value(plan.planned_minor, plan.currency)
    if any(case.live for case in one.cases):
        yield "=> a live case is at work on it: `refund-worker resume` finishes it"
    elif plan.reason is None:
        over = "1 charge" if len(plan.refunds) == 1 else f"{len(plan.refunds)} charges"
        yield f"=> would refund {planned} over {over} (digest {plan.digest})"
    else:
        yield f"=> {'held' if plan.held else 'skipped'}: {plan.reason}{_told(plan.numbers, plan.currency)}"
        if plan.held and plan.planned_minor:
            yield f"   without the hold it would refund {planned}"
    if one.tax_minor:
        yield f"   {face_value(one.tax_minor, plan.currency)} of it is tax, which Stripe Tax reverses with the refund"


def _told(numbers: Mapping[str, int | str], currency: str) -> str:
    """The figures behind a reason, in brackets."""
    told = ", ".join(_number(name, value, currency) for name, value in numbers.items())
    return f" ({told})" if told else ""


def _number(name: str, value: int | str, currency: str) -> str:
    """A figure behind a reason as people read it: money, a moment, or as it is."""
    words = name.removesuffix("_minor").removesuffix("_at").replace("_", " ")
    if isinstance(value, str):
        return f"{words} {value}"
    if name.endswith("_minor"):
        return f"{words} {face_value(value, currency)}"
    if name == "since" or name.endswith(("_at", "_until")):
        return f"{words} {utc(value)}"
    return f"{words} {value}"


def _past(one: ExplainedCurrency) -> Iterator[str]:
    if one.standings or one.cases:
        yield "in this ledger:"
    for standing in one.standings:
        yield f"  {standing.outcome} as {standing.reason} since {utc(standing.since)}"
    for case in one.cases:
        if case.converts:
            yield from past_conversion(case)
            continue
        result = result_of_case(case)
        refunded = face_value(result.refunded_minor + result.pending_minor, case.plan.currency)
        ended = f"closed {utc(case.closed_at)}" if case.closed_at else f"live, {case.state}"
        yield f"  {utc(case.opened_at)}  {case.id}: {result.outcome.replace('_', ' ')}, refunded {refunded}, {ended}"
