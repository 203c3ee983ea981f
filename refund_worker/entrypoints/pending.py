"""`refunds pending`: the watch list, refunds whose last word Stripe has not said yet."""

import json
import os

import typer
from rich.table import Table

from refund_worker.adapters.clock import SystemClock
from refund_worker.bootstrap import open_ledger
from refund_worker.domain.refund_watch import WatchedRefund
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.exits import Exit, Out, showing
from refund_worker.entrypoints.times import age
from refund_worker.settings import load_settings


def pending(*, as_json: bool) -> Exit:
    """Show the watch list, oldest first."""
    found = list(open_ledger(load_settings(os.environ), create=False).queue.watched_refunds())
    now = SystemClock().now()
    with showing():
        if as_json:
            print(json.dumps({"refunds": [_json(one, now=now) for one in found]}))  # noqa: T201  the contract's one object
        elif found:
            Out().print(_table(found, now=now))
        else:
            typer.echo("no refund waits for its last word")
    return Exit.FINISHED


def _json(one: WatchedRefund, *, now: int) -> dict[str, object]:
    return {
        "refund": one.refund,
        "case": one.case,
        "customer": one.customer,
        "currency": one.currency,
        "amount_minor": one.amount_minor,
        "status": one.status,
        "since": one.since,
        "age_seconds": now - one.since,
    }


def _table(found: list[WatchedRefund], *, now: int) -> Table:
    table = Table("refund", "customer", "amount", "status", "age", "case", box=None, pad_edge=False)
    for column in ("amount", "age"):
        next(one for one in table.columns if one.header == column).justify = "right"
    for one in found:
        amount = face_value(one.amount_minor, one.currency)
        table.add_row(one.refund, one.customer, amount, one.status, age(now - one.since), one.case)
    return table
