"""`plan --all-time`: the stock of credit by age, origin and payment method."""

import time
from collections import Counter

from rich.console import Console
from rich.table import Table

from refund_worker.domain.credit import Lot
from refund_worker.domain.plans import Plan
from refund_worker.entrypoints.amounts import face_value
from refund_worker.usecases.run_night import RunResult

_DAY_S = 24 * 3600
_AGES = ((30, "under 30 days"), (90, "30 to 90 days"), (365, "90 days to a year"))
_OLDEST = "over a year"


def print_stock(console: Console, result: RunResult) -> None:
    """Print what is owed to customers, by currency, age and origin, and which methods could take it."""
    now = int(time.time())
    plans = [case.plan for case in result.cases if case.plan is not None]
    stock: Counter[tuple[str, str, str]] = Counter()
    for plan in plans:
        for lot in plan.lots:
            stock[plan.currency, _age(lot, now=now), str(lot.origin)] += lot.left_minor
    table = Table(title="stock of credit", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in ("currency", "age", "origin"):
        table.add_column(name)
    table.add_column("credit", justify="right")
    order = [name for _, name in _AGES] + [_OLDEST]
    for (currency, age, origin), minor in sorted(stock.items(), key=lambda row: (row[0][0], order.index(row[0][1]))):
        table.add_row(currency, age, origin, face_value(minor, currency))
    console.print(table)
    console.print(_methods(plans))


def _age(lot: Lot, *, now: int) -> str:
    days = (now - lot.created) // _DAY_S
    return next((name for limit, name in _AGES if days < limit), _OLDEST)


def _methods(plans: list[Plan]) -> Table:
    sums: Counter[tuple[str, str]] = Counter()
    for plan in plans:
        methods = {candidate.charge: candidate.method for candidate in plan.candidates}
        for refund in plan.refunds:
            sums[plan.currency, methods[refund.charge]] += refund.amount_minor
    table = Table(title="refundable by method", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in ("currency", "method"):
        table.add_column(name)
    table.add_column("refundable", justify="right")
    for (currency, method), minor in sorted(sums.items()):
        table.add_row(currency, method, face_value(minor, currency))
    return table
