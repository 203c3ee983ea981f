"""The table a run ends with, the progress bar while it works."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from refund_worker.domain.cases import Outcome
from refund_worker.domain.results import CaseResult
from refund_worker.domain.summary import totals_of
from refund_worker.entrypoints.amounts import face_value
from refund_worker.usecases.run_night import RunResult

ROWS_MAX = 60  # what fits a person's patience; the report has all
_COLOURS = {
    Outcome.REFUNDED: "green",
    Outcome.PARTLY_REFUNDED: "green",
    Outcome.PLANNED: "cyan",
    Outcome.HELD: "yellow",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "red",
    Outcome.UNKNOWN: "red",
    Outcome.OWED: "red",
}
_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.OWED,
    Outcome.REFUNDED,
    Outcome.PARTLY_REFUNDED,
    Outcome.PLANNED,
    Outcome.HELD,
    Outcome.SKIPPED,
)


def print_run(console: Console, result: RunResult) -> None:
    """Print the cases, the totals per currency and, in one line, how the run ended."""
    ordered = sorted(result.cases, key=lambda case: (_WORST_FIRST.index(case.outcome), case.customer))
    if ordered:
        console.print(_cases(ordered[:ROWS_MAX]))
    if len(ordered) > ROWS_MAX:
        console.print(f"… and {len(ordered) - ROWS_MAX} more: refund-worker report {result.run}", style="dim")
    totals = totals_of(result.cases)
    if totals:
        console.print(_totals(totals))
    counts = ", ".join(
        f"{sum(case.outcome is outcome for case in result.cases)} {outcome.replace('_', ' ')}"
        for outcome in _WORST_FIRST
        if any(case.outcome is outcome for case in result.cases)
    )
    console.print(
        f"{result.customers_read} customers read, {len(result.cases)} examined: {counts or 'no credit found'}"
    )
    console.print(f"run {result.run} {result.status}" + (f": {result.stopped_by}" if result.stopped_by else ""))


def _cases(cases: list[CaseResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("customer", no_wrap=True, overflow="fold")
    for name in ("credit", "excluded", "refunded", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("charges", justify="right")
    table.add_column("outcome", no_wrap=True)
    table.add_column("reason")
    for case in cases:
        money = [
            face_value(amount, case.currency) if amount else "-"
            for amount in (
                case.credit_minor,
                case.excluded_minor,
                case.refunded_minor + case.pending_minor + case.planned_minor,
                case.left_minor + case.held_minor,
            )
        ]
        outcome = Text(case.outcome.replace("_", " "), style=_COLOURS[case.outcome])
        table.add_row(case.customer, *money, str(len(case.refunds) or "-"), outcome, str(case.reason or ""))
    return table


def _totals(totals: dict[str, dict[str, int]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title="totals", title_justify="left")
    table.add_column("currency")
    names = list(next(iter(totals.values())))
    for name in names:
        table.add_column(name.removesuffix("_minor"), justify="right", no_wrap=True)
    for currency, sums in totals.items():
        table.add_row(currency, *(face_value(sums[name], currency) for name in names))
    return table


class ProgressWatcher:
    """Shows a run while it goes on, on standard error, where that is a terminal."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[cases]} cases, {task.fields[refunds]} refunds"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._cases = self._refunds = 0

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("reading customers", total=None, cases=0, refunds=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, run: str) -> None:
        """The run is in the ledger."""
        self._update(description=run)

    def customers_read(self, count: int) -> None:
        """So many customers were read so far."""
        self._update(description=f"{count} customers read")

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""
        self._cases += 1
        self._refunds += sum(refund.refund is not None for refund in result.refunds)
        self._update(cases=self._cases, refunds=self._refunds)

    def _update(self, **fields: object) -> None:
        if self._task is not None:
            self._progress.update(self._task, **fields)  # type: ignore[arg-type]  # rich types its own fields only
