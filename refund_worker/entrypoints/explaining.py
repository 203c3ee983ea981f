"""Why a customer was or was not refunded, for people and as JSON."""

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from refund_worker.domain.results import result_of_case
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.json_form import case_json
from refund_worker.entrypoints.times import utc
from refund_worker.usecases.explain_customer import Explanation


def explanation_json(explanation: Explanation) -> dict[str, object]:
    """Return the explanation as JSON; amounts in minor units."""
    plan = explanation.plan
    return {
        "customer": plan.customer,
        "currency": plan.currency,
        "credit_minor": plan.credit_minor,
        "excluded_minor": plan.excluded_minor,
        "refundable_minor": plan.refundable_minor,
        "planned_minor": plan.planned_minor,
        "held": plan.held,
        "reason": None if plan.reason is None else str(plan.reason),
        "numbers": plan.numbers,
        "digest": plan.digest,
        "lots": [asdict(lot) for lot in plan.lots],
        "charges": [asdict(candidate) for candidate in plan.candidates],
        "excluded_charges": [{"charge": charge, "why": why} for charge, why in explanation.excluded_charges],
        "refunds": [asdict(refund) for refund in plan.refunds],
        "standing": [
            {"case": one.id, "outcome": str(one.outcome), "reason": str(one.reason), "since": one.since}
            for one in explanation.standings
        ],
        "cases": [case_json(result_of_case(case)) for case in explanation.cases],
    }


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Print lots, charges, the decision with its numbers, and the past."""
    plan = explanation.plan
    money = [
        face_value(minor, plan.currency) for minor in (plan.credit_minor, plan.excluded_minor, plan.refundable_minor)
    ]
    console.print(f"[bold]{plan.customer}[/bold]  credit {money[0]} = excluded {money[1]} + refundable {money[2]}")
    _lots(console, explanation)
    _charges(console, explanation)
    _decision(console, explanation)
    _past(console, explanation)


def _lots(console: Console, explanation: Explanation) -> None:
    if not explanation.plan.lots:
        return
    table = _table(
        "where the credit came from (lots, oldest first)", "created", "origin", "after", "subscription", "by"
    )
    table.add_column("left", justify="right")
    for lot in explanation.plan.lots:
        table.add_row(
            utc(lot.created),
            str(lot.origin),
            str(lot.cause or ""),
            lot.subscription or "",
            lot.invoice or lot.transaction,
            face_value(lot.left_minor, explanation.plan.currency),
        )
    console.print(table)


def _charges(console: Console, explanation: Explanation) -> None:
    plan = explanation.plan
    if plan.candidates:
        table = _table("charges that can take a refund (newest first)", "created", "charge", "method", "invoice")
        for name in ("captured", "refunded", "refundable", "planned"):
            table.add_column(name, justify="right")
        planned = {(refund.charge, refund.invoice): refund.amount_minor for refund in plan.refunds}
        for one in plan.candidates:
            sums = (
                one.captured_minor,
                one.refunded_minor,
                one.refundable_minor,
                planned.get((one.charge, one.invoice), 0),
            )
            table.add_row(
                utc(one.created),
                one.charge,
                one.method,
                one.invoice,
                *(face_value(sum_, plan.currency) for sum_ in sums),
            )
        console.print(table)
    if explanation.excluded_charges:
        table = _table("charges that cannot", "charge", "why")
        for charge, why in explanation.excluded_charges:
            table.add_row(charge, why.replace("_", " "))
        console.print(table)


def _decision(console: Console, explanation: Explanation) -> None:
    plan = explanation.plan
    planned = face_value(plan.planned_minor, plan.currency)
    if plan.reason is None:
        console.print(
            f"[bold]would refund {planned}[/bold] over {len(plan.refunds)} charges  (digest {plan.digest[:12]})"
        )
        return
    word = "held" if plan.held else "skipped"
    numbers = ", ".join(f"{name} {value}" for name, value in plan.numbers.items())
    console.print(f"[bold]{word}: {plan.reason}[/bold]" + (f"  ({numbers})" if numbers else ""))
    if plan.held and plan.planned_minor:
        console.print(f"without the hold it would refund {planned}")


def _past(console: Console, explanation: Explanation) -> None:
    for standing in explanation.standings:
        console.print(f"{standing.outcome} as {standing.reason} since {utc(standing.since)}")
    for case in explanation.cases:
        result = result_of_case(case)
        refunded = face_value(result.refunded_minor + result.pending_minor, case.plan.currency)
        ended = f"closed {utc(case.closed_at)}" if case.closed_at else str(case.state)
        console.print(f"{utc(case.opened_at)} {case.id}: {result.outcome}, refunded {refunded}, {ended}")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
