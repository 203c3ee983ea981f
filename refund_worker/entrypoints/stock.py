"""`plan --all-time`: the stock of credit by age, origin and payment method."""

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


def stock_json(result: RunResult, *, now: int) -> dict[str, object]:
    """The stock as JSON, amounts in minor units; `by_method` is what would be refunded."""
    return {
        "by_age_and_origin": [
            {"currency": currency, "age": age, "origin": origin, "credit_minor": minor}
            for (currency, age, origin), minor in _by_age_and_origin(result, now=now)
        ],
        "by_method": [
            {"currency": currency, "method": method, "refundable_minor": minor}
            for (currency, method), minor in _by_method(result)
        ],
    }


def print_stock(console: Console, result: RunResult, *, now: int) -> None:
    """Print what is owed to customers, by currency, age and origin, and which methods could take it."""
    ages = _table("stock of credit", "currency", "age", "origin", amount="credit")
    for (currency, age, origin), minor in _by_age_and_origin(result, now=now):
        ages.add_row(currency, age, origin, face_value(minor, currency))
    methods = _table("refundable by method", "currency", "method", amount="refundable")
    for (currency, method), minor in _by_method(result):
        methods.add_row(currency, method, face_value(minor, currency))
    console.print(ages)
    console.print(methods)


def _by_age_and_origin(result: RunResult, *, now: int) -> list[tuple[tuple[str, str, str], int]]:
    stock: Counter[tuple[str, str, str]] = Counter()
    for plan in _plans(result):
        for lot in plan.lots:
            stock[plan.currency, _age(lot, now=now), str(lot.origin)] += lot.left_minor
    order = [*(name for _, name in _AGES), _OLDEST]
    return sorted(stock.items(), key=lambda row: (row[0][0], order.index(row[0][1]), row[0][2]))


def _by_method(result: RunResult) -> list[tuple[tuple[str, str], int]]:
    sums: Counter[tuple[str, str]] = Counter()
    for plan in _plans(result):
        methods = {candidate.charge: candidate.method for candidate in plan.candidates}
        for refund in plan.refunds:
            sums[plan.currency, methods[refund.charge]] += refund.amount_minor
    return sorted(sums.items())


def _plans(result: RunResult) -> list[Plan]:
    return [case.plan for case in result.cases if case.plan is not None]


def _age(lot: Lot, *, now: int) -> str:
    days = (now - lot.created) // _DAY_S
    return next((name for limit, name in _AGES if days < limit), _OLDEST)


def _table(title: str, *columns: str, amount: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name)
    table.add_column(amount, justify="right")
    return table
