"""`recover` and `explain`."""

import json
import os

import typer
from rich.console import Console

from refund_worker.bootstrap import read_policy
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.exits import Exit, Out, WrongUse, say, showing, visible
from refund_worker.entrypoints.explaining import explanation_json, explanation_lines
from refund_worker.entrypoints.json_form import case_json
from refund_worker.entrypoints.money import check_customer, open_world, plans_only
from refund_worker.entrypoints.times import utc
from refund_worker.settings import load_settings
from refund_worker.usecases.explain_customer import explain_customer
from refund_worker.usecases.mend_orphans import Finding, Recovered
from refund_worker.usecases.recover import RecoverResult
from refund_worker.usecases.recover import recover as find_and_mend

_BAD = {Finding.NEGATIVE, Finding.UNFINISHED}


def recover(*, full: bool, as_json: bool) -> Exit:
    """Find reservations without a live case and give them back."""
    settings = load_settings(os.environ)
    if plans_only(settings):
        raise WrongUse("REFUND_LIVE is not 1: set it to 1 to give credit back with this live key")
    wired = open_world(settings, read_policy(settings))
    result = find_and_mend(wired.world, full=full)
    with showing():
        if as_json:
            print(json.dumps(_json(result)))  # noqa: T201  the contract's one object
        else:
            _print(Out(), result)
    for customer, problem in result.unreadable.items():
        say(f"{customer} could not be read: {problem}")
    bad = result.unreadable or any(one.finding in _BAD for one in result.found)
    return Exit.FOUND if bad else Exit.FINISHED


def explain(*, customer: str, as_json: bool) -> Exit:
    """Say why a customer was or was not refunded."""
    check_customer(customer)
    settings = load_settings(os.environ)
    wired = open_world(settings, read_policy(settings), customers=[customer])
    explanation = explain_customer(wired.world, customer)
    with showing():
        if as_json:
            print(json.dumps(explanation_json(explanation)))  # noqa: T201  the contract's one object
        else:
            for line in explanation_lines(explanation):
                typer.echo(visible(line))
    return Exit.FINISHED


def _json(result: RecoverResult) -> dict[str, object]:
    return {
        "run": result.run,
        "customers_read": result.customers_read,
        "found": [
            {
                "customer": one.customer,
                "currency": one.currency,
                "case": one.case,
                "customer_balance_transaction": one.debit,
                "rest_minor": one.rest_minor,
                "finding": str(one.finding),
                "recover_after": one.at,
                "result": None if one.result is None else case_json(one.result),
            }
            for one in result.found
        ],
        "unreadable": result.unreadable,
    }


def _print(console: Console, result: RecoverResult) -> None:
    for one in result.found:
        console.print(f"{one.customer} {one.debit}: {_told(one)}", highlight=False, soft_wrap=True)
    console.print(
        f"customers read: {result.customers_read}, reservations without an end: {len(result.found)}", highlight=False
    )


def _told(one: Recovered) -> str:
    rest = face_value(one.rest_minor, one.currency)
    match one.finding:
        case Finding.GIVEN_BACK:
            return f"{rest} given back to the credit; the next run plans it anew"
        case Finding.TOO_YOUNG:
            return f"{rest} reserved, perhaps by a run elsewhere; recover again after {utc(one.at or 0)}"
        case Finding.LIVE:
            return f"{rest} reserved by a live case: `refund-worker resume` finishes it"
        case Finding.NEGATIVE:
            return f"{rest}: more was refunded or given back than was reserved; look into it by hand"
        case _:
            return f"{rest} could not be given back yet; run recover again"
