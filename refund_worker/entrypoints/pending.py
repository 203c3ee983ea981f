"""`refunds pending`: the watch list, refunds whose last word Stripe has not said yet."""

import json
import os
from collections.abc import Iterator

import typer

from refund_worker.adapters.clock import SystemClock
from refund_worker.bootstrap import open_ledger
from refund_worker.domain.refund_watch import WatchedRefund
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.exits import Exit, showing, visible
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
            for line in _lines(found, now=now):
                typer.echo(visible(line))
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


def _lines(found: list[WatchedRefund], *, now: int) -> Iterator[str]:
    """Columns as wide as they must be: ids are there to be copied, whatever the terminal's width."""
    rows = [("refund", "customer", "amount", "status", "age", "case")]
    for one in found:
        amount = face_value(one.amount_minor, one.currency)
        rows.append((one.refund, one.customer, amount, one.status, age(now - one.since), one.case))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
