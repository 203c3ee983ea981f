"""`plan --all-time`: the stock of credit by age, origin and payment method."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from refund_worker.domain.credit import Lot
from refund_worker.domain.results import CaseResult
from refund_worker.entrypoints.amounts import face_value

_DAY_S = 24 * 3600
_AGES = ((30, "under 30 days"), (90, "30 to 90 days"), (365, "90 days to a year"))
_OLDEST = "over a year"


class Stock:
    """Sums what the plans of a run tell; amounts in minor units."""

    def __init__(self, *, now: int) -> None:
        self._now = now
        self._by_age_and_origin: Counter[tuple[str, str, str]] = Counter()
        self._by_method: Counter[tuple[str, str]] = Counter()

    def add(self, result: CaseResult) -> None:
        """Add a case, if it was planned."""
        plan = result.plan
        if plan is None:
            return
        for lot in plan.lots:
            self._by_age_and_origin[plan.currency, _age(lot, now=self._now), str(lot.origin)] += lot.left_minor
        methods = {candidate.charge: candidate.method for candidate in plan.candidates}
        for refund in plan.refunds:
            self._by_method[plan.currency, methods[refund.charge]] += refund.amount_minor

    def as_json(self) -> dict[str, object]:
        """The stock as JSON; `by_method` is what would be refunded."""
        return {
            "by_age_and_origin": [
                {"currency": currency, "age": age, "origin": origin, "credit_minor": minor}
                for (currency, age, origin), minor in self._oldest_last()
            ],
            "by_method": [
                {"currency": currency, "method": method, "refundable_minor": minor}
                for (currency, method), minor in sorted(self._by_method.items())
            ],
        }

    def show(self, console: Console) -> None:
        """Print what is owed to customers, by currency, age and origin, and which methods could take it."""
        ages = _table("stock of credit", "currency", "age", "origin", amount="credit")
        for (currency, age, origin), minor in self._oldest_last():
            ages.add_row(currency, age, origin, face_value(minor, currency))
        methods = _table("would be refunded, by method", "currency", "method", amount="amount")
        for (currency, method), minor in sorted(self._by_method.items()):
            methods.add_row(currency, method, face_value(minor, currency))
        console.print(ages)
        console.print(methods)

    def _oldest_last(self) -> list[tuple[tuple[str, str, str], int]]:
        order = [*(name for _, name in _AGES), _OLDEST]
        return sorted(self._by_age_and_origin.items(), key=lambda row: (row[0][0], order.index(row[0][1]), row[0][2]))


def _age(lot: Lot, *, now: int) -> str:
    days = (now - lot.created) // _DAY_S
    return next((name for limit, name in _AGES if days < limit), _OLDEST)


def _table(title: str, *columns: str, amount: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name)
    table.add_column(amount, justify="right")
    return table
