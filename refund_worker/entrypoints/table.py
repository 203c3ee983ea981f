"""The table a run ends with, the progress bar while it works."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from refund_worker.domain.cases import Outcome
from refund_worker.domain.funds import Shortage
from refund_worker.domain.results import CaseResult, worst_first
from refund_worker.domain.runs import RunMode
from refund_worker.domain.summary import counts_of, totals_of
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.exits import visible
from refund_worker.usecases.run_night import RunResult

ROWS_MAX = 100  # what fits a person's patience; the report has all
_PARTS = ("refunded", "pending", "planned", "held", "left")
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


def print_run(console: Console, result: RunResult) -> None:
    """Print the cases, the totals per currency and, in one line, how the run ended."""
    ordered = sorted(result.cases, key=worst_first)
    if ordered:
        console.print(_cases(ordered[:ROWS_MAX], moved="planned" if result.mode is RunMode.PLAN else "refunded"))
    if len(ordered) > ROWS_MAX:
        console.print(f"… and {len(ordered) - ROWS_MAX} more: refund-worker report {result.run}", style="dim")
    for line in totals_lines(result.cases):
        console.print(line, highlight=False, soft_wrap=True)
    found = counts_of(result.cases)
    counts = ", ".join(f"{count} {_words(name)}" for name, count in found.items() if count and name != "examined")
    console.print(
        f"customers read: {result.customers_read}, examined: {len(result.cases)} ({counts or 'nothing to do'})",
        highlight=False,
        soft_wrap=True,
    )
    why = why_stopped(result)
    stopped = f": {visible(why)}" if why else ""
    console.print(f"run {result.run} {result.status}{stopped}", highlight=False, soft_wrap=True, markup=False)


def over_limit(result: RunResult) -> str:
    """Which limits of a run some cases would have exceeded; they are planned, for the next run."""
    limits = ", ".join(face_value(minor, currency) for currency, minor in sorted(result.over_limit.items()))
    return f"some cases would exceed the run's limit of {limits}" if limits else ""


def why_stopped(result: RunResult) -> str:
    """What stopped a run: one line for each of the reasons that it can have beside each other; empty where none did."""
    if result.stopped_by is not None or result.mode is RunMode.PLAN:
        return result.stopped_by or ""
    lines = [over_limit(result), *(shortage.line() for shortage in result.shortages)]
    return "; ".join(line for line in lines if line)


def would_stop(result: RunResult) -> list[str]:
    """What would stop a run that now only planned."""
    if result.mode is not RunMode.PLAN:
        return []
    unusual = [f"a run would stop before its first case: {'; '.join(result.unusual)}"] if result.unusual else []
    return [*unusual, *(_would_be_short(shortage) for shortage in result.shortages)]


def _would_be_short(shortage: Shortage) -> str:
    planned, available = (face_value(minor, shortage.currency) for minor in (shortage.needed, shortage.available))
    return f"a run would stop in {shortage.currency.upper()}: {planned} planned, {available} in the Stripe balance"


def totals_lines(cases: Iterable[CaseResult]) -> list[str]:
    """The sums per currency in words, one line a currency and identity."""
    lines: list[str] = []
    for currency, sums in totals_of(cases).items():
        money = {name.removesuffix("_minor"): face_value(minor, currency) for name, minor in sums.items()}
        refundable = money["refundable"]
        parts = [f"{name} {money[name]}" for name in _PARTS if sums[f"{name}_minor"]]
        lines += [
            f"{currency.upper()}  credit {money['credit']} = excluded {money['excluded']} + refundable {refundable}",
            f"     refundable {refundable} = {' + '.join(parts) or '0'}",
        ]
    return lines


def _cases(cases: list[CaseResult], *, moved: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("customer", no_wrap=True, overflow="fold")
    for name in ("credit", moved, "stays"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome")
    for case in cases:
        refunded = case.refunded_minor + case.pending_minor
        stays = case.credit_minor - refunded - case.planned_minor
        money = [
            face_value(minor, case.currency) if minor else "-"
            for minor in (case.credit_minor, refunded or case.planned_minor, stays)
        ]
        outcome = Text(_words(case.outcome), style=_COLOURS[case.outcome])
        if case.reason is not None:
            outcome.append(f" {case.reason}", style="default")
        if case.causes:
            outcome.append(f" ({', '.join(_words(cause) for cause in case.causes)})", style="dim")
        table.add_row(Text(visible(case.customer)), *money, outcome)
    return table


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


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

    def warned(self, line: str) -> None:
        """Something that a person should know: above the bar, where it stays."""
        self._progress.console.print(f"refund-worker: {visible(line)}", highlight=False, soft_wrap=True, markup=False)

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""
        self._cases += 1
        self._refunds += sum(refund.refund is not None for refund in result.refunds)
        self._update(cases=self._cases, refunds=self._refunds)

    def _update(self, **fields: object) -> None:
        if self._task is not None:
            self._progress.update(self._task, **fields)  # type: ignore[arg-type]  # rich types its own fields only
